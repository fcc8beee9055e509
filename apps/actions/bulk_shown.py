"""A bulk before it is written: what of it goes, wave by wave, and what speaks against each."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, QueryDict

from apps.core.errors import RuleViolation
from apps.core.lists import Asked
from apps.fleet.overlay import Overlay
from apps.gitops.listing import applications_chosen
from apps.gitops.models import Application

from .asking import options_told, request_id_told, shown_with, text_told, who_asks
from .bulk_preflight import BulkAsk, BulkPreflight, Spoken
from .case import Answer, Finding
from .evidence import some_of
from .models import ActionRequest
from .preflight import Preflight
from .preflight_shown import flags_of
from .showing import GuardLine, guard_lines

MOST_ASKED = 1000


@dataclass(frozen=True)
class SpokenLine:
    """What a guard says of several members: the line, and of whom."""

    line: GuardLine
    count: int
    names: str


@dataclass(frozen=True)
class MemberRow:
    """One Application of a wave, and the first that speaks about it and not about all of them."""

    member: Preflight
    finding: Finding | None


@dataclass(frozen=True)
class WaveRows:
    """One wave as rows."""

    number: int
    words: str
    rows: Sequence[MemberRow]


def bulk_asked(request: HttpRequest, overlay: Overlay) -> BulkAsk:
    """What the address and, of a POST, the form ask for. Raises RuleViolation where the address asks what cannot be.

    The Applications are those of the list with the same filters: found anew, and held against what the person saw.
    """
    told = request.POST
    options = options_told(told if request.method == "POST" else request.GET)
    return BulkAsk(
        request_id=bulk_id(told) if request.method == "POST" else uuid4(),
        who=who_asks(request),
        applications=tuple(applications_meant(request.GET, overlay)),
        options=options,
        digest=text_told(told, "digest", 64),
        reason=text_told(told, "reason", 500),
        ticket=text_told(told, "ticket", 100),
        typed_name=text_told(told, "typed_name", 253),
        is_confirmed=told.get("shown", "") == shown_with(options),
    )


def bulk_id(told: QueryDict) -> UUID:
    """The request's id, that the form names."""
    return request_id_told(told, "bulk")


def applications_meant(query: QueryDict, overlay: Overlay) -> Iterable[Application]:
    """The Applications that the list shows with these filters, on all of its pages."""
    asked = Asked(query)
    chosen = applications_chosen(asked, overlay).in_order[: MOST_ASKED + 1]
    if asked.problems:
        raise RuleViolation(" ".join(["More than was meant would be synced.", *asked.problems]))
    if len(chosen) > MOST_ASKED:
        raise RuleViolation(f"More than {MOST_ASKED} Applications fit: narrow the filters")
    return chosen


def bulk_shown(ask: BulkAsk, found: BulkPreflight, written: ActionRequest | None = None) -> dict[str, Any]:
    """What the page's template shows."""
    return {
        "title": "Bulk resync",
        "ask": ask,
        "found": found,
        "written": written,
        "is_changed": bool(ask.digest) and found.has_changed,
        "spoken": spoken_lines(found.spoken),
        "flags": flags_of(ask.options),
        "shown": shown_with(ask.options),
        "waves": waves_shown(found),
        "clusters": len({member.case.application.cluster for member in found.going}),
        "counts": {answer: count for answer, count in found.counts.items() if count and answer is not Answer.PASS},
    }


def waves_shown(found: BulkPreflight) -> list[WaveRows]:
    """The waves; what is said of every member stands above them, once."""
    of_all = {each.finding.words for each in found.spoken if each.count == len(found.members)}
    return [
        WaveRows(wave.number, wave.words, [member_row(member, of_all) for member in wave.members])
        for wave in found.waves
    ]


def member_row(member: Preflight, of_all: Container[str]) -> MemberRow:
    """With the first finding that is not said of all."""
    own = (finding for finding in member.spoken if finding.words not in of_all)
    return MemberRow(member, next(own, None))


def spoken_lines(spoken: Iterable[Spoken]) -> list[SpokenLine]:
    """One line for what a guard says, also where it has other words for each: those stand with each below."""
    alike: dict[tuple[str, Answer], list[Spoken]] = {}
    for each in spoken:
        alike.setdefault((each.finding.guard, each.finding.answer), []).append(each)
    return [spoken_line(together) for together in alike.values()]


def spoken_line(alike: Sequence[Spoken]) -> SpokenLine:
    """With the first few names of those it is said of."""
    first, names = alike[0].finding, [name for each in alike for name in each.names]
    told = (
        first
        if len(alike) == 1
        else replace(first, words="for each another reason, told below; the first: " + first.words)
    )
    [line] = guard_lines([told])
    return SpokenLine(line, len(names), some_of(names))
