"""All that can be asked for of one Application, on a page of its own: where a row's "More" leads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.accounts.access import Verb, refusal_of
from apps.core.addresses import page_address
from apps.gitops.models import Application

from .asking import SEPARATOR
from .case import Who
from .evidence import action_page
from .known import RUNNING
from .models import Freeze


def choices_address(application: Application) -> str:
    """The page that offers every action of the Application."""
    return action_page(None, application)


def choices_shown(application: Application, who: Who) -> dict[str, Any]:
    """What the page's template shows: the actions, or why the person may ask for none of them. Asks nobody."""
    row = application
    return {
        "title": f"Actions: {row.name}",
        "application": row,
        "refused": refusal_of(who.user, Verb.ACT, row),
        "is_running": row.operation_phase in RUNNING,
        "freezes": freezes_of(row),
        "back": page_address("dashboard:application-show", row.instance, row.namespace, row.name) or "/",
    }


def freezes_of(application: Application) -> list[tuple[str, str]]:
    """What of the Application's can be frozen: in words, and the page with the form for it."""
    values = {
        Freeze.Scope.CLUSTER: application.cluster,
        Freeze.Scope.ENVIRONMENT: application.environment,
        Freeze.Scope.PROJECT: application.project,
    }
    return [(f"{scope} {value}", freeze_address(scope, value)) for scope, value in values.items() if value]


def freeze_address(scope: str, value: str) -> str:
    """The page of freezes with this already chosen in its form."""
    return f"{reverse('actions:freeze-list')}?{urlencode({'what': f'{scope}{SEPARATOR}{value}'})}"
