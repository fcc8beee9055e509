"""Runbooks as markup: drawn and cleaned once for a text, filled with an alert's values and its ticks at each use."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.keeping import Keeper

from .filling import NO_VALUES, Value, Values
from .markdown import Drawing, Heading, drawn, text_html
from .places import Place
from .safety import cleaned
from .slots import CopyButton, Placeholder, Slot, Step, joined, parts_of

__all__ = ["Done", "Heading", "Rendered", "Step", "TickForm", "Value", "Values", "rendered"]

log = logging.getLogger(__name__)
LONGEST_TEXT = 120_000
MOST_LINES = 4_000
MOST_KEPT = 128
UNSAFE = "not filled: its value is not safe in a command"
COPY = mark_safe('<button type="button" class="copy" data-copy hidden>Copy</button>')


class Written(Protocol):
    """What is needed of a runbook (`apps.runbooks.models.Runbook`)."""

    source: str
    path: str
    title: str
    text: str


@dataclass(frozen=True)
class Done:
    """That a step was done: `words` is markup that says by whom and when, or by whom and when that was taken back."""

    words: SafeString
    is_taken_back: bool = False


@dataclass(frozen=True)
class TickForm:
    """Where ticks are sent to, and the id of what is exchanged for the answer."""

    url: str
    target: str


@dataclass(frozen=True)
class Body:
    """What is kept of a drawn runbook. Markup between the places is clean."""

    parts: tuple[str | Slot, ...]
    contents: tuple[Heading, ...] = ()
    steps: tuple[Step, ...] = ()
    problems: tuple[str, ...] = ()


BODIES: Keeper[Body] = Keeper(MOST_KEPT)


@dataclass(frozen=True)
class Rendered:
    """A runbook for one use. `filled` and `left` count the placeholders that show a value, and those whose value is not
    safe in a command; `left_names` are the latter as they are written. `problems` are sentences for people."""

    body: Body
    values: Values = NO_VALUES
    ticks: Mapping[str, Done] = field(default_factory=dict)
    form: TickForm | None = None

    @property
    def contents(self) -> tuple[Heading, ...]:
        """The headings, in order."""
        return self.body.contents

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that can be ticked off, in order."""
        return self.body.steps

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the runbook is not shown as it was written."""
        return self.body.problems

    @property
    def filled(self) -> int:
        """How many placeholders show a value."""
        return sum(value.is_safe for _, value in self._valued())

    @property
    def left(self) -> int:
        """How many placeholders are left because their value is not safe in a command."""
        return sum(not value.is_safe for _, value in self._valued())

    @property
    def left_names(self) -> list[str]:
        """Those, as they are written, each once."""
        return list(dict.fromkeys(slot.written for slot, value in self._valued() if not value.is_safe))

    @property
    def done(self) -> int:
        """How many of the steps are ticked off."""
        return sum(self._stands(step) for step in self.steps)

    @property
    def html(self) -> SafeString:
        """The markup for who may not tick."""
        return self.html_for(may_tick=False)

    def html_for(self, *, may_tick: bool) -> SafeString:
        """The markup, with buttons to tick where there is a form and one may."""
        form = self.form if may_tick else None

        def fill(slot: Slot) -> str:
            if isinstance(slot, Placeholder):
                return self._placeholder(slot)
            return COPY if isinstance(slot, CopyButton) else self._tick(slot, form)

        return mark_safe(joined(self.body.parts, fill))  # noqa: S308  cleaned, and each filling is escaped

    def _valued(self) -> list[tuple[Placeholder, Value]]:
        slots = (part for part in self.body.parts if isinstance(part, Placeholder))
        return [(slot, value) for slot in slots if (value := self.values.of(slot))]

    def _placeholder(self, slot: Placeholder) -> str:
        written = mark_safe(text_html(slot.written))  # noqa: S308  escaped there
        value = self.values.of(slot)
        if value is None:
            return written
        if not value.is_safe:
            return format_html('<mark class="odd" title="{}">{}</mark>', UNSAFE, written)
        return format_html('<mark title="{}, from {}">{}</mark>', slot.written, value.origin, value.text)

    def _stands(self, step: Step) -> bool:
        done = self.ticks.get(step.key)
        return done is not None and not done.is_taken_back

    def _tick(self, step: Step, form: TickForm | None) -> str:
        done, stands = self.ticks.get(step.key), self._stands(step)
        said = format_html(' <span class="quiet">{} ·</span> ', done.words) if done else ""
        sign = "✓" if stands else "\u2003"
        if form is None:
            return format_html("<b>{}</b>{}", sign if stands else "", said) if done else ""
        return format_html(BUTTON, form.url, form.target, step.key, step.ordinal, sign, said, *TURNS[stands])


TURNS = {True: ("undone", "true"), False: ("done", "false")}
BUTTON = (
    '<button class="copy" id="rb-tick-{2}" form="act" formaction="{0}" hx-post="{0}" hx-include="#act"'
    ' hx-target="#{1}" hx-swap="outerHTML" name="{6}" value="{2}" role="checkbox" aria-checked="{7}"'
    ' aria-label="Step {3} is done">{4}</button>{5} '
)


def rendered(
    runbook: Written,
    *,
    values: Values = NO_VALUES,
    ticks: Mapping[str, Done] | None = None,
    form: TickForm | None = None,
    place: Place | None = None,
) -> Rendered:
    """The runbook with an alert's values in its commands, and the ticks of its steps by the steps' keys.

    `place` says what its links and images can lead to, where that is known.

    Never raises for what is in a runbook: one that cannot be drawn is shown as it was written.
    """
    place = place or Place(runbook.source, runbook.path)
    images = None if place.images is None else sorted(place.images)
    parts = (runbook.source, runbook.path, place.under, images, runbook.title, runbook.text)
    key = blake2b(repr(parts).encode("utf-8", "replace"), digest_size=16).digest()
    body = BODIES.get(key, is_good=lambda *_: True, is_bearable=lambda *_: True, make=lambda: body_of(runbook, place))
    return Rendered(body, values, ticks or {}, form)


def body_of(runbook: Written, place: Place) -> Body:
    """The runbook, drawn and cleaned."""
    text = beginning_of(runbook.text)
    drawing = Drawing(place, runbook.title)
    if len(text) < len(runbook.text):
        drawing.problems["It is too long: its beginning alone is shown."] = None
    try:
        html = cleaned(drawn(text, drawing))
    except Exception:  # an alert's page must not fail for what somebody wrote in a runbook
        log.exception("the runbook %s %s could not be drawn", runbook.source, runbook.path)
        plain = format_html('<pre class="quote">{}</pre>', mark_safe(text_html(text)))  # noqa: S308  escaped there
        return Body((plain,), problems=("It could not be taken apart: it is shown as it was written.",))
    return Body(parts_of(html, drawing.slots), tuple(drawing.contents), tuple(drawing.steps), tuple(drawing.problems))


def beginning_of(text: str) -> str:
    """As much of it as is shown, as every encoder takes it."""
    shown = text[:LONGEST_TEXT]
    if shown.count("\n") > MOST_LINES:
        shown = "\n".join(shown.split("\n", MOST_LINES)[:MOST_LINES])
    return shown.encode("utf-8", "replace").decode()
