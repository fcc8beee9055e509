"""All that was asked for, as the list and its files show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_date

from apps.core.exports import LINK, MOST_READ, MOST_ROWS, Columns
from apps.core.lists import Asked, short

from .audit import line_as_json, subject_of
from .models import ActionRequest, ActionRequestQuerySet, AuditLine
from .states import Action, State

PLAIN = (
    "created_at",
    "username",
    "role",
    "address",
    "action",
    "subject",
    "project",
    "environment",
    "cluster",
    "options",
    "reason",
    "ticket",
    "policy",
    "approver",
    "approved_at",
    "sent_at",
    "revision_seen",
    "revision_sent",
    "state",
    "outcome",
    "answer",
    "ended_at",
)
MADE: Mapping[str, Callable[[ActionRequest], object]] = {
    "application": subject_of,
    "guards": lambda request: [f"{each['guard']}: {each['answer']}" for each in request.guards],
    "part of": lambda request: str(request.parent_id or ""),
    LINK: lambda request: request.get_absolute_url(),
}
SEARCHED = ("subject", "username", "reason", "ticket", "outcome", "answer", "approver")
CHUNK = 500
MOST_BYTES = 32 * 1024 * 1024
"""Of a file of the audit log; its lines are ASCII."""
NOT_IN_ROWS = ("guards", "operation")
OUTCOMES: Mapping[str, tuple[str, frozenset[State]]] = {
    "under-way": ("under way", frozenset(state for state in State if not state.is_final)),
    "well": ("went well", frozenset({State.SUCCEEDED})),
    "not-well": ("needs a look", frozenset(state for state in State if state.is_final and state.tone.needs_somebody)),
}


@dataclass(frozen=True)
class RequestsAsked:
    """What the address asks for; empty fields ask for nothing. `since` and `until` are whole days, in UTC."""

    part: str = ""
    person: str = ""
    application: str = ""
    clusters: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    outcome: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out beside the steps of what has many."""
        return bool(self.finds_steps or self.actions or self.states or self.outcome or self.since or self.until)

    @property
    def is_special(self) -> bool:
        """Whether it uses one of the filters that are folded away."""
        return bool(self.states or self.since or self.until)

    @property
    def finds_steps(self) -> bool:
        """Whether the steps of a bulk are listed one by one, as somebody looks for one Application, person or text."""
        return bool(self.part or self.person or self.application or self.clusters)

    def kept(self) -> ActionRequestQuerySet:
        """Those that fit, newest first."""
        rows = ActionRequest.objects.filter(self._texts(), self._words(), in_days("created_at", self.since, self.until))
        if not self.finds_steps:
            rows = rows.filter(parent=None)
        return rows.order_by("-created_at", "-position", "pk")

    def _texts(self) -> Q:
        fits = Q()
        for word in self.part.split():
            fits &= Q(*[(f"{field}__icontains", word) for field in SEARCHED], _connector=Q.OR)
        if self.person:
            fits &= Q(username__icontains=self.person) | Q(approver__icontains=self.person)
        return fits & Q(name__icontains=self.application) if self.application else fits

    def _words(self) -> Q:
        fits = Q()
        for field, words in (("cluster", self.clusters), ("action", self.actions), ("state", self.states)):
            if words:
                fits &= Q(**{f"{field}__in": words})
        return fits & Q(state__in=OUTCOMES[self.outcome][1]) if self.outcome else fits


def in_days(field: str, since: date | None, until: date | None) -> Q:
    """From the beginning of the one day to the end of the other, in UTC."""
    fits = Q()
    if since:
        fits &= Q(**{f"{field}__gte": midnight(since)})
    if until:
        fits &= Q(**{f"{field}__lt": midnight(until) + timedelta(days=1)})
    return fits


def midnight(day: date) -> datetime:
    """The beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def requests_asked(asked: Asked, clusters: Iterable[str]) -> RequestsAsked:
    """Reads the address; `clusters` are those that can be asked for."""
    return RequestsAsked(
        part=asked.text("q"),
        person=asked.text("person", limit=150),
        application=asked.text("application", limit=253),
        clusters=asked.choices("cluster", clusters),
        actions=asked.choices("action", Action.values),
        states=asked.choices("state", State.values),
        outcome=asked.choice("outcome", OUTCOMES),
        since=day_asked(asked, "since"),
        until=day_asked(asked, "until"),
    )


def day_asked(asked: Asked, name: str) -> date | None:
    """The day in the address; None where there is none that can be."""
    told = asked.text(name, limit=20)
    try:
        day = parse_date(told) if told else None
    except ValueError:
        day = None
    if told and (day is None or not 2000 <= day.year < 9000):
        asked.problems.append(f"“{short(told)}” is not a day like 2026-11-24: it is left out.")
        return None
    return day


def clusters_known() -> list[str]:
    """The clusters of all that was asked for. One query."""
    return sorted(ActionRequest.objects.exclude(cluster="").order_by().values_list("cluster", flat=True).distinct())


def requests_listed(asked: Asked) -> dict[str, Any]:
    """What the list's template shows of what the address asks for. Three queries."""
    clusters = clusters_known()
    told = requests_asked(asked, clusters)
    rows = told.kept()
    page = asked.page(rows.order_by().count())
    return {
        "title": "Actions",
        "asked": told,
        "rows": rows.defer(*NOT_IN_ROWS)[page.rows],
        "page": page,
        "clusters": clusters,
        "actions": dict(Action.choices),
        "states": dict(State.choices),
        "outcomes": {word: words for word, (words, _) in OUTCOMES.items()},
        "chosen_outcome": (told.outcome,) if told.outcome else (),
        "problems": asked.problems,
    }


def requests_asked_of(asked: Asked) -> RequestsAsked:
    """What an address asks for, for a file. One query."""
    return requests_asked(asked, clusters_known())


def columns() -> Columns[ActionRequest]:
    """Title → value of a request, for a file."""
    return {"request": lambda request: str(request.pk), **dict(map(_column, PLAIN)), **MADE}


def _column(name: str) -> tuple[str, Callable[[ActionRequest], object]]:
    return name, lambda request: getattr(request, name)


def rows_for_file(told: RequestsAsked) -> Iterator[ActionRequest]:
    """The requests that fit, for a file, read a part at a time without what no column shows."""
    return told.kept().defer("operation")[:MOST_READ].iterator(chunk_size=CHUNK)


def audit_text(told: RequestsAsked) -> tuple[str, int]:
    """The audit log about the requests that fit, the whole of it where nothing narrows, as JSON Lines, oldest first.

    And after how many lines it was cut, for their number or for MOST_BYTES; 0 where it is whole. Days are the lines'
    own.
    """
    lines = AuditLine.objects.filter(in_days("at", told.since, told.until))
    named = replace(told, since=None, until=None)
    if named.is_narrow:
        lines = lines.filter(request__in=named.kept().order_by().values("pk"))
    kept: list[str] = []
    left = MOST_BYTES
    for line in lines.order_by("pk")[:MOST_READ].iterator(chunk_size=CHUNK):
        text = f"{line_as_json(line)}\n"
        left -= len(text)
        if len(kept) == MOST_ROWS or left < 0:
            return "".join(kept), len(kept)
        kept.append(text)
    return "".join(kept), 0
