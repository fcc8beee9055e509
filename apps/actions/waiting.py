"""How long a request may wait for its approval, and for being sent."""

from __future__ import annotations

from datetime import timedelta

from apps.core.ages import duration_words
from apps.core.clock import database_now
from apps.sources.fleetfile.schema import FleetFile

from .case import Rules
from .models import ActionRequest
from .options import options_of
from .policies import rules_for, rules_for_bulk
from .states import Action
from .stepping import applications_of

SENT_WITHIN = timedelta(minutes=2)
"""From its approval on (or from asking, of a step from its turn): later nobody expects it any more."""


def late_words(request: ActionRequest) -> str:
    """Why an approved request is not sent any more; "" while it may be. One query."""
    waited = database_now() - request.state_at
    if waited <= SENT_WITHIN:
        return ""
    return f"Nothing was sent: it waited for {duration_words(waited)}; ask again"


def unapproved_words(fleet: FleetFile, request: ActionRequest) -> str:
    """Why a request that waits for its approval cannot be approved any more; "" while it can."""
    within = approval_within(fleet, request)
    if database_now() - request.created_at <= within:
        return ""
    return f"Nobody approved it within {int(within.total_seconds() // 60)} min"


def approval_within(fleet: FleetFile, request: ActionRequest) -> timedelta:
    """How long the policies let it wait for that; of what is gone, as long as others."""
    action, options = Action(request.action), options_of(request.options)
    of = list(request.steps.all()) if action is Action.BULK_SYNC else [request]
    rows = list(applications_of(of).values())
    if not rows:
        return Rules(policy="").approval_within
    if action is Action.BULK_SYNC:
        return rules_for_bulk(fleet, applications=rows, options=options).approval_within
    return rules_for(fleet, action=action, application=rows[0], options=options).approval_within
