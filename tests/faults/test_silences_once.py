"""A silence is asked of one member at most once, and what is said of it is so (faults.md, F36, F39, F40 and F42)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from apps.accounts.models import Role
from apps.actions.models import ActionRequest
from apps.actions.silences import sending
from apps.actions.silences.preflight import silence_preflight
from apps.actions.silences.sending import silence_send
from apps.actions.silences.services import silence_submit
from apps.actions.silences.settling import silences_look_after
from apps.actions.silences.wanted import wanted_of
from apps.actions.states import Action, State
from apps.actions.tasks import look_after, send
from apps.alerts.models import Episode, Silence
from tests.faults.acting import Person, states_of
from tests.faults.silencing import APPSRE, Quiet
from tests.faults.stage import Stage
from tests.faults.test_actions_once import together

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

LINE = 'alertname=~"ArgoCD.*"'


@pytest.fixture
def quiet(stage: Stage) -> Quiet:
    return Quiet(stage)


@pytest.fixture
def gateway(stage: Stage) -> Quiet:
    return Quiet(stage, "rhobs")


@pytest.fixture
def rhea(stage: Stage) -> Person:
    return Person("rhea")


def kept(quiet: Quiet, request: ActionRequest) -> Silence:
    """The silence that the request made, as the portal read it."""
    quiet.stage.demo.advance(1)
    quiet.read()
    return Silence.objects.get(alertmanager=quiet.group, silence_id=wanted_of(request).made)


def test_a_silence_is_made_with_who_and_why_and_hides_what_was_previewed(quiet: Quiet, rhea: Person) -> None:
    ask = quiet.ask(rhea, LINE)
    foreseen = {each.fingerprint for each in silence_preflight(ask).preview.hidden}
    request = quiet.sent(ask)
    assert (request.state, request.outcome[:14]) == (State.SUCCEEDED, "Silenced until"), request.guards
    (entry,) = quiet.received()
    assert (entry["server"], entry["request_id"], entry["status"]) == (APPSRE[0], str(request.pk), 200)
    silence = quiet.silences()[entry["made"]]
    assert (silence.created_by, silence.comment) == ("rhea", f"drill (K-1) [request {request.pk}]")
    assert states_of(request) == ["requested", "sending", "succeeded"]
    told = kept(quiet, request)
    hidden = Episode.objects.firing().filter(alertmanager="appsre", state="silenced")
    assert {each.fingerprint for each in hidden if told.silence_id in each.silenced_by} == foreseen


def test_f36_one_form_sent_twice_by_two_tabs_is_one_silence(quiet: Quiet, rhea: Person) -> None:
    ask = quiet.ask(rhea, LINE)
    together(lambda: silence_submit(ask), times=2)
    together(lambda: silence_send(ask.request_id), times=3)
    assert ActionRequest.objects.count() == 1
    assert [each["request_id"] for each in quiet.received()] == [str(ask.request_id)]


def test_f39_a_call_that_hung_is_unknown_then_not_started_and_no_member_is_asked_again(
    quiet: Quiet, rhea: Person
) -> None:
    quiet.short_deadline()
    quiet.read()
    quiet.stage.demo.fault(APPSRE[0], "hang", path="/api/v2/silences")
    request = quiet.sent(quiet.ask(rhea, LINE))
    assert request.state == State.UNKNOWN
    quiet.passes(request, 120)
    assert quiet.looked(request).state == State.UNKNOWN, "the member that was asked has not told its silences"
    quiet.stage.demo.fault(APPSRE[0], "none")
    assert quiet.looked(request).state == State.UNKNOWN, "the call may be served after the first look"
    quiet.passes(request, 10)
    assert quiet.looked(request).state == State.NOT_STARTED
    assert [(each["server"], each["status"]) for each in quiet.received()] == [(APPSRE[0], None)]


def test_f39_until_it_cannot_arrive_any_more_nothing_is_said(quiet: Quiet, rhea: Person) -> None:
    quiet.short_deadline()
    quiet.read()
    quiet.stage.demo.fault(APPSRE[0], "hang", path="/api/v2/silences", times=1)
    request = quiet.sent(quiet.ask(rhea, LINE))
    quiet.passes(request, 20)
    assert quiet.looked(request).state == State.UNKNOWN
    quiet.passes(request, 20)
    assert quiet.looked(request).state == State.UNKNOWN


def test_f39_a_call_whose_answer_broke_off_is_found_by_its_id_at_any_member(quiet: Quiet, rhea: Person) -> None:
    quiet.stage.demo.fault(APPSRE[0], "truncated", path="/api/v2/silences")
    request = quiet.sent(quiet.ask(rhea, LINE))
    assert request.state == State.UNKNOWN
    quiet.stage.demo.fault(APPSRE[0], "refuse")
    quiet.stage.demo.advance(1)
    done = quiet.looked(request)
    assert done.state == State.SUCCEEDED
    assert wanted_of(done).made in quiet.silences(1)
    assert len(quiet.received()) == 1


def test_an_id_in_somebody_elses_words_is_not_taken_for_the_requests(quiet: Quiet, rhea: Person) -> None:
    quiet.short_deadline()
    quiet.read()
    quiet.stage.demo.fault(APPSRE[0], "hang", path="/api/v2/silences", times=1)
    request = quiet.sent(quiet.ask(rhea, LINE))
    other = quiet.sent(quiet.ask(rhea, 'alertname="Nothing"'))
    assert other.state == State.SUCCEEDED
    quiet.stage.demo.call(
        lambda: setattr(quiet.stage.demo.world.silences["appsre/0"].silences[wanted_of(other).made], "comment",
                        f"see [request {request.pk}] by rhea [request {other.pk}]")
    )  # fmt: skip
    assert quiet.looked(request).state == State.UNKNOWN


def test_an_id_on_other_matchers_is_not_taken_for_the_requests(quiet: Quiet, rhea: Person) -> None:
    quiet.short_deadline()
    quiet.read()
    quiet.stage.demo.fault(APPSRE[0], "hang", path="/api/v2/silences", times=1)
    request = quiet.sent(quiet.ask(rhea, LINE))
    other = quiet.sent(quiet.ask(rhea, 'alertname="Nothing"'))
    made = quiet.silences()[wanted_of(other).made]
    quiet.stage.demo.call(lambda: setattr(made, "comment", f"mine [request {request.pk}]"))
    assert quiet.looked(request).state == State.UNKNOWN


def test_one_that_somebody_changed_since_is_not_called_not_started(quiet: Quiet, rhea: Person) -> None:
    quiet.stage.demo.fault(APPSRE[0], "truncated", path="/api/v2/silences", times=1)
    request = quiet.sent(quiet.ask(rhea, LINE))
    quiet.stage.demo.advance(1)
    for server in (0, 1):
        (silence,) = [each for each in quiet.silences(server).values() if str(request.pk) in each.comment]
        silence.comment = "mine now"
    quiet.passes(request, 120)
    quiet.looked(request)
    quiet.passes(request, 10)
    assert quiet.looked(request).state == State.NOT_KNOWN


def test_f40_a_worker_that_died_after_committing_leaves_unknown_and_no_second_call(
    quiet: Quiet, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_call_and_write", lambda *given: None)  # what a worker does that was killed here
    request = quiet.sent(quiet.ask(rhea, LINE))
    monkeypatch.undo()
    assert request.state == State.SENDING
    silence_send(request.pk)
    look_after()
    assert quiet.now(request).state == State.SENDING, "its call may be under way"
    quiet.passes(request, 25)
    silences_look_after()
    assert quiet.now(request).state == State.UNKNOWN
    quiet.passes(request, 120)
    assert quiet.looked(request).state == State.UNKNOWN
    quiet.passes(request, 10)
    assert quiet.looked(request).state == State.NOT_STARTED
    assert quiet.received() == []


def test_f40_a_request_whose_message_was_lost_is_sent_by_the_schedule(quiet: Quiet, rhea: Person) -> None:
    request = quiet.submitted(quiet.ask(rhea, LINE))
    send(str(request.pk))
    send(str(request.pk))
    assert quiet.now(request).state == State.SUCCEEDED
    assert len(quiet.received()) == 1


def test_a_request_that_is_older_than_its_silence_is_not_sent_again(quiet: Quiet, rhea: Person) -> None:
    """Its row was restored from a backup."""
    request = quiet.sent(quiet.ask(rhea, LINE))
    kept(quiet, request)
    ActionRequest.objects.filter(pk=request.pk).update(state=State.APPROVED, ended_at=None)
    silence_send(request.pk)
    assert quiet.now(request).state == State.UNKNOWN
    assert quiet.looked(request).state == State.SUCCEEDED
    assert len(quiet.received()) == 1


@pytest.mark.parametrize("how", ["role", "session"])
def test_f42_nothing_is_sent_for_who_may_not_any_more(quiet: Quiet, rhea: Person, how: str) -> None:
    request = quiet.submitted(quiet.ask(rhea, LINE))
    if how == "role":
        rhea.user.person.role = Role.VIEWER
        rhea.user.person.save()
    else:
        Session.objects.all().delete()
    silence_send(request.pk)
    assert quiet.now(request).state == State.REFUSED
    assert quiet.received() == []


def test_what_hides_more_serious_alerts_by_now_is_not_sent(quiet: Quiet, rhea: Person) -> None:
    request = quiet.submitted(quiet.ask(rhea, LINE))
    Episode.objects.filter(alertmanager="appsre", name__startswith="ArgoCD").update(is_slo=True, severity="critical")
    silence_send(request.pk)
    done = quiet.now(request)
    assert done.state == State.REFUSED
    assert done.outcome.startswith("Changed since it was asked for: it hides ")


def test_no_alertmanager_that_answers_means_nothing_is_sent(quiet: Quiet, rhea: Person) -> None:
    request = quiet.submitted(quiet.ask(rhea, LINE))
    quiet.stage.age(600, *APPSRE)
    silence_send(request.pk)
    assert quiet.now(request).state == State.REFUSED


def test_the_first_fresh_member_is_asked(quiet: Quiet, rhea: Person) -> None:
    quiet.stage.age(600, APPSRE[0])
    assert wanted_of(quiet.sent(quiet.ask(rhea, LINE))).member == APPSRE[1]


# --- changing one ----------------------------------------------------------------------------------------------------


def test_a_silence_is_extended_in_place_by_one_step(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    done = quiet.carried_out(quiet.ask_about(rhea, old, Action.SILENCE_EDIT))
    assert done.state == State.SUCCEEDED, done.outcome
    (step,) = done.steps.all()
    assert wanted_of(step).made == wanted_of(done).made == old.silence_id
    silence = quiet.silences()[old.silence_id]
    assert silence.comment.endswith(f"[request {step.pk}]")
    assert silence.ends_at > old.ends_at
    assert [each["request_id"] for each in quiet.received()][1:] == [str(step.pk)]


def annotated(quiet: Quiet, silence_id: str) -> Silence:
    """Another tool keeps something there; the portal has read it."""
    name = "appsre/0" if quiet.group == "appsre" else "rhobs"
    book = quiet.stage.demo.world.silences[name]
    told = replace(book.silences[silence_id], annotations={"tool.example/ticket": "T-1"})
    quiet.stage.demo.call(lambda: book.put(told))
    quiet.read()
    return Silence.objects.get(silence_id=silence_id)


def test_what_another_tool_keeps_at_a_silence_stays_when_it_is_extended(quiet: Quiet, rhea: Person) -> None:
    old = annotated(quiet, kept(quiet, quiet.sent(quiet.ask(rhea, LINE))).silence_id)
    assert old.annotations == {"tool.example/ticket": "T-1"}
    done = quiet.carried_out(quiet.ask_about(rhea, old, Action.SILENCE_EDIT))
    assert done.state == State.SUCCEEDED, done.outcome
    assert quiet.silences()[old.silence_id].annotations == old.annotations


def test_behind_observatorium_it_goes_over_to_the_new_one(gateway: Quiet, rhea: Person) -> None:
    old = annotated(gateway, kept(gateway, gateway.sent(gateway.ask(rhea, 'alertname="Anything"'))).silence_id)
    done = gateway.carried_out(gateway.ask_about(rhea, old, Action.SILENCE_EDIT))
    assert done.state == State.SUCCEEDED, done.outcome
    assert gateway.silences()[wanted_of(done).made].annotations == {"tool.example/ticket": "T-1"}


def test_what_somebody_changed_since_it_was_asked_for_is_not_overwritten(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    request = quiet.submitted(quiet.ask_about(rhea, old, Action.SILENCE_EDIT))
    look_after()
    (step,) = request.steps.filter(state=State.APPROVED)
    Silence.objects.filter(pk=old.pk).update(comment="narrowed by somebody")
    silence_send(step.pk)
    step = quiet.now(step)
    assert (step.state, step.outcome) == (State.REFUSED, sending.OLD_CHANGED)
    assert len(quiet.received()) == 1


def test_what_somebody_changed_there_is_not_overwritten_though_the_portal_has_not_read_it_yet(
    quiet: Quiet, rhea: Person
) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    there = quiet.silences()[old.silence_id]
    later = quiet.stage.demo.call(quiet.stage.demo.world.now) + timedelta(seconds=1)
    quiet.stage.demo.call(lambda: setattr(there, "updated_at", later))
    done = quiet.carried_out(quiet.ask_about(rhea, old, Action.SILENCE_EDIT))
    assert (done.state, done.outcome) == (State.REFUSED, sending.OLD_CHANGED)
    assert len(quiet.received()) == 1


def test_a_change_is_not_sent_where_the_silence_cannot_be_read_just_before(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    request = quiet.submitted(quiet.ask_about(rhea, old, Action.SILENCE_EDIT))
    look_after()
    (step,) = request.steps.filter(state=State.APPROVED)
    quiet.stage.demo.fault(APPSRE[0], "refuse")
    silence_send(step.pk)
    assert quiet.now(step).state == State.NOT_STARTED
    assert len(quiet.received()) == 1


def test_other_matchers_replace_it_and_that_is_said(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    done = quiet.carried_out(quiet.ask_about(rhea, old, Action.SILENCE_EDIT, line='alertname="ArgoCDDown"'))
    assert "in place of" in done.outcome
    states = {key: each.state(quiet.stage.demo.world.now()) for key, each in quiet.silences().items()}
    assert (states[old.silence_id], states[wanted_of(done).made]) == ("expired", "active")


def test_a_silence_is_expired(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    done = quiet.sent(quiet.ask_about(rhea, old, Action.SILENCE_EXPIRE))
    assert (done.state, done.outcome) == (State.SUCCEEDED, "The silence was expired")
    assert quiet.silences()[old.silence_id].state(quiet.stage.demo.world.now()) == "expired"


def test_f39_an_expiry_that_did_not_arrive_is_not_started_while_the_silence_goes_on(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    quiet.short_deadline()
    quiet.read()
    quiet.stage.demo.fault(APPSRE[0], "hang", path="/api/v2/silence/", times=1)
    request = quiet.sent(quiet.ask_about(rhea, old, Action.SILENCE_EXPIRE))
    assert request.state == State.UNKNOWN
    quiet.passes(request, 120)
    quiet.looked(request)
    quiet.passes(request, 10)
    done = quiet.looked(request)
    assert (done.state, done.outcome) == (State.NOT_STARTED, "It did not arrive: the silence goes on")


def test_f40_an_expiry_of_a_worker_that_died_after_its_call_is_found_by_the_silence(
    quiet: Quiet, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    monkeypatch.setattr(sending, "answer_write", lambda *given, **more: None)  # killed when the answer came
    request = quiet.sent(quiet.ask_about(rhea, old, Action.SILENCE_EXPIRE))
    monkeypatch.undo()
    assert request.state == State.SENDING
    quiet.passes(request, 25)
    silences_look_after()
    assert quiet.looked(request).state == State.SUCCEEDED
    assert [each["action"] for each in quiet.received()] == ["silence", "expire"]


def test_one_that_is_gone_meanwhile_is_refused_in_words(quiet: Quiet, rhea: Person) -> None:
    old = kept(quiet, quiet.sent(quiet.ask(rhea, LINE)))
    ask = quiet.ask_about(rhea, old, Action.SILENCE_EXPIRE)
    quiet.stage.demo.call(quiet.stage.demo.world.silences["appsre/0"].silences.clear)
    done = quiet.sent(ask)
    assert (done.state, done.outcome) == (State.REFUSED, "The Alertmanager has no such silence any more")


# --- behind Observatorium ---------------------------------------------------------------------------------------------


def test_behind_observatorium_a_new_one_comes_before_the_old_one_goes(gateway: Quiet, rhea: Person) -> None:
    old = kept(gateway, gateway.sent(gateway.ask(rhea, 'alertname="Anything"')))
    assert old.matchers[0]["name"] == "tenant_id"
    done = gateway.carried_out(gateway.ask_about(rhea, old, Action.SILENCE_EDIT))
    assert done.state == State.SUCCEEDED, done.outcome
    assert [(each["action"], each["silence"]) for each in gateway.received()][1:] == [
        ("silence", ""), ("expire", old.silence_id),
    ]  # fmt: skip
    now = gateway.stage.demo.world.now()
    states = {key: each.state(now) for key, each in gateway.silences().items()}
    assert (states[old.silence_id], states[wanted_of(done).made]) == ("expired", "active")
    new, then = gateway.silences()[wanted_of(done).made], gateway.silences()[old.silence_id]
    assert new.starts_at <= then.ends_at, "without a gap"


def test_behind_observatorium_where_the_old_one_stays_both_are_said_to_be_there(gateway: Quiet, rhea: Person) -> None:
    old = kept(gateway, gateway.sent(gateway.ask(rhea, 'alertname="Anything"')))
    ask = gateway.ask_about(rhea, old, Action.SILENCE_EDIT)
    gateway.stage.demo.fault("observatorium/rhobs", "403", path="/api/metrics/v1/rhtap/am/api/v2/silence/")
    done = gateway.carried_out(ask)
    assert done.state == State.FAILED
    assert done.outcome.startswith("Both are there: the new silence ")


def test_behind_observatorium_where_the_new_one_is_refused_the_old_one_stays(gateway: Quiet, rhea: Person) -> None:
    old = kept(gateway, gateway.sent(gateway.ask(rhea, 'alertname="Anything"')))
    ask = gateway.ask_about(rhea, old, Action.SILENCE_EDIT)
    gateway.stage.demo.fault("observatorium/rhobs", "403", path="/api/metrics/v1/rhtap/am/api/v2/silences")
    done = gateway.carried_out(ask)
    assert done.state == State.REFUSED
    assert [step.state for step in done.steps.order_by("position")] == [State.REFUSED, State.LEFT]
    assert [each["action"] for each in gateway.received() if each["status"]] == ["silence"]


def test_two_steps_never_share_a_request_id(gateway: Quiet, rhea: Person) -> None:
    old = kept(gateway, gateway.sent(gateway.ask(rhea, 'alertname="Anything"')))
    done = gateway.carried_out(gateway.ask_about(rhea, old, Action.SILENCE_EDIT))
    told: list[Any] = [uuid.UUID(each["request_id"]) for each in gateway.received() if each["request_id"]]
    assert told[1] == done.steps.get(position=1).pk
    assert len(set(told)) == len(told)
