"""`manage.py portal_policy`: what would happen, and why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.core.clock import database_now
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]
NAME = "build-service-stone-prd-m01"
FLEET = """
environments: [{name: staging}, {name: production, rings: [2]}]
clusters: [{name: stone-prd-m01, role: member, environment: production, ring: 2}]
policies:
  - name: ring-two
    match: {rings: [2], actions: [sync], options: [replace]}
    least_role: approver
    guards: {replace-force: warn}
    second_person: true
    fresh_sign_in: 15m
"""


@pytest.fixture(autouse=True)
def in_force(tmp_path: Path, settings: Settings) -> None:
    FleetFileOfTest(tmp_path, settings).put(FLEET)


def asked(capsys: pytest.CaptureFixture[str], *options: str, role: str = "responder", action: str = "sync") -> str:
    """What the command writes."""
    call_command("portal_policy", "--action", action, "--application", NAME, "--as", role, *options)
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *options: str, role: str = "responder", action: str = "sync") -> str:
    """What the command writes before it ends with 1."""
    with pytest.raises(SystemExit) as ended:
        asked(capsys, *options, role=role, action=action)
    assert ended.value.code == 1
    return capsys.readouterr().out


def guard_line(told: str, guard: str) -> list[str]:
    """Strictness, answer and words of one guard."""
    (line,) = [line for line in told.splitlines() if line.startswith(f"  {guard} ")]
    return line.split(maxsplit=3)[1:]


def test_a_plain_resync_runs_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    application_row()
    told = asked(capsys)
    assert told.splitlines()[0] == f"Resync of production/argocd/{NAME} (production, stone-prd-m01) as a responder"
    assert "Policy: production (built in)" in told
    assert guard_line(told, "not-checked")[:2] == ["refuse", "pass"]
    assert told.splitlines()[-1] == "Allowed: it runs at once"


def test_a_viewer_is_refused_and_told_why(capsys: pytest.CaptureFixture[str]) -> None:
    application_row()
    told = refused(capsys, role="viewer")
    assert guard_line(told, "role") == ["refuse", "refuse", "Your role is viewer: a responder may do this"]
    assert told.splitlines()[-1] == "Refused by role"


def test_it_names_what_the_policy_of_the_fleet_file_asks_for(capsys: pytest.CaptureFixture[str]) -> None:
    application_row()
    assert "Refused by role" in refused(capsys, "--replace")
    told = asked(capsys, "--replace", role="approver")
    assert "Policy: ring-two" in told
    assert (
        "an approver at least, a reason, the name, typed, a second person to approve it, a sign-in of the last 15m"
        in told
    )
    assert guard_line(told, "replace-force")[:2] == ["warn", "warn"]
    ending = told.splitlines()[-1]
    assert ending.startswith(
        "Allowed: once your confirmation, the Application's name, typed, a reason, a sign-in of the"
    )
    assert ending.endswith("is given, it waits for an approver")


def test_a_freeze_refuses_whatever_the_policy_says(capsys: pytest.CaptureFixture[str]) -> None:
    application_row()
    Freeze.objects.create(
        scope=Freeze.Scope.ENVIRONMENT,
        value="production",
        reason="release",
        by="ana",
        began_at=ago(minutes=1),
        ends_at=database_now() + timedelta(hours=1),
    )
    assert refused(capsys).splitlines()[-1] == "Refused by freeze"


@pytest.mark.parametrize(
    ("action", "policy", "outcome"),
    [
        ("dry-run", "dry run", "Allowed: it runs at once"),
        ("refresh", "refresh", "Allowed: it runs at once"),
        ("hard-refresh", "refresh", "Allowed: it runs at once"),
        ("take-over", "take over or terminate in production", "Allowed: once a reason is given, it runs"),
        ("bulk-sync", "bulk in production", "Allowed: once a reason is given, it runs"),
    ],
)
def test_other_actions_are_explained_too(
    capsys: pytest.CaptureFixture[str], action: str, policy: str, outcome: str
) -> None:
    application_row()
    told = asked(capsys, action=action)
    assert f"Policy: {policy}" in told
    assert told.splitlines()[-1] == outcome
    assert ("in bulk at most 200, 3 at once" in told) is (action == "bulk-sync")


def test_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    application_row()
    asked(capsys)
    assert not ActionRequest.objects.exists()
    assert not AuditLine.objects.exists()


def test_an_application_that_is_not_there_or_not_the_only_one_is_a_wrong_question(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError, match="knows no Application") as wrong:
        asked(capsys)
    assert wrong.value.returncode == 2
    application_row()
    application_row(namespace="other")
    with pytest.raises(CommandError, match=f"name one of production/argocd/{NAME}, production/other/{NAME}"):
        asked(capsys)
    call_command("portal_policy", "--action", "sync", "--application", f"production/other/{NAME}", "--as", "admin")
    assert f"production/other/{NAME}" in capsys.readouterr().out
