"""Freezes: nothing is sent by this portal within their scope until they end. Beginning and ending one are requests too.

Argo CD's own auto-sync goes on (decision 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.access import Verb, refusal_of, role_at
from apps.accounts.models import Role
from apps.accounts.scopes import Place
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.fleet.models import Cluster
from apps.gitops.models import Application, Project
from apps.sources.fleetfile import FleetFile
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.timeline.services import transitions_note

from .audit import audit_note, confirmation_told, session_fingerprint
from .built_in import is_production, production_of
from .case import Rules, Who, is_sign_in_fresh
from .freeze_rules import freeze_refusal, freeze_rules
from .models import ActionRequest, Freeze
from .states import Action, State
from .telling import line_of

LONGEST = timedelta(days=7)
LONGEST_REASON = 500
TOPIC = "freezes"


class SignInTooOld(RuleViolation):
    """A policy wants the person to have signed in lately."""


def freezes_on(now: datetime) -> list[Freeze]:
    """Those that hold at this moment, the first to end first. One query."""
    return list(Freeze.objects.filter(began_at__lte=now, ends_at__gt=now).order_by("ends_at", "pk"))


def freezes_covering(freezes: Iterable[Freeze], thing: Any, fleet: FleetFile) -> list[Freeze]:
    """Those that hold what has this `environment`, `cluster` and `project` (an Application, a request).

    One of production holds all that counts as production: also what lies in no environment of the fleet file.
    """
    strict = is_production(fleet, thing.environment)
    production = (Freeze.Scope.ENVIRONMENT, production_of(fleet))
    return [each for each in freezes if each.covers(thing) or (strict and (each.scope, each.value) == production)]


def freeze_values(scope: str) -> list[str]:
    """The names that a freeze of that scope can be about, sorted; none for everything."""
    if scope == Freeze.Scope.CLUSTER:
        names = set(Cluster.objects.current().values_list("name", flat=True))
    elif scope == Freeze.Scope.PROJECT:
        names = set(Project.objects.values_list("name", flat=True))
    elif scope == Freeze.Scope.ENVIRONMENT:
        names = set(Cluster.objects.current().values_list("environment", flat=True))
        names |= set(Application.objects.values_list("environment", flat=True).distinct())
    else:
        names = set()
    return sorted(names - {""})


def freeze_begin(
    *, who: Who, scope: str, value: str, reason: str, ends_at: datetime, request_id: UUID
) -> ActionRequest:
    """Freezes everything, or the environment, cluster or project `value`, from now until `ends_at` (aware).

    The same id again is the same request. Raises RuleViolation, in words for the person: they may not (which the audit
    log then knows), there is no such thing, no reason, or an end that is past or more than LONGEST ahead;
    SignInTooOld where a policy wants a fresh one.
    """
    if kept := ActionRequest.objects.filter(pk=request_id).first():
        return kept
    now = database_now()
    reason, ends_at = clean(reason.strip()), ends_at.astimezone(UTC)
    freeze = Freeze(scope=scope, value=value, reason=reason, by=who.username, began_at=now, ends_at=ends_at)
    check_form(freeze)
    place = place_of(freeze)
    check_person(who, Action.FREEZE, freeze, place, begin_refusal(who, freeze, place))
    return once(request_id, lambda: begin(who, freeze, place, request_id))


def freeze_end(*, who: Who, freeze: Freeze, request_id: UUID, reason: str = "") -> ActionRequest:
    """Ends a freeze before its time: whoever began it may, and who may end those of others there.

    The same id again is the same request. Raises RuleViolation where the person may not (which the audit log then
    knows), where a policy wants a reason, and where the freeze has ended already; SignInTooOld where a policy wants a
    fresh sign-in.
    """
    if kept := ActionRequest.objects.filter(pk=request_id).first():
        return kept
    place = place_of(freeze)
    verb = Verb.FREEZE if freeze.by == who.username else Verb.UNFREEZE
    rules = check_person(who, Action.UNFREEZE, freeze, place, refusal_of(who.user, verb, place))
    reason = clean(reason.strip()[:LONGEST_REASON])
    if rules.wants_reason and not reason:
        raise RuleViolation("Say why it ends: the policy wants a reason")
    return once(request_id, lambda: end(who, freeze, place, request_id, reason))


def check_person(who: Who, action: Action, freeze: Freeze, place: Place, refused: str) -> Rules:
    """The rules; raises RuleViolation where role, scope (`refused`) or a policy keep it from them, SignInTooOld."""
    rules = freeze_rules(fleet_file_in_force(), action=action, place=place)
    if refused := refused or freeze_refusal(who, rules, place):
        refuse(who, action, freeze, refused)
    if not is_sign_in_fresh(rules, who, database_now()):
        raise SignInTooOld(f"The policy {rules.policy} wants a fresh sign-in")
    return rules


def check_form(freeze: Freeze) -> None:
    """Raises RuleViolation for what the person has to mend before it is a freeze."""
    if freeze.scope not in Freeze.Scope.values:
        raise RuleViolation("Say what is to be frozen: everything, an environment, a cluster or a project")
    if freeze.scope == Freeze.Scope.EVERYTHING and freeze.value:
        raise RuleViolation(f"Everything is to be frozen, or {freeze.value} alone? Choose one")
    if freeze.scope != Freeze.Scope.EVERYTHING and freeze.value not in freeze_values(freeze.scope):
        raise RuleViolation(f"There is no {freeze.scope} {clean(freeze.value, 100)}".rstrip())
    if not freeze.reason:
        raise RuleViolation("Say why, so that others know what they wait for")
    if len(freeze.reason) > LONGEST_REASON:
        raise RuleViolation(f"The reason is too long: at most {LONGEST_REASON} characters")
    if freeze.ends_at <= freeze.began_at:
        raise RuleViolation("The end lies in the past")
    if freeze.ends_at - freeze.began_at > LONGEST:
        raise RuleViolation(f"A freeze ends after {LONGEST.days} days at the latest: begin a new one then")


def begin_refusal(who: Who, freeze: Freeze, place: Place) -> str:
    """Why this person may not begin it; "" where they may."""
    is_everything = freeze.scope == Freeze.Scope.EVERYTHING
    role = role_at(who.user, place) or who.role
    if is_everything and role is not None and role.rank < Role.APPROVER.rank:
        return "Everything is frozen by an approver or an admin: freeze an environment, a cluster or a project"
    return refusal_of(who.user, Verb.FREEZE, place)


def place_of(freeze: Freeze) -> Place:
    """What it is about as access takes it; a cluster lies in its environment."""
    if freeze.scope != Freeze.Scope.CLUSTER:
        return Place(**({freeze.scope: freeze.value} if freeze.value else {}))
    known = Cluster.objects.filter(name=freeze.value).values_list("environment", flat=True).first()
    return Place(cluster=freeze.value, environment=known or "")


def refuse(who: Who, action: Action, freeze: Freeze, words: str) -> None:
    """Writes the attempt down, and raises RuleViolation."""
    what = {
        "person": who.username,
        "role": who.role or "",
        "session": session_fingerprint(who.session),
        **confirmation_told(who),
        "address": who.address,
        "action": action,
        "subject": freeze.words,
        "reason": freeze.reason,
    }
    with transaction.atomic():
        audit_note(event=State.REFUSED, who=who.username, words=words, what=what)
    raise RuleViolation(words)


def once(request_id: UUID, write: Callable[[], ActionRequest]) -> ActionRequest:
    """What `write` wrote in one transaction, or what another with the same id wrote at the same moment."""
    try:
        with transaction.atomic():
            return write()
    except IntegrityError:
        return ActionRequest.objects.get(pk=request_id)


def begin(who: Who, freeze: Freeze, place: Place, request_id: UUID) -> ActionRequest:
    """The freeze, its request, and what tells of both."""
    until = f"{freeze.ends_at:%Y-%m-%d %H:%M} UTC"
    freeze.save()
    told = {"id": request_id, "outcome": f"Frozen until {until}", "reason": freeze.reason}
    request = request_written(who, Action.FREEZE, freeze, place, **told)
    tell(request, who, freeze, words=f"frozen until {until}: {freeze.reason}", tone=Tone.HELD)
    return request


def end(who: Who, freeze: Freeze, place: Place, request_id: UUID, reason: str = "") -> ActionRequest:
    """The end of the freeze, its request, and what tells of both. Raises RuleViolation where it has ended."""
    now = database_now()
    on = Freeze.objects.filter(pk=freeze.pk, ends_at__gt=now)
    if not on.update(ends_at=now, ended_by=who.username):
        if kept := ActionRequest.objects.filter(pk=request_id).first():  # written while this one waited for the row
            return kept
        raise RuleViolation("This freeze has ended already")
    freeze.ends_at, freeze.ended_by = now, who.username
    told = {"id": request_id, "outcome": "No longer frozen", "reason": reason}
    request = request_written(who, Action.UNFREEZE, freeze, place, **told)
    words = f"no longer frozen: {reason}" if reason else "no longer frozen"
    tell(request, who, freeze, words=words, tone=Tone.WELL)
    return request


def request_written(who: Who, action: Action, freeze: Freeze, place: Place, **columns: Any) -> ActionRequest:
    """Its request, which has ended as soon as it is there."""
    now = freeze.began_at if action == Action.FREEZE else freeze.ends_at
    request = ActionRequest(
        action=action,
        project=place.project,
        environment=place.environment,
        cluster=place.cluster,
        subject=freeze.words,
        state=State.SUCCEEDED,
        created_at=now,
        approved_at=now,
        state_at=now,
        ended_at=now,
        **who.columns,
        **columns,
    )
    request.save(force_insert=True)
    return request


def tell(request: ActionRequest, who: Who, freeze: Freeze, *, words: str, tone: Tone) -> None:
    """The audit log, the timeline, and the pages that show it."""
    now = request.state_at
    session = {"session": session_fingerprint(who.session), **confirmation_told(who)}
    what = {**session, "freeze": freeze.pk, "ends_at": freeze.ends_at.isoformat()}
    audit_note(event=request.action, who=who.username, request=request, words=words, what=what)
    transitions_note([line_of(request, words=words, tone=tone.value, at=now)])
    raise_topics([request.topic, "actions", TOPIC])
