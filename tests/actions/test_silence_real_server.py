"""Silences on a real Alertmanager: what is previewed is what it then hides; changed in place, replaced, expired."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.actions.models import ActionRequest
from apps.actions.silences.sending import silence_send
from apps.actions.silences.services import silence_submit
from apps.actions.silences.settling import silences_look_after
from apps.actions.silences.wanted import Wanted, wanted_of
from apps.actions.states import Action, State
from apps.actions.tasks import look_after
from apps.alerts.models import Episode, Silence
from apps.alerts.tasks import read_alertmanager
from apps.core.leases import lease_take
from apps.core.matchers import are_met, matchers_read
from apps.sources.models import Source
from tests.actions.silences import ask
from tests.faults.acting import Person
from tests.fleet_in_force import FleetFileOfTest
from tests.servers import alertmanager

pytestmark = [pytest.mark.django_db(transaction=True)]

CONFIG = """
route: {receiver: default, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: default}]
inhibit_rules:
- {source_matchers: [severity="critical"], target_matchers: [severity="info"], equal: [source_cluster]}
"""
KEY = "alertmanager/real/0"
LINES = (
    'alertname="Slow"',
    'alertname=~"Slow|Odd.*"',
    'source_cluster!="m01", severity=~"(?i)WARNING"',
    'source_cluster!~"m0[12]", alertname=~".+"',
    'pod="", alertname!="Slow", severity="critical"',
    'pod=~".*-1|", severity="warning"',
    'summary="a \\"quoted\\" \\\\ back"',
    'alertname=~"Sl.w", source_cluster=~"m.*", pod=~"^a-[0-9]$"',
    'alertname=~"low"',
    'note=~"ä.*", source_cluster="m02"',
)
NOTHING = 'alertname=~"low"'
"""A pattern fits the whole value."""


class Real:
    """A real Alertmanager with alerts, and the portal that reads it."""

    def __init__(self, url: str) -> None:
        self.url = url
        now = datetime.now(UTC)
        self.alerts = [{"labels": labels, "startsAt": now.isoformat()} for labels in labels_of()]
        self.call("/api/v2/alerts", self.alerts)
        soon(lambda: Episode.objects.firing().count() == len(self.alerts), self.read)

    def call(self, path: str, content: object = None) -> Any:
        """The JSON of its answer."""
        body = json.dumps(content).encode() if content is not None else None
        request = urllib.request.Request(f"{self.url}{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def read(self) -> None:
        """The portal reads it."""
        lease_take(name="beat", holder="tick", seconds=3600)
        Source.objects.update(not_before=None)
        read_alertmanager(key=KEY)
        assert Source.objects.get(key=KEY).error == ""

    def silenced_by(self, silence: str) -> set[str]:
        """The fingerprints of the alerts that it says a silence hides."""
        alerts = self.call("/api/v2/alerts")
        return {each["fingerprint"] for each in alerts if silence in each["status"]["silencedBy"]}

    def silence(self, silence: str) -> Any:
        """One silence as it tells it."""
        return self.call(f"/api/v2/silence/{silence}")


def labels_of() -> Iterator[dict[str, str]]:
    """Of alerts that differ in all that matchers can ask."""
    for cluster in ("m01", "m02", "m03"):
        yield {"alertname": "Slow", "severity": "warning", "source_cluster": cluster}
        yield {"alertname": "Slow", "severity": "warning", "source_cluster": cluster, "pod": "a-1"}
        yield {"alertname": "OddOne", "severity": "info", "source_cluster": cluster, "pod": "b-2"}
        yield {"alertname": "Down", "severity": "critical", "source_cluster": cluster, "note": "ärger"}
    yield {"alertname": "Slow", "severity": "Warning", "summary": 'a "quoted" \\ back'}
    yield {"alertname": "Slowly", "severity": "warning", "pod": "x-1\nsecond line"}


def soon(is_so: Callable[[], bool], again: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + 20
    while True:
        again()
        if is_so():
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def real(tmp_path: Path, settings: Settings, transactional_db: None) -> Iterator[Real]:
    with alertmanager(tmp_path, CONFIG) as url:
        policies = "policies: [{name: wide, match: {actions: [silence, silence-edit]}, most_clusters: 100}]"
        FleetFileOfTest(tmp_path, settings).put(f"alertmanagers: [{{name: real, members: ['{url}']}}]\n{policies}\n")
        yield Real(url)


@pytest.fixture
def rhea(real: Real) -> Person:
    return Person("rhea")


def made(rhea: Person, line: str, **more: Any) -> ActionRequest:
    """A silence that was asked for and sent."""
    asked = ask(rhea.who, line, alertmanager="real", typed_name=more.pop("typed_name", "Slow"), **more)
    request = silence_submit(asked).request
    assert request
    silence_send(request.pk)
    return ActionRequest.objects.get(pk=request.pk)


def changed(request: ActionRequest) -> ActionRequest:
    """A request of one step, sent by the schedule."""
    for _ in range(4):
        look_after()
        for step in request.steps.filter(state=State.APPROVED):
            silence_send(step.pk)
    return ActionRequest.objects.get(pk=request.pk)


def test_what_is_previewed_is_what_it_then_hides(real: Real, rhea: Person) -> None:
    everything = {each["fingerprint"]: each["labels"] for each in real.call("/api/v2/alerts")}
    for line in LINES:
        asked = ask(rhea.who, line, alertmanager="real")
        foreseen = {each.fingerprint for each in preview(asked)}
        request = made(rhea, line)
        assert request.state == State.SUCCEEDED, (line, request.outcome)
        silence = wanted_of(request).made
        assert foreseen or line == NOTHING
        expected = {print_ for print_, labels in everything.items() if are_met(matchers_read(line), labels)}
        soon(lambda silence=silence, expected=expected: real.silenced_by(silence) == expected)  # type: ignore[misc]
        assert foreseen == expected, line
        assert real.silence(silence)["createdBy"] == "rhea"
        assert real.silence(silence)["comment"] == f"upgrade (K-1) [request {request.pk}]"
    real.read()
    assert Silence.objects.count() == len(LINES)


def preview(asked: Any) -> Any:
    from apps.actions.silences.preflight import silence_preflight

    return silence_preflight(asked).preview.hidden


def about(rhea: Person, old: Silence, action: Action, line: str = "", hours: float = 4) -> ActionRequest:
    """Asks for a change of a silence, or its end."""
    told = Wanted(
        alertmanager="real",
        matchers=tuple((each["name"], "=", each["value"]) for each in old.matchers)
        if not line
        else tuple((each.name, each.operator, each.value) for each in matchers_read(line)),
        starts_at=old.starts_at,
        ends_at=datetime.now(UTC) + timedelta(hours=hours),
        silence_id=old.silence_id,
    )
    request = silence_submit(ask(rhea.who, action=action, wanted=told)).request
    assert request
    return request


def test_it_is_extended_in_place_replaced_by_other_matchers_and_expired(real: Real, rhea: Person) -> None:
    first = wanted_of(made(rhea, 'alertname="Slow"')).made
    real.read()
    old = Silence.objects.get(silence_id=first)

    extended = changed(about(rhea, old, Action.SILENCE_EDIT))
    assert (extended.state, wanted_of(extended).made) == (State.SUCCEEDED, first), extended.outcome
    real.read()
    longer = Silence.objects.get(silence_id=first)
    assert old.ends_at
    assert longer.ends_at
    assert longer.ends_at - old.ends_at > timedelta(hours=1.9)
    assert longer.comment.endswith(f"[request {extended.steps.get().pk}]")

    replaced = changed(about(rhea, longer, Action.SILENCE_EDIT, 'alertname="Slow", source_cluster="m01"'))
    second = wanted_of(replaced).made
    assert replaced.state == State.SUCCEEDED
    assert second != first
    assert f"as {second} in place of {first}" in replaced.outcome
    assert (real.silence(first)["status"]["state"], real.silence(second)["status"]["state"]) == ("expired", "active")

    real.read()
    ending = about(rhea, Silence.objects.get(silence_id=second), Action.SILENCE_EXPIRE)
    silence_send(ending.pk)
    assert ActionRequest.objects.get(pk=ending.pk).state == State.SUCCEEDED
    soon(lambda: real.silenced_by(second) == set())
    assert real.silence(second)["status"]["state"] == "expired"


def test_one_that_arrived_without_an_answer_is_found_by_its_id(
    real: Real, rhea: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.actions.silences import sending

    # the worker is killed when the answer comes
    monkeypatch.setattr(sending, "answer_write", lambda *given, **more: None)
    request = made(rhea, 'alertname="Slow"')
    monkeypatch.undo()
    assert request.state == State.SENDING
    ActionRequest.objects.filter(pk=request.pk).update(state=State.UNKNOWN, looked_at=None)
    silences_look_after()
    done = ActionRequest.objects.get(pk=request.pk)
    assert done.state == State.SUCCEEDED
    assert real.silence(wanted_of(done).made)["comment"].endswith(f"[request {request.pk}]")


@pytest.mark.parametrize("line", ['x=~".*"', 'x=""'])
def test_what_it_refuses_is_refused_before_it_is_asked(real: Real, rhea: Person, line: str) -> None:
    done = silence_submit(ask(rhea.who, line, alertmanager="real"))
    assert done.request
    assert done.request.state == State.REFUSED
    now, (name, operator, value) = datetime.now(UTC), done.request.options["matchers"][0]
    told = {"matchers": [{"name": name, "value": value, "isRegex": operator == "=~", "isEqual": True}]}
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}
    with pytest.raises(urllib.error.HTTPError, match="400"):
        real.call("/api/v2/silences", {**told, **times, "comment": "x", "createdBy": "x"})
