"""Cases as preflight makes them, for the tests of guards: nothing speaks against them unless told otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from apps.accounts.models import Role
from apps.actions.case import Case, Finding, Guard, Live, Rules, Who
from apps.actions.guards import GUARDS
from apps.actions.models import ActionRequest, Freeze
from apps.actions.options import Options
from apps.actions.states import Action, State
from apps.core.clock import database_now
from apps.fleet.overlay import overlay_now
from apps.integrations.argocd import Application as Told
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus, WindowState
from tests.conftest import person_with
from tests.rows import REVISION, ago, application_row

OPEN = WindowState(can_sync=True)
NAME = "build-service-stone-prd-m01"


def who(role: Role | None = Role.RESPONDER, name: str = "remy") -> Who:
    """Somebody with that role, signed in for an hour."""
    user = User.objects.filter(username=name).first() or person_with(name, role)
    return Who(user=user, role=role, session="s1", signed_in_at=ago(hours=1))


def told(**changes: Any) -> Told:
    """The same Application as `application_row`, as Argo CD tells it."""
    defaults: dict[str, Any] = {
        "namespace": "argocd",
        "name": NAME,
        "project": "default",
        "is_complete": True,
        "set_name": "build-service",
        "destination_server": "https://api.stone-prd-m01.example.com:6443",
        "destination_namespace": "build-service",
        "repo_url": "https://github.com/redhat-appstudio/infra-deployments.git",
        "path": "components/build-service/production",
        "target_revision": "main",
        "auto_sync": True,
        "sync_status": "Synced",
        "sync_revision": REVISION,
        "health_status": "Healthy",
    }
    return Told(**{**defaults, **changes})


def live(*resources: ResourceStatus, **changes: Any) -> Live:
    """Argo CD answered everything, and says this of the Application."""
    return Live(detail=ApplicationDetail(told(**changes), resources=resources), may_act=True, windows=OPEN)


def prunable(name: str, *, hook: bool = False) -> ResourceStatus:
    """A ConfigMap that Git has not any more."""
    place = {"group": "", "version": "v1", "kind": "ConfigMap", "namespace": "backup"}
    return ResourceStatus(**place, name=name, status="OutOfSync", requires_pruning=True, hook=hook)


def running(**changes: Any) -> Operation:
    """A sync that somebody began two minutes ago."""
    return Operation(**{"phase": "Running", "started_at": ago(minutes=2), "initiated_by": "alex", **changes})


def case_for(action: Action = Action.SYNC, *, rules: Rules | None = None, **parts: Any) -> Case:
    """A resync of an Application that is well; `live` is by default that Argo CD was not asked."""
    defaults: dict[str, Any] = {
        "options": Options(),
        "who": parts.pop("who", None) or who(),
        "rules": rules or Rules(policy="built-in"),
        "overlay": overlay_now(),
        "now": database_now(),
        "live": None,
        "digest": "",
    }
    if "application" not in parts:
        parts["application"] = application_row()
    return Case(action=action, **{**defaults, **parts})


def request_row(action: Action = Action.SYNC, state: State = State.SUCCEEDED, **fields: Any) -> ActionRequest:
    """A request of alex for the Application of `application_row`, asked for twelve seconds ago."""
    defaults: dict[str, Any] = {
        "id": uuid4(),
        "action": action,
        "holds": action.is_sync_like,
        "username": "alex",
        "instance": "production",
        "namespace": "argocd",
        "name": NAME,
        "subject": NAME,
        "state": state,
        "created_at": ago(seconds=12),
        "state_at": ago(seconds=10),
        "sent_at": ago(seconds=11),
        "ended_at": ago(seconds=10) if state.is_final else None,
        "revision_sent": REVISION,
    }
    return ActionRequest.objects.create(**{**defaults, **fields})


def freeze_row(scope: str = "everything", value: str = "", **fields: Any) -> Freeze:
    """A freeze of an hour, begun a minute ago."""
    now = database_now()
    defaults = {"reason": "release night", "by": "ana", "began_at": ago(minutes=1), "ends_at": now + timedelta(hours=1)}
    return Freeze.objects.create(scope=scope, value=value, **{**defaults, **fields})


def guard(name: str) -> Guard:
    """The guard of that name."""
    return next(guard for guard in GUARDS if guard.name == name)


def look(name: str, case: Case) -> Finding:
    """What the guard says, of an action that it is asked about."""
    assert case.action in guard(name).actions
    found = guard(name).look(case)
    assert found.guard == name
    assert found.words
    return found
