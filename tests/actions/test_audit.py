"""The audit log: one chain, whoever writes at once; what its lines say; what goes to standard output."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from apps.actions.append_only import statements_to_drop, statements_to_make
from apps.actions.audit import BEGINNING, audit_note, audit_verify, hash_of, line_as_json, log
from apps.actions.models import AuditHead, AuditLine
from tests.actions.log import line_written, lines_written, request_row, tampered, triggers

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the log of the audit log was given."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    listener = Listener()
    log.addHandler(listener)
    yield lines
    log.removeHandler(listener)


def test_each_line_follows_the_one_before() -> None:
    lines = lines_written(3)
    assert [line.previous for line in lines] == [BEGINNING, lines[0].hash, lines[1].hash]
    head = AuditHead.objects.get()
    assert (head.hash, head.count) == (lines[2].hash, 3)


def test_a_line_read_back_has_the_hash_that_it_was_written_with() -> None:
    odd = {
        "text": "naïve \x00 \ud800 \u2028 𝄞 'quoted' \\",
        "numbers": [1, -7, 10**20, 1.5, 1e16, 1e-7],
        "nested": {"z": None, "a": True, "": ["x", ("y",)]},
        "at": datetime(2026, 11, 24, tzinfo=UTC),
    }
    line = line_written(words="\x00 and \udfff", what=odd)
    read = AuditLine.objects.get(pk=line.pk)
    assert hash_of(read) == read.hash == line.hash
    assert read.what["numbers"] == [1, -7, 10**20, "1.5", "1e+16", "1e-07"]
    assert audit_verify().is_good


def test_the_hash_does_not_depend_on_the_zone_in_which_a_moment_is_read() -> None:
    line = line_written()
    before = hash_of(line)
    line.at = line.at.astimezone(timezone(timedelta(hours=5)))
    assert hash_of(line) == before


@pytest.mark.parametrize(
    "columns", [{"who": "eve"}, {"words": "x"}, {"event": "x"}, {"what": {"a": 1}}, {"previous": "f" * 64}]
)
def test_the_hash_depends_on_all_that_it_says(columns: dict[str, Any]) -> None:
    line = line_written(words="because", what={"a": 2})
    for name, value in columns.items():
        setattr(line, name, value)
    assert hash_of(line) != line.hash


def test_a_line_says_all_of_its_request_and_never_the_sessions_key() -> None:
    passed = {"guard": "freeze", "answer": "pass", "words": "nothing is frozen", "link": ""}
    spoke = {"guard": "order", "answer": "warn", "words": "staging first", "link": "/apps/"}
    guards = [passed, spoke]
    request = request_row(
        session="s3cr3t-session-key", reason="drifted", ticket="ITN-1", options={"prune": True}, guards=guards,
        revision_seen="aaa", revision_sent="bbb", policy="production", approver="ada", answer="denied", outcome="no",
    )  # fmt: skip
    line = line_written("sending", request=request, words="as asked", what={"more": "than that"})
    assert line.request == request.pk
    told = {name: line.what[name] for name in ("person", "role", "address", "action", "application", "project")}
    assert told == {
        "person": "remy", "role": "responder", "address": "192.0.2.7", "action": "sync", "project": "default",
        "application": "production/argocd/build-service-stone-prd-m01",
    }  # fmt: skip
    assert (line.what["environment"], line.what["cluster"]) == ("production", "stone-prd-m01")
    assert line.what["options"] == {"prune": True}
    assert (line.what["reason"], line.what["ticket"], line.what["policy"]) == ("drifted", "ITN-1", "production")
    assert (line.what["revision_seen"], line.what["revision_sent"]) == ("aaa", "bbb")
    assert (line.what["guards"], line.what["passed"]) == ([spoke], ["freeze"])
    assert (line.what["approver"], line.what["answer"], line.what["outcome"]) == ("ada", "denied", "no")
    assert (line.what["state"], line.what["more"]) == ("approved", "than that")
    assert len(line.what["session"]) == 16
    assert request.session not in line_as_json(line)


def test_texts_that_are_too_long_are_cut_so_that_every_database_takes_them() -> None:
    line = line_written("e" * 99, words="w" * 5000)
    assert (len(line.event), len(line.words)) == (40, 1000)
    assert line.words.endswith("[cut]")


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_nothing_is_noted() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        audit_note(event="requested", who="remy")
    assert not AuditLine.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_committed_line_is_one_line_of_json_on_standard_output(told: list[str]) -> None:
    line = line_written(words="first\nsecond\u2028\x7f\x1b[31m")
    (text,) = told
    assert text.isascii()
    assert text.isprintable()
    said = json.loads(text)
    assert (said["log"], said["line"], said["hash"]) == ("portal.audit", line.pk, line.hash)
    assert said["words"] == line.words
    assert said["at"] == line.at.isoformat(timespec="microseconds")


@pytest.mark.django_db(transaction=True)
def test_a_line_that_was_rolled_back_was_never_there(told: list[str]) -> None:
    kept = line_written()
    with transaction.atomic():
        audit_note(event="sending", who="remy")
        transaction.set_rollback(True)
    assert told == [line_as_json(kept)]
    assert audit_verify().count == 1
    assert line_written().previous == kept.hash


@pytest.mark.django_db(transaction=True)
def test_a_standard_output_that_is_gone_does_not_undo_what_was_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(log, "info", gone)
    line_written()
    assert audit_verify().count == 1


def test_standard_output_gets_the_lines_bare_whatever_the_level_of_other_logs() -> None:
    assert settings.LOGGING["loggers"]["portal.audit"] == {"handlers": ["audit"], "level": "INFO", "propagate": False}
    assert settings.LOGGING["handlers"]["audit"]["stream"] == "ext://sys.stdout"
    assert settings.LOGGING["formatters"]["json"] == {"format": "%(message)s"}


@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_write_one_chain() -> None:
    together, failed = threading.Barrier(4), []

    def write() -> None:
        try:
            together.wait(10)
            lines_written(10)
        except Exception as error:  # noqa: BLE001  of another thread: told below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    found = audit_verify()
    assert (found.problem, found.count) == ("", 40)
    assert AuditHead.objects.get().count == 40


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {table} SET words = 'x'", "UPDATE {table} SET words = words", "DELETE FROM {table}"],
)
def test_the_database_lets_nobody_change_or_delete_a_line(statement: str) -> None:
    line_written()
    with triggers():
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            tampered(statement)
        line_written()
        assert audit_verify().count == 2


def test_the_database_lets_nobody_put_a_line_in_anothers_place_or_empty_the_table() -> None:
    line = line_written()
    replace = "INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    statement = replace if connection.vendor == "sqlite" else "TRUNCATE {table}"
    with triggers():
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            tampered(statement)
        assert AuditLine.objects.get().hash == line.hash


def test_without_its_triggers_the_table_is_as_any_other() -> None:
    line_written()
    with triggers():
        pass
    assert AuditLine.objects.update(words="x") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_backwards", [False, True])
def test_the_migration_makes_these_triggers_and_takes_them_away(is_backwards: bool) -> None:
    said = StringIO()
    call_command("sqlmigrate", "actions", "0002", backwards=is_backwards, stdout=said)
    statements = (statements_to_drop if is_backwards else statements_to_make)(connection.vendor)
    assert len(statements) == 3
    for statement in statements:
        assert statement.format(table=AuditLine._meta.db_table) in said.getvalue()
