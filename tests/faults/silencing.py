"""People who silence on the simulated fleet: what they ask for is sent, and looked after, here and now."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import requests

from apps.actions.models import ActionRequest
from apps.actions.silences.asking import wanted_by
from apps.actions.silences.form import Form
from apps.actions.silences.preflight import SilenceAsk, silence_preflight
from apps.actions.silences.sending import silence_send
from apps.actions.silences.services import silence_submit
from apps.actions.silences.settling import silences_look_after
from apps.actions.silences.wanted import matchers_kept
from apps.actions.states import Action
from apps.actions.tasks import look_after
from apps.alerts.models import Silence
from apps.core.matchers import matchers_read
from apps.sources.fleetfile.current import fleet_file_in_force
from tests.faults.acting import Person, Scene
from tests.faults.stage import Stage

APPSRE = ("alertmanager/appsre/0", "alertmanager/appsre/1")
RHOBS = "alertmanager/rhobs/0"


class Quiet:
    """One Alertmanager group of the simulated fleet, and what is silenced there."""

    def __init__(self, stage: Stage, group: str = "appsre") -> None:
        self.stage, self.group = stage, group
        self.members = APPSRE if group == "appsre" else (RHOBS,)
        self.servers = APPSRE if group == "appsre" else ("observatorium/rhobs",)
        stage.read("argocd/production", *self.members)

    def read(self) -> None:
        """The portal reads the group."""
        self.stage.read(*self.members)

    def ask(self, person: Person, line: str, *, length: str = "2h", pk: uuid.UUID | None = None) -> SilenceAsk:
        """A new silence, as the form asks for it that gives all that is wanted."""
        return self._asked(person, Form(matchers=matchers_read(line), length=length), pk=pk)

    def ask_about(
        self, person: Person, old: Silence, action: Action, *, line: str = "", length: str = "4h"
    ) -> SilenceAsk:
        """A change of a silence, or its end."""
        matchers = matchers_read(line) if line else matchers_kept(old, is_observatorium=self.group == "rhobs")
        return self._asked(person, Form(action=action, matchers=matchers, length=length), old=old)

    def _asked(
        self, person: Person, form: Form, *, old: Silence | None = None, pk: uuid.UUID | None = None
    ) -> SilenceAsk:
        wanted = wanted_by(form, self.group, fleet_file_in_force(), old)
        given: dict[str, Any] = {
            "reason": "drill",
            "ticket": "K-1",
            "who": person.who,
            "request_id": pk or uuid.uuid4(),
        }
        first = silence_preflight(SilenceAsk(action=form.action, wanted=wanted, **given))
        return SilenceAsk(action=form.action, wanted=wanted, shown=first.shown, typed_name=first.name, **given)

    def submitted(self, ask: SilenceAsk) -> ActionRequest:
        """The request that is written down."""
        done = silence_submit(ask)
        assert done.request, done.preflight and (done.preflight.missing, done.preflight.spoken)
        return done.request

    def sent(self, ask: SilenceAsk) -> ActionRequest:
        """A request of one step that a worker took up."""
        request = self.submitted(ask)
        silence_send(request.pk)
        return ActionRequest.objects.get(pk=request.pk)

    def carried_out(self, ask: SilenceAsk) -> ActionRequest:
        """A request of several steps, sent step by step by the schedule."""
        request = self.submitted(ask)
        for _ in range(6):
            look_after()
            for step in ActionRequest.objects.filter(parent=request, state="approved"):
                silence_send(step.pk)
        return ActionRequest.objects.get(pk=request.pk)

    def now(self, request: ActionRequest) -> ActionRequest:
        """As it is in the database."""
        return ActionRequest.objects.get(pk=request.pk)

    def looked(self, request: ActionRequest) -> ActionRequest:
        """After one more look, whatever the pace."""
        ActionRequest.objects.filter(pk=request.pk).update(looked_at=None)
        silences_look_after()
        return self.now(request)

    def passes(self, request: ActionRequest, seconds: float) -> None:
        """So much time passes for the request."""
        Scene.passes(self, request, seconds)  # type: ignore[arg-type]

    def received(self) -> list[dict[str, Any]]:
        """What all of its servers were asked to do, each with its server."""
        told = requests.get(f"{self.stage.demo.control_url}/received", timeout=5).json()
        return [{"server": server, **entry} for server in self.servers for entry in told[server]]

    def silences(self, server: int = 0) -> dict[str, Any]:
        """The silences of one of its servers, by id."""
        name = f"appsre/{server}" if self.group == "appsre" else "rhobs"
        return dict(self.stage.demo.call(lambda: dict(self.stage.demo.world.silences[name].silences)))

    def short_deadline(self) -> None:
        """A call may take a second."""
        for section in ("alertmanagers", "observatorium"):
            told = [{**each, "deadline": "1s", "connect_timeout": "1s"} for each in self.stage.document[section]]
            self.stage.put(**{section: told})


def hours(count: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=count)
