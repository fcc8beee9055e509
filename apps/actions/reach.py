"""Whether all that a request touches lies where a person's role counts."""

from __future__ import annotations

from collections import defaultdict

from apps.accounts.access import Verb, granted_words, outside_of, refusal_of
from apps.core.text import counted

from .case import Who
from .evidence import some_of
from .models import ActionRequest
from .standing import LEFT_OUT
from .states import Action


def reach_refusal(who: Who, verb: Verb, request: ActionRequest) -> str:
    """Why the person may not do this with the request, in words; "" where they may.

    A bulk is where its steps are that have not ended: each has to lie within the person's scope, and those that lie
    outside are named.
    """
    if request.action != Action.BULK_SYNC:
        return refusal_of(who.user, verb, request)
    if refused := refusal_of(who.user, verb):
        return refused
    outside = defaultdict[str, list[str]](list)
    steps = request.steps.exclude(wave=LEFT_OUT).filter(ended_at=None).order_by("wave", "position")
    for step in steps.only("name", "project", "environment", "cluster"):
        if missed := outside_of(who.user, verb, step):
            outside[missed].append(step.name)
    if not outside:
        return ""
    count = counted(sum(map(len, outside.values())), "step")
    named = "; ".join(f"{missed} ({some_of(names)})" for missed, names in outside.items())
    return f"You are {granted_words(who.user, verb)}: outside of that it has {count}, {named}"
