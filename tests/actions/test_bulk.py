"""Bulks: their waves, what is shown before, how they go on step by step, and how they end."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.accounts.models import Role
from apps.actions.bulk import BulkAsk, bulk_end, bulk_pause, bulk_preflight, bulk_resume, bulk_submit, waves_of
from apps.actions.case import Answer, Who
from apps.actions.digests import digest_of_row
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.options import Options, Resource
from apps.actions.outcomes import CANNOT_TELL
from apps.actions.services import request_approve, request_withdraw
from apps.actions.states import Action, State
from apps.actions.steps import request_advance, steps_advance
from apps.core.errors import RuleViolation
from apps.fleet.overlay import overlay_now
from apps.gitops.models import Application, ApplicationDetail, ClusterConnection
from apps.sources.fleetfile.schema import FleetFile
from tests.actions.bulks import CAREFUL, FLEET, again, applications, ask_for, bulk_of, settle, states
from tests.actions.cases import case_for, freeze_row, look, request_row, who
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, application_row, window_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]

P, A, S = State.PLANNED, State.APPROVED, State.SUCCEEDED


@pytest.fixture
def fleet(tmp_path: Path, settings: Settings, db: None) -> FleetFile:
    """Staging before production, two at once."""
    return FleetFileOfTest(tmp_path, settings).put(CAREFUL)


@pytest.fixture
def remy(fleet: FleetFile) -> Who:
    """A responder."""
    return who()


# waves


def test_staging_goes_before_production_ring_by_ring_and_hosts_before_members(fleet: FleetFile) -> None:
    names = ["prd-late", "prd-member", "prd-host", "prd-hub", "stg-member"]
    rows = [row for name in names for row in applications(1, name)]
    waves = waves_of(rows, fleet, overlay_now())
    assert [[row.cluster for row in wave.applications] for wave in waves] == [
        ["stg-member"], ["prd-hub"], ["prd-host"], ["prd-member"], ["prd-late"],
    ]  # fmt: skip
    assert [wave.number for wave in waves] == [1, 2, 3, 4, 5]
    assert waves[2].words == "production · ring 3 · hosts"


def test_a_policy_may_have_hosts_and_members_go_together(remy: Who, tmp_path: Path, settings: Settings) -> None:
    together = "\n  - {name: together, match: {actions: [bulk-sync]}, hosts_first: false}\n"
    FleetFileOfTest(tmp_path, settings).put(FLEET + "\npolicies:" + together)
    rows = tuple(row for name in ("prd-member", "prd-host", "prd-hub") for row in applications(1, name))
    found = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=Options()))
    assert [(wave.words, len(wave.members)) for wave in found.waves] == [
        ("production · control planes", 1),
        ("production · ring 3 · hosts and members", 2),
    ]


def test_applications_of_no_known_cluster_go_last_and_one_wave_goes_by_cluster_and_name(fleet: FleetFile) -> None:
    lost = application_row("lost", cluster="", environment="staging")
    second, first = application_row("b", cluster="prd-late"), application_row("a", cluster="prd-late")
    waves = waves_of([lost, second, first], fleet, overlay_now())
    assert [[row.name for row in wave.applications] for wave in waves] == [["a", "b"], ["lost"]]
    assert waves[1].words == "staging · no known cluster"


# before it is written down


def test_members_that_are_refused_are_left_out_and_say_why(remy: Who) -> None:
    rows = applications(3)
    request_row(Action.SYNC, State.RUNNING, name=rows[1].name)
    found = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=Options()))
    assert [member.case.application.name for member in found.going] == [rows[0].name, rows[2].name]
    assert [member.spoken[0].guard for member in found.left_out] == ["active-request"]
    assert found.counts == {Answer.PASS: 2, Answer.WARN: 0, Answer.CONFIRM: 0, Answer.REFUSE: 1}
    assert (found.typed_name, found.spoken[0].count) == ("2", 1)
    assert not found.is_refused


def test_what_a_step_of_yesterday_left_behind_is_known_to_the_guards(remy: Who) -> None:
    rows = applications(2)
    request_row(name=rows[0].name, state=State.FAILED)
    found = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=Options()))
    assert [member.strictest for member in found.members] == [Answer.WARN, Answer.PASS]
    assert found.spoken[0].finding.guard == "cool-down"


def test_the_same_component_elsewhere_speaks_unless_it_goes_in_an_earlier_wave(remy: Who) -> None:
    inner, outer = (application_row(f"build-{ring}", cluster=ring) for ring in ("prd-member", "prd-late"))
    Application.objects.filter(pk=inner.pk).update(tone="warning", reason="OutOfSync")
    alone = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=(outer,), options=Options()))
    assert [finding.guard for finding in alone.members[0].spoken] == ["order"]
    both = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=(inner, outer), options=Options()))
    assert [member.spoken for member in both.members] == [(), ()]


def test_windows_and_connections_of_each_member_are_known(remy: Who) -> None:
    closed, cut_off, _ = applications(3)
    Application.objects.filter(pk=closed.pk).update(project="nightly")
    Application.objects.filter(pk=cut_off.pk).update(destination="https://gone.example.com:6443")
    window_row("nightly")
    ClusterConnection.objects.create(
        instance="production", server="https://gone.example.com:6443", status="Failed", message="no route to host"
    )
    rows = tuple(Application.objects.order_by("name"))
    found = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=Options()))
    assert [member.strictest for member in found.members] == [Answer.REFUSE, Answer.CONFIRM, Answer.PASS]
    assert [member.spoken[0].guard for member in found.members[:2]] == ["sync-window", "unreachable-cluster"]


def test_prune_lists_what_goes_and_leaves_out_those_of_which_it_is_not_known(remy: Who) -> None:
    known, unknown = applications(2)
    gone = {"group": "", "version": "v1", "kind": "ConfigMap", "namespace": "a", "name": "old", "status": "OutOfSync"}
    detail = ApplicationDetail.objects.create(
        application=known, read_at=ago(seconds=5), data={"resources": [{**gone, "requires_pruning": True}]}
    )
    prune = Options(prune=True)
    found = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=(known, unknown), options=prune))
    assert [member.case.application for member in found.left_out] == [unknown]
    assert "prune deletes 1 resource: ConfigMap a/old" in [each.finding.words for each in found.spoken]
    ApplicationDetail.objects.filter(pk=detail.pk).update(data={"resources": []})
    rows = tuple(Application.objects.order_by("name"))
    later = bulk_preflight(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=prune, digest=found.digest))
    assert later.has_changed


def test_with_prune_an_application_that_stays_out_of_sync_stops_the_bulk(remy: Who) -> None:
    (row,) = applications(1)
    ApplicationDetail.objects.create(application=row, read_at=ago(seconds=5), data={"resources": [], "sync": "x"})
    request = bulk_of((row,), remy, options=Options(prune=True))
    steps_advance()
    settle(request, 1, State.STILL_OUT_OF_SYNC)
    steps_advance()
    assert again(request).state == State.FAILED


def test_a_bulk_that_nobody_looked_at_is_shown_first(remy: Who) -> None:
    seen = ask_for(applications(2), remy)
    shown = bulk_submit(replace(seen, digest=""))
    assert shown.request is None
    assert shown.preflight is not None
    assert shown.preflight.missing == ["your confirmation"]
    assert not ActionRequest.objects.exists()


def test_a_selection_that_moved_on_meanwhile_is_shown_again(remy: Who) -> None:
    rows = applications(2)
    ask = ask_for(rows, remy)
    Application.objects.filter(pk=rows[0].pk).update(sync_revision="c" * 40)
    shown = bulk_submit(replace(ask, applications=tuple(Application.objects.all())))
    assert shown.preflight is not None
    assert shown.preflight.missing == ["a look at what has changed"]


def test_a_big_bulk_wants_the_number_typed_and_a_reason(remy: Who) -> None:
    ask = ask_for(applications(20), remy)
    shown = bulk_submit(replace(ask, typed_name="21", reason=" "))
    assert shown.preflight is not None
    assert shown.preflight.missing == ["the number of applications, typed", "a reason"]
    assert bulk_submit(replace(ask, typed_name="20")).request is not None


def test_more_than_the_policy_allows_is_refused_and_the_attempt_written_down(
    remy: Who, tmp_path: Path, settings: Settings
) -> None:
    FleetFileOfTest(tmp_path, settings).put(CAREFUL + "    most_in_bulk: 2\n")
    rows = applications(3)
    done = bulk_submit(BulkAsk(request_id=uuid4(), who=remy, applications=rows, options=Options()))
    assert done.request is not None
    assert (done.request.state, done.request.steps.count()) == (State.REFUSED, 0)
    assert "allows 2" in done.request.outcome
    assert AuditLine.objects.get(request=done.request.pk).event == "refused"


def test_nothing_and_chosen_resources_are_no_bulk(remy: Who) -> None:
    chosen = Options(resources=(Resource("", "ConfigMap", "a", "b"),))
    with pytest.raises(RuleViolation, match="No application"):
        bulk_submit(BulkAsk(request_id=uuid4(), who=remy, applications=(), options=Options()))
    with pytest.raises(RuleViolation, match="one application at a time"):
        bulk_submit(BulkAsk(request_id=uuid4(), who=remy, applications=applications(1), options=chosen))


# written down


def test_a_bulk_is_written_with_its_steps_and_one_line_that_names_them(remy: Who) -> None:
    late, staging = applications(1, "prd-late"), applications(2)
    freeze_row("cluster", "prd-late")
    request = bulk_of((*late, *staging), remy, ticket="KFLUX-1")
    assert (request.state, request.subject, request.environment) == (A, "2 applications on 1 cluster", "staging")
    steps = list(request.steps.order_by("position"))
    assert [(step.name, step.wave, step.state, step.holds) for step in steps] == [
        (staging[0].name, 1, P, True), (staging[1].name, 1, P, True), (late[0].name, 0, State.LEFT, True),
    ]  # fmt: skip
    assert (steps[0].ticket, steps[0].username, steps[0].session) == ("KFLUX-1", "remy", "s1")
    assert steps[0].digest == digest_of_row(staging[0], Options())
    assert steps[2].outcome.startswith("Left out: frozen")
    line = AuditLine.objects.get()
    assert line.what["applications"] == [str(row) for row in staging]
    assert list(line.what["left_out"]) == [late[0].name]


def test_the_same_form_twice_is_one_bulk(remy: Who) -> None:
    ask = ask_for(applications(2), remy)
    first, second = bulk_submit(ask).request, bulk_submit(ask).request
    assert first == second
    assert ActionRequest.objects.count() == 3
    assert AuditLine.objects.count() == 1


def test_a_bulk_that_needs_a_second_person_begins_once_it_is_approved(
    remy: Who, tmp_path: Path, settings: Settings
) -> None:
    FleetFileOfTest(tmp_path, settings).put(CAREFUL + "    second_person: true\n")
    request = bulk_of(applications(1), remy)
    assert request.state == State.WAITING
    assert steps_advance() == []
    assert request_approve(request=request, who=who(Role.APPROVER, "ana"))
    assert steps_advance() == [request.steps.get().pk]
    step = request.steps.get()
    assert (step.state, step.approver) == (A, "ana")


def test_an_approver_lets_go_a_bulk_of_which_all_lies_within_their_scope(
    remy: Who, tmp_path: Path, settings: Settings
) -> None:
    FleetFileOfTest(tmp_path, settings).put(CAREFUL + "    second_person: true\n")
    both = bulk_of(applications(2) + applications(1, "prd-host"), remy)
    ana = scoped(who(Role.APPROVER, "ana"), environments=["production"])
    outside = "outside of that it has 2 steps, in staging (app000-stg-member, app001-stg-member)"
    with pytest.raises(RuleViolation) as refused:
        request_approve(request=both, who=ana)
    assert str(refused.value) == f"You are approver for production: {outside}"
    with pytest.raises(RuleViolation, match="outside of that it has 2 steps"):
        request_withdraw(request=both, who=ana)
    assert again(both).state == State.WAITING
    scoped(ana, environments=["production", "stag*"])
    assert request_approve(request=both, who=ana)
    assert again(both).state == State.APPROVED


def test_what_was_left_out_of_a_bulk_needs_nobodys_approval(remy: Who, tmp_path: Path, settings: Settings) -> None:
    FleetFileOfTest(tmp_path, settings).put(CAREFUL + "    second_person: true\n")
    freeze_row("environment", "staging")
    request = bulk_of(applications(2) + applications(1, "prd-host"), remy)
    assert states(request) == [P, State.LEFT, State.LEFT]
    assert request_approve(request=request, who=scoped(who(Role.APPROVER, "ana"), clusters=["prd-*"]))


def scoped(person: Who, **scope: list[str]) -> Who:
    """The same person, whose role counts there alone."""
    person.user.person.scope = scope
    person.user.person.save()
    return person


def test_a_bulk_that_was_withdrawn_leaves_its_steps(remy: Who, tmp_path: Path, settings: Settings) -> None:
    FleetFileOfTest(tmp_path, settings).put(CAREFUL + "    second_person: true\n")
    request = bulk_of(applications(2), remy)
    assert request_withdraw(request=request, who=remy)
    assert steps_advance() == []
    assert states(request) == [State.LEFT, State.LEFT]
    assert AuditLine.objects.filter(event="left", request=request.pk).count() == 1


# step by step


def test_so_many_begin_as_may_run_at_once_and_the_next_when_one_has_ended(remy: Who) -> None:
    request = bulk_of(applications(3), remy)
    assert len(steps_advance()) == 2
    assert (again(request).state, states(request)) == (State.RUNNING, [A, A, P])
    assert steps_advance() == []
    settle(request, 1)
    assert steps_advance() == [request.steps.get(position=3).pk]
    assert states(request) == [S, A, A]


def test_a_wave_begins_only_when_the_one_before_has_ended(remy: Who) -> None:
    request = bulk_of((*applications(1, "prd-host"), *applications(1)), remy)
    steps_advance()
    assert states(request) == [A, P]
    settle(request, 1, State.RUNNING)
    assert steps_advance() == []
    settle(request, 1)
    assert steps_advance() == [], "for some seconds it is looked at how that stays"
    ended_ago(request, seconds=6)
    steps_advance()
    assert states(request) == [S, A]


def two_waves(remy: Who, **first: Any) -> tuple[ActionRequest, Application]:
    """A bulk whose first wave is one Application with these columns, and has ended six seconds ago."""
    (row,) = applications(1, **first)
    request = bulk_of((*applications(1, "prd-host"), row), remy)
    steps_advance()
    settle(request, 1)
    ended_ago(request, seconds=6)
    return request, row


def ended_ago(request: ActionRequest, **span: int) -> None:
    """So long ago its steps ended that have."""
    request.steps.filter(ended_at__isnull=False).update(ended_at=ago(**span))


def is_now(row: Application, health: str, since: datetime | None = None) -> None:
    """Its health as Argo CD tells it."""
    row.health_status, row.health_since = health, since or ago(minutes=1)
    row.save()


@pytest.mark.parametrize("health", ["Progressing", "Degraded", "Missing", "Unknown", ""])
def test_a_wave_waits_until_the_one_before_is_healthy(remy: Who, health: str) -> None:
    request, row = two_waves(remy)
    is_now(row, health)
    assert steps_advance() == []
    is_now(row, "Healthy", ago(seconds=1))
    assert steps_advance() == [], "only just now"
    is_now(row, "Healthy")
    assert len(steps_advance()) == 1
    assert (again(request).state, states(request)) == (State.RUNNING, [S, A])


def test_what_was_no_better_when_the_bulk_was_asked_for_holds_nothing(remy: Who) -> None:
    request, row = two_waves(remy, health_status="Degraded")
    is_now(row, "Missing")
    assert steps_advance() == []
    is_now(row, "Degraded")
    assert len(steps_advance()) == 1
    assert states(request) == [S, A]


def test_a_bulk_that_waited_for_health_for_too_long_pauses_and_a_person_decides(remy: Who) -> None:
    request, row = two_waves(remy)
    is_now(row, "Degraded")
    ended_ago(request, minutes=11)
    assert steps_advance() == []
    paused = again(request)
    assert paused.state == State.PAUSED
    assert paused.outcome == (
        f"Paused before wave 2: {row.name} on stg-member is Degraded (it was Healthy)."
        " Resume it if it is to go on all the same"
    )
    assert steps_advance() == []
    assert bulk_resume(request=again(request), who=remy)
    assert len(steps_advance()) == 1
    assert (again(request).state, again(request).outcome, states(request)) == (State.RUNNING, "", [S, A])


def test_what_somebody_took_as_it_is_holds_no_later_wave(remy: Who) -> None:
    hub, host, (row,) = applications(1, "prd-hub"), applications(1, "prd-host"), applications(1)
    request = bulk_of((*hub, *host, row), remy)
    steps_advance()
    settle(request, 1)
    ended_ago(request, minutes=11)
    is_now(row, "Degraded")
    steps_advance()
    bulk_resume(request=again(request), who=remy)
    steps_advance()
    settle(request, 2)
    assert again(request).looked_at
    ActionRequest.objects.filter(pk=request.pk).update(looked_at=ago(seconds=8))
    assert steps_advance() == [], "the second wave has ended only just now"
    request.steps.filter(position=2).update(ended_at=ago(seconds=6))
    assert len(steps_advance()) == 1, "the first is not looked at again"


def test_a_wave_waits_while_an_application_of_the_one_before_is_gone(remy: Who) -> None:
    request, row = two_waves(remy)
    row.delete()
    assert steps_advance() == []
    assert states(request) == [S, P]


def test_a_bulk_that_lay_for_minutes_before_it_began_does_not_begin(remy: Who) -> None:
    request = bulk_of(applications(2), remy)
    ActionRequest.objects.filter(pk=request.pk).update(state_at=ago(minutes=3))
    assert steps_advance() == []
    assert again(request).state == State.NOT_STARTED
    assert again(request).outcome.startswith("Nothing was sent: ")
    steps_advance()
    assert states(request) == [State.LEFT, State.LEFT]


def test_a_step_is_not_held_by_the_members_that_went_before_it(remy: Who) -> None:
    first = application_row("backend-stg", set_name="backend", cluster="stg-member", environment="staging")
    row = application_row("backend-prd", set_name="backend", cluster="prd-host")
    request = bulk_of((first, row), remy)
    is_now(first, "Degraded")
    first.tone, first.reason = "critical", "Degraded"
    first.save()
    assert look("order", case_for(application=row)).answer == Answer.WARN
    assert look("order", case_for(application=row, request_id=uuid4())).answer == Answer.WARN
    step = request.steps.get(name=row.name)
    assert look("order", case_for(application=row, request_id=step.pk)).answer == Answer.PASS


def test_a_bulk_of_which_all_went_well_has_succeeded(remy: Who) -> None:
    request = bulk_of(applications(2), remy)
    steps_advance()
    settle(request, 1)
    settle(request, 2)
    steps_advance()
    done = again(request)
    assert (done.state, done.outcome) == (S, "2 of 2 done")
    assert AuditLine.objects.filter(request=request.pk).order_by("pk").last().event == "succeeded"  # type: ignore[union-attr]


def test_applications_that_stay_out_of_sync_stop_no_bulk_without_prune_and_are_counted(remy: Who) -> None:
    request = bulk_of(applications(3), remy)
    steps_advance()
    settle(request, 1, State.STILL_OUT_OF_SYNC)
    settle(request, 2)
    steps_advance()
    settle(request, 3)
    steps_advance()
    done = again(request)
    assert (done.state, done.outcome) == (State.STILL_OUT_OF_SYNC, "3 of 3 done (1 still out of sync)")


def test_an_application_of_which_argo_cd_cannot_tell_whether_it_is_synced_stops_the_bulk(remy: Who) -> None:
    request = bulk_of(applications(3), remy)
    steps_advance()
    settle(request, 1, State.STILL_OUT_OF_SYNC, f"{CANNOT_TELL}. The revision is b, not a")
    settle(request, 2, State.STILL_OUT_OF_SYNC, "1 resource would be deleted only with prune: ConfigMap a/b")
    steps_advance()
    done = again(request)
    assert (done.state, states(request)[2]) == (State.FAILED, State.LEFT)
    assert done.outcome.startswith("Stopped: app000-stg-member on stg-member ")
    assert done.outcome.endswith("1 of 3 done (1 still out of sync), 1 not well, 1 left undone")


@pytest.mark.parametrize(
    "end", [State.FAILED, State.REFUSED, State.TERMINATED, State.NOT_STARTED, State.NOT_KNOWN], ids=str
)
def test_the_first_failure_stops_it_once_what_runs_has_ended(remy: Who, end: State) -> None:
    request = bulk_of(applications(4), remy)
    steps_advance()
    settle(request, 1, end, "one object failed to apply")
    assert steps_advance() == []
    assert (again(request).state, states(request)) == (State.RUNNING, [end, A, State.LEFT, State.LEFT])
    settle(request, 2)
    steps_advance()
    done = again(request)
    assert done.state == State.FAILED
    assert done.outcome == (
        f"Stopped: app000-stg-member on stg-member {end.label} (one object failed to apply)."
        " 1 of 4 done, 1 not well, 2 left undone"
    )
    assert request.steps.filter(state=State.LEFT, ended_at__isnull=False, session="").count() == 2
    line = AuditLine.objects.get(event="left")
    assert line.what["left"] == ["app002-stg-member on stg-member", "app003-stg-member on stg-member"]


def test_nothing_begins_while_it_is_not_known_whether_a_step_began(remy: Who) -> None:
    request = bulk_of(applications(3), remy)
    steps_advance()
    settle(request, 1, State.UNKNOWN)
    settle(request, 2)
    assert steps_advance() == []
    assert (again(request).state, states(request)) == (State.RUNNING, [State.UNKNOWN, S, P])
    settle(request, 1, State.RUNNING)
    assert len(steps_advance()) == 1


def test_a_step_whose_application_somebody_else_holds_is_refused_and_says_whose(remy: Who) -> None:
    rows = applications(3)
    request = bulk_of(rows, remy)
    request_row(state=State.RUNNING, name=rows[0].name)
    assert steps_advance() == []
    step = request.steps.get(position=1)
    assert step.state == State.REFUSED
    assert step.outcome.startswith("Resync by alex, asked for at ")
    steps_advance()
    assert (again(request).state, states(request)) == (State.FAILED, [State.REFUSED, State.LEFT, State.LEFT])


def test_a_step_whose_application_is_gone_is_refused(remy: Who) -> None:
    rows = applications(2)
    request = bulk_of(rows, remy)
    rows[1].delete()
    assert len(steps_advance()) == 1
    assert request.steps.get(position=2).outcome == "The portal does not know this application any more"


def test_a_step_is_bound_to_what_was_seen_but_for_revision_and_operation(remy: Who) -> None:
    (row,) = applications(1)
    request = bulk_of((row,), remy)
    seen = request.steps.get().digest
    Application.objects.filter(pk=row.pk).update(sync_revision="d" * 40, path="elsewhere")
    steps_advance()
    step = request.steps.get()
    now = digest_of_row(Application.objects.get(), Options())
    differing = [
        index for index, (old, new) in enumerate(zip(seen.split("."), now.split("."), strict=True)) if old != new
    ]
    assert differing == [1, 3]
    assert step.digest.split(".")[1] == seen.split(".")[1]
    assert step.digest.split(".")[3] == now.split(".")[3]
    assert step.revision_seen == "d" * 40


# paused, resumed, ended


def test_a_paused_bulk_begins_nothing_until_it_is_resumed(remy: Who) -> None:
    request = bulk_of(applications(3), remy)
    steps_advance()
    assert bulk_pause(request=request, who=remy)
    settle(request, 1)
    assert steps_advance() == []
    assert not bulk_pause(request=request, who=remy)
    assert bulk_resume(request=request, who=remy)
    assert len(steps_advance()) == 1
    events = AuditLine.objects.filter(request=request.pk).order_by("pk").values_list("event", "who")
    assert list(events) == [
        ("requested", "remy"), ("running", "portal"), ("paused", "remy"), ("resumed", "remy"),
    ]  # fmt: skip


def test_a_bulk_that_is_ended_says_what_it_left_undone_and_what_runs_goes_on(remy: Who) -> None:
    request = bulk_of(applications(4), remy)
    steps_advance()
    settle(request, 1)
    assert bulk_end(request=request, who=remy)
    done = again(request)
    assert done.state == State.ENDED
    assert done.outcome == "Ended by remy: 1 of 4 done, 1 still under way, 2 left undone"
    assert states(request) == [S, A, State.LEFT, State.LEFT]
    assert not bulk_end(request=request, who=remy)
    settle(request, 2)
    assert steps_advance() == []


def test_somebody_else_may_steer_it_only_where_they_may_act(remy: Who) -> None:
    request = bulk_of((*applications(1), *applications(1, "prd-host")), remy)
    with pytest.raises(RuleViolation, match="role"):
        bulk_pause(request=request, who=who(Role.VIEWER, "vera"))
    elsewhere = who(Role.RESPONDER, "sam")
    elsewhere.user.person.scope = {"environments": ["staging"]}
    with pytest.raises(RuleViolation, match="production"):
        bulk_end(request=request, who=elsewhere)
    assert bulk_end(request=request, who=who(Role.RESPONDER, "rae"))


def test_only_a_bulk_is_steered(remy: Who) -> None:
    with pytest.raises(RuleViolation, match="no bulk"):
        bulk_end(request=request_row(state=State.RUNNING), who=remy)


# big ones, and two workers


def test_a_bulk_of_two_hundred_takes_few_queries(remy: Who) -> None:
    rows = applications(200)
    ask = ask_for(rows, remy)
    with CaptureQueriesContext(
        connection,
    ) as submitting:
        request = bulk_submit(ask).request
    assert request is not None
    with CaptureQueriesContext(connection) as beginning:
        assert len(steps_advance()) == 2
    with CaptureQueriesContext(connection) as waiting:
        assert steps_advance() == []
    settle(request, 1, State.FAILED)
    with CaptureQueriesContext(connection) as stopping:
        steps_advance()
    assert states(request).count(State.LEFT) == 198
    assert len(submitting) <= 40
    assert len(beginning) <= 60
    assert len(waiting) <= 10
    assert len(stopping) <= 25


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_begin_no_more_than_one_would(remy: Who) -> None:
    request = bulk_of(applications(9), remy)
    begun: list[object] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        begun.extend(request_advance(request.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(begun) == len(set(begun)) == 2
    assert states(request).count(A) == 2
    assert AuditLine.objects.filter(event="running").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_bulk_that_is_ended_while_it_goes_on_leaves_no_step_planned(remy: Who) -> None:
    request = bulk_of(applications(9), remy)
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        request_advance(request.pk)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    start.wait()
    ended = bulk_end(request=request, who=remy)
    worker.join()
    assert ended
    assert again(request).state == State.ENDED
    assert State.PLANNED not in states(request)
