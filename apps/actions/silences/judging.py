"""What the silences that members told say of a request that nobody knows to have arrived: pure functions.

A silence carries its request's id in its comment. That it is there is told by any member; that it did not arrive only
by the member that was asked, once the call cannot arrive any more, in two looks, and only while nothing stands there
that could be it with another comment since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from apps.actions.judging import LATE_LOOK_AT, LOOKS_APART, UNANSWERED, Judgement, is_over
from apps.actions.models import ActionRequest
from apps.actions.states import Action, State
from apps.alerts.comments import request_named
from apps.alerts.matching import OPERATORS
from apps.core.matchers import LabelMatcher
from apps.integrations.alertmanager import Silence

from .makers import is_alike
from .reading import MemberTold
from .sending import done_words
from .wanted import Wanted, matchers_sent, wanted_of

REMEMBERED = timedelta(days=1)
"""An Alertmanager forgets what has expired, by default after five days: later a look proves nothing."""
SKEW, CHANGED_WITHIN = timedelta(minutes=1), timedelta(minutes=5)
EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was told when all members were asked. `asked_at` is the database's moment before that."""

    told: Sequence[MemberTold]
    asked_at: datetime
    deadline: timedelta


def silence_judged(request: ActionRequest, look: Look) -> Judgement:
    """Where the request goes, if anywhere; `made` of a silence that was found is `made_of`'s."""
    wanted = wanted_of(request)
    found = expired_judged(wanted, look) if request.action == Action.SILENCE_EXPIRE else _found(request, wanted, look)
    if found or not is_over(request, look.asked_at, look.deadline):
        return found or Judgement()
    asked = next((each for each in look.told if each.key == wanted.member and each.is_whole), None)
    if asked is None:
        kept = request.operation or {}
        return Judgement(operation={UNANSWERED: look.asked_at.isoformat(), **kept})
    if (first := _first_look(request, look)) is not None:
        return Judgement(operation=first)
    return _not_found(request, wanted, asked, look.asked_at)


def made_of(request: ActionRequest, look: Look) -> Silence | None:
    """The silence that carries the request's id and its matchers, if any member tells one: an id alone is anybody's."""
    wanted = wanted_of(request)
    told = (silence for member in look.told for silence in member.silences)
    named = (each for each in told if request_named(each.comment) == str(request.pk))
    return next((each for each in named if is_alike(wanted, labels_of(each))), None)


def labels_of(silence: Silence) -> list[LabelMatcher]:
    """The matchers of a silence as it was told."""
    return [LabelMatcher(each.name, OPERATORS[each.is_regex, each.is_equal], each.value) for each in silence.matchers]


def _found(request: ActionRequest, wanted: Wanted, look: Look) -> Judgement | None:
    made = made_of(request, look)
    if made is None:
        return None
    words = done_words(Action.SILENCE, msgspec.structs.replace(wanted, made=made.id))
    return Judgement(State.SUCCEEDED, f"{words}; it has ended since" if made.state == EXPIRED else words)


def expired_judged(wanted: Wanted, look: Look) -> Judgement | None:
    """Of one that was to be expired: that it is; None while it is not, or nobody knows it."""
    told = (silence for member in look.told for silence in member.silences)
    found = next((each for each in told if each.id == wanted.silence_id and each.state == EXPIRED), None)
    if found is None:
        return None
    if found.ends_at and wanted.ends_at and found.ends_at < wanted.ends_at:
        return Judgement(State.SUCCEEDED, "The silence was expired")
    return Judgement(State.NOT_KNOWN, "Not known whether it arrived: the silence has ended by itself")


def _first_look(request: ActionRequest, look: Look) -> dict[str, object] | None:
    """What to keep of a look after the call could arrive; None where an earlier one is long enough ago to conclude."""
    kept = request.operation or {}
    first = str(kept.get(LATE_LOOK_AT) or look.asked_at.isoformat())
    if look.asked_at - datetime.fromisoformat(first) >= LOOKS_APART:
        return None
    return {**{name: told for name, told in kept.items() if name != UNANSWERED}, LATE_LOOK_AT: first}


def _not_found(request: ActionRequest, wanted: Wanted, asked: MemberTold, asked_at: datetime) -> Judgement:
    sent_at = request.sent_at or request.state_at
    if request.action == Action.SILENCE_EXPIRE:
        is_there = any(each.id == wanted.silence_id for each in asked.silences)
        gone = Judgement(State.NOT_KNOWN, "Not known whether it arrived: the Alertmanager has forgotten this silence")
        return Judgement(State.NOT_STARTED, "It did not arrive: the silence goes on") if is_there else gone
    if asked.started_at and asked.started_at > sent_at - SKEW:
        return Judgement(
            State.NOT_KNOWN,
            "Not known whether it arrived: no such silence is there, but the Alertmanager was started anew since",
        )
    if asked_at - sent_at > REMEMBERED:
        return Judgement(State.NOT_KNOWN, "Not known whether it arrived: nobody could look for too long")
    if any(_may_be_it(each, wanted, sent_at) for each in asked.silences):
        return Judgement(
            State.NOT_KNOWN, "Not known whether it arrived: a silence that could be it says otherwise since"
        )
    return Judgement(State.NOT_STARTED, "It did not arrive: no silence carries its id")


def _may_be_it(silence: Silence, wanted: Wanted, sent_at: datetime) -> bool:
    """Whether somebody may have changed it since: the one that was to be changed, or one with the same matchers."""
    if silence.id == wanted.silence_id:
        return silence.updated_at != wanted.updated_at
    told = {(each.name, each.value, each.is_regex, each.is_equal) for each in silence.matchers}
    alike = {(each.name, each.value, each.is_regex, each.is_equal) for each in matchers_sent(wanted.labels)} <= told
    return alike and silence.updated_at is not None and silence.updated_at > sent_at - CHANGED_WITHIN
