"""Freezes as their page shows them, and its form read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from apps.core.ages import first_after
from apps.core.clock import database_now
from apps.core.errors import RuleViolation
from apps.core.live import CHANGES_AT
from apps.fleet.overlay import Overlay
from apps.sources.fleetfile import FleetFileInvalid, fleet_file_in_force
from apps.sources.fleetfile.policies import PolicyAction

from .asking import SEPARATOR, request_id_told, text_told
from .case import Who
from .freeze_rules import freeze_rules
from .freezes import freeze_begin, freeze_end, freeze_values, freezes_on, place_of
from .models import ActionRequest, Freeze
from .states import Action

MOST_PAST = 50
LENGTHS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("1 h", timedelta(hours=1)),
    "2h": ("2 h", timedelta(hours=2)),
    "4h": ("4 h", timedelta(hours=4)),
    "8h": ("8 h", timedelta(hours=8)),
    "24h": ("24 h", timedelta(hours=24)),
    "3d": ("3 d", timedelta(days=3)),
    "7d": ("7 d", timedelta(days=7)),
}
USUAL = "2h"


@dataclass(frozen=True)
class FreezeRow:
    """A freeze that is in force; `wants_reason`: a policy wants one for its end."""

    freeze: Freeze
    wants_reason: bool


def freezes_shown(overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows. Six queries, and one for each freeze of a cluster where policies speak of it."""
    on = freezes_on(overlay.now)
    return {
        "title": "Freezes",
        CHANGES_AT: first_after(overlay.now, (freeze.ends_at for freeze in on)),
        "on": [FreezeRow(freeze, ending_wants_reason(freeze)) for freeze in on],
        "past": Freeze.objects.filter(ends_at__lte=overlay.now).order_by("-ends_at")[:MOST_PAST],
        "choices": {scope: freeze_values(scope) for scope in Freeze.Scope if scope != Freeze.Scope.EVERYTHING},
        "lengths": {word: words for word, (words, _) in LENGTHS.items()},
        "usual": USUAL,
    }


def ending_wants_reason(freeze: Freeze) -> bool:
    """Whether a policy wants a reason for ending it; without a fleet file in force none does."""
    try:
        fleet = fleet_file_in_force()
    except FleetFileInvalid:
        return False
    if not any(PolicyAction.UNFREEZE in policy.match.actions for policy in fleet.policies):
        return False
    return freeze_rules(fleet, action=Action.UNFREEZE, place=place_of(freeze)).wants_reason


def freeze_posted(told: QueryDict, who: Who) -> ActionRequest:
    """Begins the freeze, or ends the one, that the form names. Raises RuleViolation where that cannot be."""
    word, _, key = told.get("do", "").partition(SEPARATOR)
    if word == "unfreeze":
        freeze = Freeze.objects.filter(pk=key).first() if key.isascii() and key.isdigit() else None
        if freeze is None:
            raise RuleViolation("There is no such freeze")
        why = text_told(told, f"why-{key}", 500)
        return freeze_end(who=who, freeze=freeze, request_id=request_id_told(told, "unfreeze", key), reason=why)
    if word != "freeze":
        raise RuleViolation("There is no such action")
    scope, _, value = told.get("what", "").partition(SEPARATOR)
    reason, length, until = (text_told(told, name, 500) for name in ("reason", "length", "until"))
    return freeze_begin(
        who=who,
        scope=scope,
        value=value,
        reason=reason,
        ends_at=end_told(length, until),
        request_id=request_id_told(told, "freeze", scope, value, reason, length, until),
    )


def end_told(length: str, until: str) -> datetime:
    """The moment that was typed (in UTC where it names no zone), else the end of the length that was chosen."""
    if until:
        try:
            moment = parse_datetime(until)
        except ValueError:
            moment = None
        if moment is None:
            raise RuleViolation("The end is not a moment like 2026-11-24T22:57")
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if length not in LENGTHS:
        raise RuleViolation("Say when it ends")
    return database_now() + LENGTHS[length][1]
