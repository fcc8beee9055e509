"""People who act on the simulated fleet: what they ask for is sent, and looked after, here and now."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from apps.accounts.access import role_of
from apps.accounts.models import Role
from apps.actions.case import Who
from apps.actions.judging import END_SEEN_AT, LATE_LOOK_AT, UNANSWERED
from apps.actions.models import ActionRequest, AuditLine
from apps.actions.options import Options
from apps.actions.preflight import Ask
from apps.actions.sending import request_send
from apps.actions.services import Submitted, request_submit
from apps.actions.settling import requests_look_after
from apps.actions.states import Action
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.demo.world.applications import Application as DemoApplication
from apps.gitops.models import Application
from tests.conftest import BACKEND, person_with
from tests.faults.processes import until
from tests.faults.stage import Stage

SERVER = "argocd/staging"


class Person:
    """Somebody with a role, signed in."""

    def __init__(self, name: str, role: Role = Role.RESPONDER) -> None:
        self.user = person_with(name, role)
        self.client = Client()
        self.client.force_login(self.user, backend=BACKEND)

    @property
    def who(self) -> Who:
        """As they are now."""
        user = User.objects.select_related("person").get(pk=self.user.pk)
        session = self.client.session.session_key or ""
        return Who(user=user, role=role_of(user), session=session, address="127.0.0.1", signed_in_at=database_now())


class Scene:
    """One Application of the simulated fleet that is well, and what is done to it."""

    def __init__(self, stage: Stage, instance: str = "staging") -> None:
        self.stage, self.instance, self.server = stage, instance, f"argocd/{instance}"
        self.name = stage.demo.call(self._one_that_is_well)
        self.there(hook="", sync_seconds=0.3)

    def _one_that_is_well(self) -> str:
        found = self.stage.demo.world.argocds[self.instance].applications.values()
        calm = (each for each in found if each.is_well and each.project == "default" and not each.has_legacy)
        return next(each.name for each in calm if not each.failure and not each.cluster.is_lost)

    @property
    def row(self) -> Application:
        """As the portal knows it."""
        return Application.objects.get(instance=self.instance, name=self.name)

    def there(self, **fields: Any) -> None:
        """Changes it at Argo CD; the portal reads that."""
        self.stage.demo.call(lambda: self.stage.demo.world.application_change(self._there(), **fields))
        self.stage.read(self.server)

    def _there(self) -> DemoApplication:
        return self.stage.demo.world.application(self.instance, self.name)

    def posts(self, method: str = "POST") -> list[dict[str, Any]]:
        """The bodies of the calls that Argo CD received for it."""
        log = list(self.stage.demo.log(self.server).latest)
        calls = [each for each in log if each["method"] == method and f"/{self.name}/" in each["path"]]
        return [json.loads(each["body"] or "{}") for each in calls]

    def ask(self, person: Person, action: Action = Action.SYNC, pk: uuid.UUID | None = None, **more: Any) -> Ask:
        """What a form says that gives all that can be asked for."""
        return Ask(
            request_id=pk or uuid.uuid4(),
            action=action,
            application=self.row,
            options=more.pop("options", Options()),
            who=person.who,
            reason="drill",
            ticket="K-1",
            typed_name=more.pop("typed_name", self.name),
            is_confirmed=True,
            **more,
        )

    def submitted(self, person: Person, action: Action = Action.SYNC, **more: Any) -> ActionRequest:
        """A request that is written down."""
        done: Submitted = request_submit(self.ask(person, action, **more))
        assert done.request, done.preflight and (done.preflight.missing, done.preflight.spoken)
        return done.request

    def sent(self, person: Person, action: Action = Action.SYNC, **more: Any) -> ActionRequest:
        """A request that a worker took up."""
        request = self.submitted(person, action, **more)
        request_send(request.pk)
        return self.now(request)

    def now(self, request: ActionRequest) -> ActionRequest:
        """As it is in the database."""
        return ActionRequest.objects.get(pk=request.pk)

    def looked(self, request: ActionRequest) -> ActionRequest:
        """After one more look, whatever the pace."""
        ActionRequest.objects.filter(pk=request.pk).update(looked_at=None)
        requests_look_after()
        return self.now(request)

    def ended(self, request: ActionRequest) -> ActionRequest:
        """After as many looks as it takes."""
        until(lambda: self.looked(request).is_final, 30)
        return self.now(request)

    def passes(self, request: ActionRequest, seconds: float) -> None:
        """So much time passes for the request."""
        back = timedelta(seconds=seconds)
        row = self.now(request)
        moments = {name: getattr(row, name) for name in ("created_at", "state_at", "sent_at", "approved_at")}
        ActionRequest.objects.filter(pk=request.pk).update(
            operation=_earlier(row.operation, back),
            **{name: moment - back for name, moment in moments.items() if moment},
        )
        Lease.objects.filter(name__startswith="actions:").delete()


def _earlier(kept: dict[str, Any] | None, back: timedelta) -> dict[str, Any] | None:
    """What is kept for the next look, as if it had been kept earlier."""
    moments = {name: told for name, told in (kept or {}).items() if name in {LATE_LOOK_AT, END_SEEN_AT, UNANSWERED}}
    return kept and {**kept, **{name: (datetime.fromisoformat(at) - back).isoformat() for name, at in moments.items()}}


def states_of(request: ActionRequest) -> list[str]:
    """Its events in the audit log, in order."""
    return list(AuditLine.objects.filter(request=request.pk).order_by("pk").values_list("event", flat=True))
