"""A request of the browser, read as what a person asks of a silence."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, QueryDict

from apps.actions.asking import request_id_told, text_told, who_asks
from apps.actions.case import Who
from apps.actions.states import Action
from apps.alerts.models import Episode, Silence
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile

from .form import Form, end_read, form_read
from .preflight import SilenceAsk
from .preview import hidden_by
from .wanted import Wanted, is_observatorium, matchers_kept, told_matchers

NOT_ASKED_YET = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came: the form as it is shown again, what it asks for, and what it is about, if that is there."""

    form: Form
    ask: SilenceAsk
    old: Silence | None = None
    episode: Episode | None = None


def silence_asked(request: HttpRequest) -> Asked:
    """What the address proposes, or the form asks for. Raises RuleViolation for what cannot be read at all."""
    told, fleet = request.POST if request.method == "POST" else request.GET, fleet_file_in_force()
    old, episode = silence_told(told), episode_told(told)
    form = form_read(told, fleet, old=old, episode=episode)
    groups = groups_of(fleet)
    if form.alertmanager and form.alertmanager not in groups:
        raise RuleViolation(f"There is no Alertmanager {clean(form.alertmanager, 100)} in the fleet file")
    group = form.alertmanager or nearest(groups, form)
    wanted = wanted_by(form, group, fleet, old)
    ask = ask_of(request, told, form, wanted, who_asks(request), old)
    return Asked(form=form, ask=ask, old=old, episode=episode)


def groups_of(fleet: FleetFile) -> list[str]:
    """The Alertmanagers of the fleet file, by the names of their groups."""
    tenants = [tenant.name for tenant in fleet.observatorium if tenant.alerts]
    return [*(group.name for group in fleet.alertmanagers), *tenants]


def nearest(groups: list[str], form: Form) -> str:
    """The group of which the matchers hide most; where none is meant the first."""
    if not groups:
        raise RuleViolation("The fleet file names no Alertmanager")
    counts = {group: len(hidden_by(group, form.matchers)) if form.matchers else 0 for group in groups}
    return max(groups, key=lambda group: counts[group])


def wanted_by(form: Form, group: str, fleet: FleetFile, old: Silence | None) -> Wanted:
    """What the form asks for."""
    now = database_now()
    if form.action is Action.SILENCE_EXPIRE and old is not None:
        kept = matchers_kept(old, is_observatorium=is_observatorium(fleet, group))
        return Wanted(
            alertmanager=group,
            matchers=told_matchers(kept),
            starts_at=old.starts_at,
            ends_at=old.ends_at,
            silence_id=old.silence_id,
        )
    return Wanted(
        alertmanager=group,
        matchers=told_matchers(form.matchers),
        starts_at=old.starts_at if old else now,
        ends_at=end_read(form, now, old),
        silence_id=old.silence_id if old else "",
        annotations=old.annotations if old else {},
    )


def ask_of(
    request: HttpRequest, told: QueryDict, form: Form, wanted: Wanted, who: Who, old: Silence | None
) -> SilenceAsk:
    """With what the person gave. The same form with the same content is the same request."""
    said = (form.action.value, wanted.alertmanager, wanted.silence_id, wanted.line, form.length, form.until)
    is_sent = request.method == "POST"
    if is_sent and not (form.length or form.until) and form.action is not Action.SILENCE_EXPIRE:
        raise RuleViolation("Say for how long")
    reason = text_told(told, "reason", 500)
    if not is_sent and old is not None and form.action is Action.SILENCE_EDIT:
        reason = reason or clean(old.reason, 500)
    return SilenceAsk(
        request_id=request_id_told(told, *said) if is_sent else NOT_ASKED_YET,
        action=form.action,
        wanted=wanted,
        who=who,
        reason=reason,
        ticket=text_told(told, "ticket", 100),
        typed_name=text_told(told, "typed_name", 300),
        shown=text_told(told, "shown", 64),
        problems=form.problems,
    )


def silence_told(told: QueryDict) -> Silence | None:
    """The silence that the form is about; None where it is about none. Raises RuleViolation where it is not there."""
    named = told.get("silence", "")
    if not named:
        return None
    group, _, key = named.partition("/")
    found = Silence.objects.filter(alertmanager=group, silence_id=key).first()
    if found is None:
        raise RuleViolation("There is no such silence any more")
    return found


def episode_told(told: QueryDict) -> Episode | None:
    """The alert that the form is about, as it fired last. Raises RuleViolation where the portal knows none."""
    named = told.get("alert", "")
    if not named:
        return None
    group, _, fingerprint = named.partition("/")
    found = Episode.objects.filter(alertmanager=group, fingerprint=fingerprint).order_by("-began_at", "-pk").first()
    if found is None:
        raise RuleViolation("There is no such alert")
    return found
