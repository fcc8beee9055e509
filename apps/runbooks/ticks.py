"""Ticks: that a step of a runbook was done for an alert, by whom and when."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from apps.accounts.access import Verb, refusal_of
from apps.accounts.scopes import Place
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.topics import raise_topics
from apps.gitops.noting import application_of
from apps.sources.fleetfile import fleet_file_or_empty

from .finding import runbook_address
from .models import Runbook, Tick, UndoneTick
from .rendering import rendered

TOPIC = "runbook-ticks"


class TickRefused(RuleViolation):
    """The person may not tick there, in words."""


def tick_set(*, who: User, episode: Episode, source: str, path: str, step: str, is_done: bool) -> None:
    """Ticks the step off for the episode, or takes the tick back; what stands so already stays as it is.

    What was taken back is kept, with who did that. Raises TickRefused where the person may not, RuleViolation where
    the runbook is not the alert's own or has no such step (any more).
    """
    if words := refusal_of(who, Verb.ACT, place_of(episode)):
        raise TickRefused(words)
    place: dict[str, Any] = {"episode": episode, "source": source, "path": path, "step": step}
    if is_done and not is_of_alert(episode, source, path):
        raise RuleViolation("This is not the runbook of the alert (any more)")
    if is_done and not has_step(source, path, step):
        raise RuleViolation("This step is not in the runbook any more: it was changed meanwhile")
    with transaction.atomic():
        if is_done:
            name = who.get_username()
            by = {"person": who.get_short_name() or name, "username": name, "at": database_now()}
            Tick.objects.get_or_create(**place, defaults=by)
        else:
            take_back(place, by=who.get_username())
        raise_topics([TOPIC])


def take_back(place: dict[str, Any], *, by: str) -> None:
    """Keeps the tick of that place as one that was taken back, in the caller's transaction; without one, nothing."""
    tick = Tick.objects.select_for_update().filter(**place).first()
    if tick is None:
        return
    UndoneTick.objects.create(
        **place, person=tick.person, username=tick.username, at=tick.at, undone_by=by, undone_at=database_now()
    )
    tick.delete()


def is_of_alert(episode: Episode, source: str, path: str) -> bool:
    """Whether the alert links it."""
    address = runbook_address(fleet_file_or_empty(), episode.runbook_url)
    return address is not None and (address.source, address.path) == (source, path)


def has_step(source: str, path: str, step: str) -> bool:
    """Whether the runbook has it."""
    runbook = Runbook.objects.filter(source=source, path=path).first()
    return runbook is not None and any(each.key == step for each in rendered(runbook).steps)


def place_of(episode: Episode) -> Place:
    """What scopes are about: the alert's environment and cluster, and the project of its Application."""
    found = application_of(episode.application)
    return Place(project=found.project if found else "", environment=episode.environment, cluster=episode.cluster)
