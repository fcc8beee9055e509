"""Handovers as their pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from apps.core.lists import Asked
from apps.core.markdown import markdown_safe
from apps.notes.showing import incident_url
from apps.notes.things import address_of
from apps.timeline.models import Kind
from apps.timeline.steps import Window

from .facts import grouped
from .models import Handover
from .texts import without_marks
from .values import Facts, Matter, Said
from .words import (
    besides_words,
    gap_words,
    listed,
    lost_rows,
    moment_words,
    more_words,
    names_words,
    nothing_open_words,
    open_word,
    said_words,
    span_words,
    state_words,
    untouched_words,
    when_words,
)

NO_CLUSTER = "No cluster"


@dataclass(frozen=True)
class MatterShown:
    """A matter as a line of a panel."""

    matter: Matter
    window: Window
    is_open: bool

    @property
    def names(self) -> str:
        """What it is called."""
        return names_words(self.matter)

    @property
    def when(self) -> str:
        """Since when, or from when to when."""
        return when_words(self.matter, self.window, is_open=self.is_open)

    @property
    def url(self) -> str:
        """The portal's page about it; of several alerts alike the list of them."""
        matter = self.matter
        if matter.kind == Kind.ALERT and matter.alike > 1 and self.is_open:
            asked = {"q": matter.titles[0], "environment": "all", **({"cluster": matter.place} if matter.place else {})}
            return f"{reverse('alerts:alert-list')}?{urlencode(asked)}"
        return address_of(matter.kind, matter.subject)

    @property
    def said(self) -> list[tuple[str, str]]:
        """Who said what of it: (who and when, the text)."""
        matter = self.matter
        told = [*([matter.acknowledged] if matter.acknowledged else []), *matter.notes]
        return [(said_words(each, self.window), each.text) for each in told]


@dataclass(frozen=True)
class FactsShown:
    """A span's facts as the page's panels show them."""

    facts: Facts

    @property
    def state(self) -> str:
        """How much of everything."""
        return state_words(self.facts)

    @property
    def open_title(self) -> str:
        """How what is open is called."""
        return open_word(self.facts).capitalize()

    @property
    def nothing_open(self) -> str:
        """What is said where nothing is open."""
        return nothing_open_words(self.facts)

    @property
    def more_open(self) -> str:
        """What of it is not shown."""
        return more_words(self.facts.more_open) if self.facts.more_open else ""

    @property
    def besides(self) -> str:
        """What is not known, and what is quiet."""
        return besides_words(self.facts)

    @cached_property
    def open(self) -> Mapping[str, list[MatterShown]]:
        """What is open, by cluster."""
        return self._by_place(self.facts.open_matters, is_open=True)

    @cached_property
    def ended(self) -> Mapping[str, list[MatterShown]]:
        """What is over, by cluster."""
        return self._by_place(self.facts.ended_matters, is_open=False)

    @property
    def holds(self) -> list[tuple[Any, str]]:
        """Freezes and silences, each with until when."""
        return [(hold, moment_words(hold.ends_at, self.facts.window)) for hold in self.facts.holds]

    @property
    def deeds(self) -> list[tuple[Any, str]]:
        """What somebody did, each with when."""
        return [(deed, moment_words(deed.at, self.facts.window)) for deed in self.facts.deeds]

    @property
    def notes(self) -> list[tuple[Said, str, str]]:
        """What was said of other things, each with who and when, and the thing's page."""
        window = self.facts.window
        return [(said, said_words(said, window), address_of(said.kind, said.subject)) for said in self.facts.notes]

    @property
    def lost(self) -> list[tuple[str, str]]:
        """Time lost: clusters, and how much."""
        return [(listed(clusters), words) for clusters, words in lost_rows(self.facts)]

    @property
    def untouched(self) -> str:
        """Of the other clusters."""
        return untouched_words(self.facts)

    @property
    def gaps(self) -> list[tuple[str, str]]:
        """What could not be known: sources, and when."""
        return [(listed(gap.names), gap_words(gap, self.facts.window)) for gap in self.facts.gaps]

    def _by_place(self, matters: tuple[Matter, ...], *, is_open: bool) -> Mapping[str, list[MatterShown]]:
        return {
            place or NO_CLUSTER: [MatterShown(each, self.facts.window, is_open) for each in of_place]
            for place, of_place in grouped(matters).items()
        }


@dataclass(frozen=True)
class HandoverShown:
    """A saved handover with its text as markup, and what its list says of it."""

    handover: Handover

    @property
    def span(self) -> str:
        """Its span in words."""
        return span_words(self.handover.window)

    @property
    def markdown(self) -> str:
        """Its text as others read it."""
        return without_marks(self.handover.text)

    @cached_property
    def html(self) -> SafeString:
        """Its text, safe to show."""
        return markdown_safe(self.markdown, incident_url=incident_url(), has_heads=True)

    @property
    def state(self) -> str:
        """How much there was of everything; "" where its facts cannot be read any more."""
        facts = self.handover.facts_kept
        return state_words(facts) if facts else ""


def handovers_listed(asked: Asked) -> dict[str, Any]:
    """What the list's template shows of what the address asks for, the newest first. Two queries."""
    part = asked.text("q")
    rows = Handover.objects.order_by("-at", "pk")
    for word in part.split():
        rows = rows.filter(text__icontains=word)
    page = asked.page(rows.order_by().count())
    return {
        "title": "Handovers",
        "part": part,
        "rows": [HandoverShown(row) for row in rows[page.rows]],
        "page": page,
        "problems": asked.problems,
    }
