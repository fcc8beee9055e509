"""`portal_policy --action silence`: what a silence would meet, and why."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.actions.models import ActionRequest, AuditLine
from apps.sources.models import Source
from tests.actions.silences import FLEET, ONE, fires, sources
from tests.fleet_in_force import FleetFileOfTest

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Settings, db: None) -> None:
    FleetFileOfTest(tmp_path, settings).put(FLEET)
    Source.objects.all().delete()
    sources()


def told(*options: str, role: str = "responder") -> tuple[str, int]:
    """What the command writes, and its exit status."""
    written = StringIO()
    try:
        call_command("portal_policy", "--action", "silence", "--as", role, *options, stdout=written)
    except SystemExit as left:
        return written.getvalue(), int(left.code or 0)
    return written.getvalue(), 0


def test_a_silence_is_explained_check_by_check_and_nothing_is_written_down() -> None:
    fires(count=3)
    text, status = told("--of", ONE)
    assert status == 0
    assert text.startswith(f"Silence of {ONE} on appsre (production, stone-prd-m01) as a responder\n")
    assert "at most 8 h, hides at most 50 alerts, on at most 10 clusters" in text
    assert "it hides 3 alerts now" in text
    assert text.endswith("Allowed: once a look at what it hides, a reason, a ticket is given, it is sent\n")
    assert not ActionRequest.objects.exists()
    assert not AuditLine.objects.exists()


def test_who_may_not_is_told_so() -> None:
    text, status = told("--of", ONE, "--on", "rhobs", role="viewer")
    assert status == 1
    assert text.endswith("Refused by role\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "silence wants --of"),
        (("--of", "a=~("), "the matchers cannot be read"),
        (("--of", ONE, "--on", "nowhere"), "names no Alertmanager 'nowhere'"),
    ],
)
def test_a_wrong_question_is_told(options: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        told(*options)
    assert caught.value.returncode == 2
