"""Where the evidence of a guard is, and how it names people and moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from django.urls import reverse

from apps.core.addresses import page_address
from apps.core.ages import age_words, moment_words
from apps.gitops.models import Application
from apps.integrations.argocd import Operation

from .states import Action

MOST_NAMED = 3
OURS = "requested-by"


def application_page(application: Application) -> str:
    """The page of an Application; "" where its name cannot stand in an address."""
    return page_address("dashboard:application-show", application.instance, *application.key)


def cluster_page(name: str) -> str:
    """The page of a cluster; "" where it is not one of the fleet file."""
    return page_address("dashboard:cluster-show", name)


def action_page(action: Action | None, application: Application, more: Iterable[tuple[str, str]] = ()) -> str:
    """The form that asks for an action of this Application, or offers them all; `more` says how it is to be done."""
    chosen = [("action", action.value)] if action else []
    return f"{reverse('actions:request-new')}?{urlencode([*chosen, ('app', subject_of(application)), *more])}"


def subject_of(application: Application) -> str:
    """The Application in a form or an address: instance, namespace and name, each quoted."""
    return joined("/", (application.instance, *application.key))


def joined(separator: str, parts: Iterable[str]) -> str:
    """The parts, each quoted, so that none holds the separator."""
    return separator.join(quote(part, safe="") for part in parts)


def ago(moment: datetime, now: datetime) -> str:
    """ "12 s ago"; "in 3 m" for what lies ahead."""
    told = age_words(moment, now)
    return told if told.startswith("in ") else f"{told} ago"


def moment_and_wait(moment: datetime, now: datetime) -> str:
    """ "24 Nov 2026, 22:57:12 UTC (in 3 h)"."""
    return f"{moment_words(moment)} ({ago(moment, now)})"


def starter_of(operation: Operation) -> str:
    """Who began an operation: the person who asked the portal, Argo CD itself, or the account that it names."""
    person = dict(operation.infos).get(OURS, "")
    if person:
        return person
    return "Argo CD itself (auto-sync)" if operation.automated else operation.initiated_by or "somebody"


def some_of(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
