"""The form of a silence, read: from an alert, from the list's line, from a silence that is there, or as it was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from apps.actions.asking import text_told
from apps.actions.states import SILENCES, Action
from apps.alerts.models import Episode, Silence
from apps.alerts.noting import subject_of
from apps.core.errors import RuleViolation
from apps.core.matchers import LabelMatcher, MatcherSyntaxError, line_read, matcher_read
from apps.core.matchers.lines import LONGEST_LINE, MOST_MATCHERS
from apps.core.moments import moment_read
from apps.core.text import clean
from apps.sources.fleetfile.schema import FleetFile

from .wanted import is_observatorium, matchers_kept

LENGTHS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("1 h", timedelta(hours=1)),
    "2h": ("2 h", timedelta(hours=2)),
    "4h": ("4 h", timedelta(hours=4)),
    "8h": ("8 h", timedelta(hours=8)),
    "24h": ("24 h", timedelta(hours=24)),
    "3d": ("3 d", timedelta(days=3)),
    "7d": ("7 d", timedelta(days=7)),
}
ALWAYS = ("1h", "2h", "4h", "8h")
USUAL, KEPT = "2h", "kept"
OPERATORS = ("=", "!=", "=~", "!~")
LONGEST_NAME, LONGEST_VALUE = 300, 1000
MOST_ROWS = 64
WHERE = ("namespace",)


@dataclass(frozen=True)
class Line:
    """One matcher of the form; without an operator it is offered, and not used."""

    name: str
    operator: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the form or the address says. `length` is a word of LENGTHS, KEPT for the end that it has, "" where `until`
    says it (in UTC where it names no zone). `problems` are what of it cannot be, in words.
    """

    action: Action = Action.SILENCE
    alertmanager: str = ""
    lines: tuple[Line, ...] = ()
    more: str = ""
    silence: str = ""
    length: str = ""
    until: str = ""
    problems: tuple[str, ...] = ()
    matchers: tuple[LabelMatcher, ...] = field(default=())


def form_read(told: QueryDict, fleet: FleetFile, *, old: Silence | None, episode: Episode | None) -> Form:
    """The form as it was sent, or else as it is proposed. Raises RuleViolation for what is no such form."""
    action = action_read(told)
    group = (
        old.alertmanager if old else clean(told.get("alertmanager", "") or (episode.alertmanager if episode else ""))
    )
    lines = lines_read(told) or proposed(told, fleet, old=old, episode=episode)
    more = text_told(told, "more", LONGEST_LINE)
    matchers, problems = matchers_read(lines, more)
    length, until = text_told(told, "length", 20), text_told(told, "until", 40)
    if length not in {*LENGTHS, KEPT, ""}:
        problems.append("There is no such length")
    return Form(
        action=action,
        alertmanager=group,
        lines=tuple(lines),
        more=more,
        silence=old.silence_id if old else "",
        length=length,
        until=until,
        problems=tuple(problems),
        matchers=tuple(matchers),
    )


def action_read(told: QueryDict) -> Action:
    """What is asked for. Raises RuleViolation for anything but a silence's actions."""
    word = told.get("do", "") or (Action.SILENCE_EDIT if told.get("silence") else Action.SILENCE)
    if word not in SILENCES:
        raise RuleViolation("There is no such action")
    return Action(word)


def lines_read(told: QueryDict) -> list[Line]:
    """The matchers' fields, row by row; rows without a name are left out."""
    names, operators, values = (told.getlist(name)[:MOST_ROWS] for name in ("label", "operator", "value"))
    rows = zip_longest(names, operators, values, fillvalue="")
    return [
        Line(clean(name.strip(), LONGEST_NAME), operator if operator in OPERATORS else "", clean(value, LONGEST_VALUE))
        for name, operator, value in rows
        if name.strip()
    ]


def proposed(told: QueryDict, fleet: FleetFile, *, old: Silence | None, episode: Episode | None) -> list[Line]:
    """Those of the silence, of the list's line, or of the alert: its name and the labels that say where."""
    if old is not None:
        return lines_of(matchers_kept(old, is_observatorium=is_observatorium(fleet, old.alertmanager)))
    if episode is not None:
        return lines_of_alert(episode, fleet)
    read = line_read(", ".join(told.getlist("filter"))[:LONGEST_LINE])
    return lines_of(read.matchers)


def lines_of(matchers: Iterable[LabelMatcher]) -> list[Line]:
    """Matchers as lines of the form."""
    return [Line(each.name, each.operator, each.value) for each in matchers]


def lines_of_alert(episode: Episode, fleet: FleetFile) -> list[Line]:
    """Every label of the alert, those first that are proposed; the others are offered without an operator."""
    naming, labels = fleet.alerts, episode.labels
    groups = (("alertname",), naming.cluster_labels, naming.environment_labels, WHERE)
    chosen = list(dict.fromkeys(name for names in groups for name in deciding(names, labels)))
    others = sorted(set(labels) - set(chosen))
    return [
        *(Line(name, "=", labels.get(name, "")) for name in chosen),
        *(Line(name, "", episode.labels[name]) for name in others),
    ]


def deciding(names: Sequence[str], labels: Mapping[str, str]) -> Sequence[str]:
    """The first of these labels that an alert has, after those before it, which it has not: only so it decides where a
    silence lies. None where the alert has none of them."""
    place = next((place for place, name in enumerate(names) if labels.get(name)), None)
    return () if place is None else names[: place + 1]


def matchers_read(lines: Sequence[Line], more: str) -> tuple[list[LabelMatcher], list[str]]:
    """The matchers that are used, each once, and what cannot be read, in words."""
    found: list[LabelMatcher] = []
    problems: list[str] = []
    for line in lines:
        if line.operator:
            try:
                found.append(matcher_read(str(LabelMatcher(line.name, line.operator, line.value))))
            except MatcherSyntaxError as error:
                problems.append(f"{clean(line.name, 60)}: {error}")
    read = line_read(more)
    problems += [f"More matchers, {fault}" for fault in read.faults]
    found = list(dict.fromkeys([*found, *read.matchers]))
    if len(found) > MOST_MATCHERS:
        problems.append(f"No more than {MOST_MATCHERS} matchers")
    return found, [clean(each) for each in problems]


def end_read(form: Form, now: datetime, old: Silence | None) -> datetime:
    """When it ends. Raises RuleViolation where that cannot be read."""
    if form.until and form.length:
        raise RuleViolation("Say one of both: a moment at which it ends, or for how long")
    if form.until:
        moment = moment_read(form.until)
        if moment is None:
            raise RuleViolation("The end is not a moment like 2026-11-24T22:57")
        return moment
    if form.length == KEPT and old is not None and old.ends_at is not None:
        return old.ends_at
    return now + LENGTHS.get(form.length, LENGTHS[USUAL])[1]


# --- where the form is -----------------------------------------------------------------------------------------------


def alert_address(episode: Episode) -> str:
    """The form for a silence of this alert."""
    return _address([("alert", subject_of(episode))])


def silence_address(silence: Silence, action: Action) -> str:
    """The form that changes or expires this silence."""
    return _address([("silence", f"{silence.alertmanager}/{silence.silence_id}"), ("do", action.value)])


def matchers_address(matchers: Iterable[LabelMatcher], alertmanager: str = "") -> str:
    """The form for a silence with these matchers."""
    group = [("alertmanager", alertmanager)] if alertmanager else []
    return _address([("filter", ", ".join(map(str, matchers))), *group])


def _address(parts: Iterable[tuple[str, str]]) -> str:
    return f"{reverse('actions:silence-new')}?{urlencode(list(parts))}"
