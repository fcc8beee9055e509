"""An audit log that somebody tampered with: the first bad line is named (faults.md, F52)."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F, QuerySet
from pytest_django import DjangoAssertNumQueries

from apps.actions.audit import BATCH, BEGINNING, audit_verify, hash_of
from apps.actions.models import AuditHead, AuditLine
from tests.actions.log import line_written, lines_written, tampered

pytestmark = [pytest.mark.database, pytest.mark.django_db]

UNREADABLE = [
    "UPDATE {table} SET at = 'some day' WHERE event = 'event 2'",
    "UPDATE {table} SET at = 7 WHERE event = 'event 2'",
    "UPDATE {table} SET request = 'nobody' WHERE event = 'event 2'",
]


@pytest.fixture
def lines() -> list[AuditLine]:
    return lines_written(6)


def those(lines: list[AuditLine]) -> QuerySet[AuditLine]:
    """These lines, to be tampered with."""
    return AuditLine.objects.filter(pk__in=[line.pk for line in lines])


def verified(head: str = "") -> str:
    """What the command says."""
    said = StringIO()
    call_command("audit_verify", head=head, stdout=said)
    return said.getvalue()


def complaint(head: str = "") -> str:
    """What the command complains of; it ends with status 1 then."""
    with pytest.raises(CommandError) as caught:
        verified(head)
    assert caught.value.returncode == 1
    return str(caught.value)


def test_f52_an_untouched_log_is_right_and_its_head_is_told(lines: list[AuditLine]) -> None:
    assert verified() == f"6 lines, all as they were written\nhead {lines[-1].hash}\n"


def test_f52_an_empty_log_is_right_and_its_head_too() -> None:
    assert verified() == f"0 lines, all as they were written\nhead {BEGINNING}\n"
    line_written()
    assert "hold the head kept elsewhere" in verified(BEGINNING)


@pytest.mark.parametrize(
    "change",
    [
        {"who": "eve"},
        {"words": "nothing happened"},
        {"event": "approved"},
        {"what": {}},
        {"previous": "f" * 64},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"request": UUID(int=0)},
    ],
)
def test_f52_the_first_of_the_altered_lines_is_named(lines: list[AuditLine], change: dict[str, Any]) -> None:
    those(lines[4:]).update(words="too")
    those(lines[2:3]).update(**change)
    assert f"First bad: line {lines[2].pk}: it was altered" in complaint()
    assert audit_verify().count == 2


@pytest.mark.parametrize("change", UNREADABLE)
def test_f52_a_line_that_cannot_even_be_read_is_named(lines: list[AuditLine], change: str) -> None:
    if connection.vendor == "postgresql":  # its columns hold moments and UUIDs alone
        with pytest.raises(DatabaseError), transaction.atomic():
            tampered(change)
        assert audit_verify().is_good
        return
    tampered(change)
    assert f"First bad: line {lines[2].pk}: it was altered" in complaint()


def test_f52_an_altered_line_with_its_hash_made_anew_breaks_the_chain_at_the_next(lines: list[AuditLine]) -> None:
    forged = AuditLine.objects.get(pk=lines[2].pk)
    forged.who = "eve"
    those(lines[2:3]).update(who="eve", hash=hash_of(forged))
    assert f"First bad: line {lines[3].pk}: " in complaint()
    assert f"or line {lines[2].pk} was rewritten" in complaint()


@pytest.mark.parametrize("place", [0, 3])
def test_f52_a_missing_line_is_told_at_the_one_that_followed_it(lines: list[AuditLine], place: int) -> None:
    those(lines[place : place + 1]).delete()
    said = complaint()
    before = f"line {lines[place - 1].pk}" if place else "the beginning"
    assert f"First bad: line {lines[place + 1].pk}: at least one line between {before} and it is missing" in said


def test_f52_lines_that_changed_places_are_told(lines: list[AuditLine]) -> None:
    third, fourth = lines[2].pk, lines[3].pk
    for old, new in ((third, 10_000), (fourth, third), (10_000, fourth)):
        AuditLine.objects.filter(pk=old).update(id=new)
    assert f"First bad: line {third}: it was moved: it belongs after line {fourth}, and stands after" in complaint()


def test_f52_a_line_put_in_between_is_told(lines: list[AuditLine]) -> None:
    those(lines[3:]).update(id=F("id") + 100)
    forged = AuditLine(pk=lines[2].pk + 1, at=lines[2].at, event="approved", who="eve", previous=lines[2].hash)
    forged.hash = hash_of(forged)
    forged.save(force_insert=True)
    assert f"First bad: line {lines[3].pk + 100}: " in complaint()


def test_f52_a_cut_tail_shows_by_the_head_row(lines: list[AuditLine]) -> None:
    those(lines[4:]).delete()
    assert "First bad: the end: lines at its end are missing: the head row knows 6 lines, 4 are there" in complaint()


def test_f52_a_cut_tail_with_its_head_row_mended_shows_by_a_head_kept_elsewhere_alone(lines: list[AuditLine]) -> None:
    kept = lines[-1].hash
    those(lines[4:]).delete()
    AuditHead.objects.update(hash=lines[3].hash, count=4)
    assert verified().startswith("4 lines, all as they were written")
    assert "the hash that was kept elsewhere is not in the log" in complaint(kept)
    assert "4 lines, all as they were written and hold the head kept elsewhere" in verified(lines[3].hash)


def test_f52_a_tail_that_was_cut_and_written_anew_shows_by_a_head_kept_elsewhere(lines: list[AuditLine]) -> None:
    those(lines[4:]).delete()
    AuditHead.objects.update(hash=lines[3].hash, count=4)
    lines_written(5)
    assert verified().startswith("9 lines, all as they were written")
    assert "First bad: the end: " in complaint(lines[-1].hash)


def test_f52_a_head_kept_earlier_holds_while_the_log_grows(lines: list[AuditLine]) -> None:
    lines_written(3)
    assert verified(f"  {lines[-1].hash.upper()}\n").startswith("9 lines, all as they were written and hold")


def test_f52_a_head_row_that_was_taken_away_or_altered_is_told(lines: list[AuditLine]) -> None:
    AuditHead.objects.update(count=5)
    assert "the head row was altered" in complaint()
    AuditHead.objects.all().delete()
    assert "the head row is missing" in complaint()
    line = line_written()
    assert f"First bad: line {line.pk}: at least one line between line {lines[-1].pk} and it" in complaint()


def test_f52_a_log_that_was_emptied_is_told(lines: list[AuditLine]) -> None:
    those(lines).delete()
    assert "the head row knows 6 lines, 0 are there" in complaint()


def test_what_is_no_hash_is_refused_instead_of_being_looked_for(lines: list[AuditLine]) -> None:
    assert "64 hexadecimal digits" in complaint("deadbeef")


def test_it_is_read_in_batches(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    lines_written(2 * BATCH + 1)
    with django_assert_num_queries(1 + 3 * 2 + 1):
        assert audit_verify().count == 2 * BATCH + 1
