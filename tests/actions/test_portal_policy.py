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


# --- freezes ---------------------------------------------------------------------------------------------------------

FREEZING = """
environments: [{name: staging}, {name: production}]
clusters:
  - {name: stone-prd-m01, role: member, environment: production}
  - {name: stone-stg-m01, role: member, environment: staging}
policies:
  - name: freezes-of-production
    match: {actions: [freeze, unfreeze], environments: [production]}
    least_role: admin
    reason: true
    fresh_sign_in: 15m
"""


@pytest.fixture
def freezing(tmp_path: Path, settings: Settings) -> None:
    """A policy about freezes of production, and the rows of both clusters."""
    FleetFileOfTest(tmp_path, settings).put(FREEZING)


def freeze_told(capsys: pytest.CaptureFixture[str], of: str, role: str, action: str = "freeze") -> list[str]:
    """The lines, with the exit status before them."""
    status = 0
    try:
        call_command("portal_policy", "--action", action, "--of", of, "--as", role)
    except SystemExit as ended:
        status = int(str(ended.code))
    return [str(status), *capsys.readouterr().out.splitlines()]


def test_a_freeze_that_no_policy_names(freezing: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert freeze_told(capsys, "environment=staging", "responder") == [
        "0",
        "A freeze of environment staging as a responder",
        "Policy: freeze (built in)",
        "  asks for a responder at least, a reason, an end",
        "Allowed",
    ]
    assert freeze_told(capsys, "environment=staging", "viewer")[-1].startswith("Refused: Your role is viewer")


@pytest.mark.parametrize("of", ["environment=production", "cluster=stone-prd-m01", "everything"])
def test_a_policy_about_freezes_is_explained_wherever_it_reaches(
    freezing: None, capsys: pytest.CaptureFixture[str], of: str
) -> None:
    status, _, policy, asks, outcome = freeze_told(capsys, of, "approver")
    assert (status, policy) == ("1", "Policy: freezes-of-production")
    assert asks == "  asks for an admin at least, a reason, an end, a sign-in of the last 15m"
    assert outcome.startswith("Refused: the policy freezes-of-production keeps this for an admin")
    assert freeze_told(capsys, of, "admin")[-1] == "Allowed"


def test_everything_is_frozen_by_an_approver(freezing: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Everything is frozen by an approver" in freeze_told(capsys, "everything", "responder")[-1]


def test_ending_somebody_elses_freeze_is_explained(freezing: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert freeze_told(capsys, "environment=staging", "responder", "unfreeze")[0] == "1"
    assert freeze_told(capsys, "environment=staging", "approver", "unfreeze") == [
        "0",
        "Ending somebody else's freeze of environment staging as an approver",
        "Policy: unfreeze (built in)",
        "  asks for an approver at least, or whoever began it",
        "Allowed",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--action", "freeze"], "freeze wants --of"),
        (["--action", "freeze", "--of", "everything=x"], "say what is frozen"),
        (["--action", "freeze", "--of", "environment"], "say what is frozen"),
        (["--action", "freeze", "--of", "planet=earth"], "say what is frozen"),
        (["--action", "unfreeze", "--of", "cluster=no-such"], "knows no cluster 'no-such'"),
        (["--action", "sync"], "sync wants --application"),
    ],
)
def test_a_wrong_question_about_a_freeze_is_told(freezing: None, options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words) as wrong:
        call_command("portal_policy", *options, "--as", "admin")
    assert wrong.value.returncode == 2
