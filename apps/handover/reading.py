"""What a handover's facts are made of, read from the rows and the timeline: a fixed number of queries, one a function.

Everything is read once as plain values; the arithmetic is in `troubles` and `facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from django.db.models import Count, Model, Q, QuerySet

from apps.actions.models import ActionRequest, Freeze
from apps.actions.silences.makers import makers_of
from apps.actions.silences.wanted import is_observatorium, line_of, matchers_kept
from apps.actions.states import Action, State
from apps.alerts.comments import reason_told
from apps.alerts.models import AlertState, Episode, Silence
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.core.verdict.alert import QUIET_STATES, AlertFacts, alert_verdict
from apps.fleet.overlay import Overlay
from apps.fleet.past import steps_of_source
from apps.fleet.shown import keys_of_tellers
from apps.gitops.models import Application
from apps.notes.models import Acknowledgement, Note
from apps.sources.fleetfile import fleet_file_or_empty
from apps.sources.kept import kept_since
from apps.sources.models import Source
from apps.timeline.models import TONE, Kind, Transition
from apps.timeline.standing import ASLEEP, FAILING, FORGOTTEN, NEVER, OK, Lines, standing_lines
from apps.timeline.steps import Steps, Window, joined, spans_of, steps_of

from .facts import facts_of
from .troubles import BROKEN, NEEDS, Standing, ToneLine, lost_of, troubles_of
from .values import DEEDS_SHOWN, HOLDS_SHOWN, NOW, Deed, Facts, Gap, Hold, Key, Known, Lost, Said, Trouble
from .words import moment_words

NOTES_BACK = timedelta(days=7)
LONG_ACTION = timedelta(days=1)
"""An action that was asked for longer before the span is not looked for, should it have ended in it."""
MOST_LINES, MOST_EPISODES, MOST_SAID, MOST_ROWS = 50_000, 20_000, 2_000, 500
SHORT_GAP = timedelta(minutes=1)
GAP_WORDS = {
    FAILING: "could not be read",
    ASLEEP: "not read",
    NEVER: "had never been read",
    FORGOTTEN: "nothing is kept any more",
}
ELSEWHERE = "made elsewhere"
M = TypeVar("M", bound=Model)
EPISODE_COLUMNS = (
    "alertmanager",
    "fingerprint",
    "name",
    "severity",
    "is_slo",
    "cluster",
    "state",
    "tone",
    "reason",
    "began_at",
    "ended_at",
)


def facts_read(window: Window, overlay: Overlay) -> Facts:
    """The facts of a span that ends at the overlay's moment or before. Eleven queries, or twelve."""
    cut = list(forgotten_words(window, kept_since(overlay.now)))
    tones, present = tone_lines(window, cut), {**applications_present(overlay), **clusters_present(overlay)}
    alerts, quiet = alerts_of(window, overlay, cut)
    standing = standing_lines(window.start)
    silences = silences_of(window, cut)
    deeds, more_deeds = requests_of(window)
    holding = [row for row in silences if row.ends_at and row.ends_at > window.end]
    is_of_now = overlay.now - window.end < NOW
    known = Known(
        troubles=[*alerts, *troubles_of(tones, present, overlay.now)],
        acknowledged=acknowledgements_of(window, cut),
        notes=notes_of(window, cut),
        deeds=[*deeds, *silences_made(silences, window)],
        more_deeds=more_deeds,
        holds=[*freezes_held(window), *silences_held(holding[:HOLDS_SHOWN])],
        more_holds=len(holding[HOLDS_SHOWN:]),
        lost=lost_in(window, overlay, tones, standing),
        gaps=list(gaps_in(window, overlay, standing)),
        quiet=quiet if is_of_now else 0,
        unseen=unseen_by_cluster(overlay) if is_of_now else (),
        cut=cut,
    )
    return facts_of(window, overlay.now, known)


def forgotten_words(window: Window, since: datetime) -> Iterator[str]:
    """That a span begins before anything is kept."""
    if window.start < since:
        yield f"Not known before {moment_words(since, window)}: the portal keeps nothing longer"


def first_of(rows: QuerySet[M], most: int, cut: list[str], nouns: str) -> list[M]:
    """The first rows; that there are more is told. One query."""
    found = list(rows[: most + 1])
    if len(found) > most:
        cut.append(f"{most:,} {nouns} were counted: there are more")
    return found[:most]


def tone_lines(window: Window, cut: list[str]) -> list[ToneLine]:
    """The changes of tone of Applications and clusters from the span's start up to now, the oldest first. One query."""
    lines = Transition.objects.filter(field=TONE, kind__in=list(NEEDS), seen_at__gt=window.start)
    columns = ("kind", "subject", "title", "cluster", "at", "seen_at", "before", "after")
    found = list(lines.order_by("-seen_at", "-pk").values_list(*columns)[: MOST_LINES + 1])
    if len(found) > MOST_LINES:
        cut.append(
            f"More than {MOST_LINES:,} changes since then: those before {found[-1][5]:%d %b, %H:%M} are left out"
        )
    return [
        ToneLine(
            kind=kind,
            subject=subject,
            title=title,
            place=cluster,
            at=min(at or seen_at, seen_at),
            before=before,
            after=after,
        )
        for kind, subject, title, cluster, at, seen_at, before, after in reversed(found[:MOST_LINES])
    ]


def applications_present(overlay: Overlay) -> dict[Key, Standing]:
    """The Applications that are broken now. One query."""
    rows = Application.objects.current(overlay).filter(tone__in=BROKEN).order_by("pk")
    columns = ("instance", "namespace", "name", "cluster", "tone", "reason", "tone_since")
    return {
        (Kind.APPLICATION.value, f"{instance}/{namespace}/{name}"): Standing(
            title=name, place=cluster, tone=tone, words=reason, since=since
        )
        for instance, namespace, name, cluster, tone, reason, since in rows.values_list(*columns)
    }


def clusters_present(overlay: Overlay) -> dict[Key, Standing]:
    """The clusters that need somebody now."""
    needs = NEEDS[Kind.CLUSTER.value]
    return {
        (Kind.CLUSTER.value, row.name): Standing(
            title=row.name, place=row.name, tone=row.tone, words=row.reason, since=row.tone_since
        )
        for row in overlay.clusters
        if row.tone in needs
    }


def alerts_of(window: Window, overlay: Overlay, cut: list[str]) -> tuple[list[Trouble], int]:
    """Each time that an alert which needs somebody fired in the span, and how many fire quietly now. One query."""
    rows = Episode.objects.current(overlay).filter(Q(ended_at=None) | Q(ended_at__gt=window.start))
    rows = rows.filter(began_at__lt=window.end).order_by("-began_at", "-pk")
    found = list(rows.values_list(*EPISODE_COLUMNS)[: MOST_EPISODES + 1])
    if len(found) > MOST_EPISODES:
        cut.append(f"{MOST_EPISODES:,} alerts were counted: those that began first are left out")
    troubles, quiet = [], 0
    for alertmanager, fingerprint, name, severity, is_slo, cluster, state, tone, reason, began_at, ended_at in found:
        quiet += state in QUIET_STATES
        verdict = Verdict(Tone(tone), reason) if ended_at is None else verdict_of(severity, is_slo=is_slo)
        if verdict.tone.needs_somebody:
            told = {"title": name, "tone": verdict.tone.value, "place": cluster, "words": verdict.reason}
            subject = f"{alertmanager}/{fingerprint}"
            troubles.append(
                Trouble(kind=Kind.ALERT.value, subject=subject, began_at=began_at, ended_at=ended_at, **told)
            )
    return troubles, quiet


@lru_cache(maxsize=64)
def verdict_of(severity: str, *, is_slo: bool) -> Verdict:
    """What an alert that has ended was while it fired, by its labels."""
    return alert_verdict(AlertFacts(state=AlertState.ACTIVE.value, severity=severity, is_slo=is_slo))


def unseen_by_cluster(overlay: Overlay) -> list[tuple[str, int]]:
    """How many Applications are not known now, by cluster. One query."""
    rows = Application.objects.current(overlay).with_shown_tone(overlay).filter(Q(shown_tone=Tone.UNKNOWN.value))
    return list(rows.order_by().values_list("cluster").annotate(Count("pk")))


def acknowledgements_of(window: Window, cut: list[str]) -> list[Said]:
    """Those that held at some time of the span. One query."""
    rows = Acknowledgement.objects.filter(Q(ended_at=None) | Q(ended_at__gt=window.start), at__lt=window.end)
    return [
        replace(said_told(each), text=each.note, until=min(each.until, each.ended_at or each.until))
        for each in first_of(rows.order_by("-at", "pk"), MOST_SAID, cut, "acknowledgements")
    ]


def notes_of(window: Window, cut: list[str]) -> list[Said]:
    """Those of the span, and of the week before it for what is open still. One query."""
    rows = Note.objects.current().filter(at__gte=window.start - NOTES_BACK, at__lt=window.end).order_by("-at", "pk")
    return [replace(said_told(each), text=each.text) for each in first_of(rows, MOST_SAID, cut, "notes")]


def said_told(row: Note | Acknowledgement) -> Said:
    """Who said something when, of what."""
    return Said(by=row.by, at=row.at, title=row.title, place=row.cluster, kind=row.kind, subject=row.subject)


def requests_of(window: Window) -> tuple[list[Deed], int]:
    """What was asked for or ended in the span, steps with their whole, newest first, and how much more. Two queries."""
    rows = ActionRequest.objects.filter(
        Q(created_at__gte=window.start) | Q(ended_at__gte=window.start, ended_at__lt=window.end),
        created_at__gte=window.start - LONG_ACTION,
        created_at__lt=window.end,
        parent=None,
    )
    last = rows.defer("guards", "operation", "options").order_by("-created_at", "pk")[:DEEDS_SHOWN]
    deeds = [deed_of(request) for request in last]
    return deeds, rows.order_by().count() - len(deeds)


def deed_of(request: ActionRequest) -> Deed:
    """What a person asked for, with what came of it."""
    state = State(request.state)
    return Deed(
        at=request.created_at,
        by=request.username,
        what=f"{Action(request.action).label}: {request.name or request.subject}",
        tone=state.tone.value,
        outcome=": ".join(filter(None, (str(state.label), request.outcome))),
        place=request.cluster,
        reason=request.reason,
        ticket=request.ticket,
        approver=request.approver,
        link=request.get_absolute_url(),
    )


def freezes_held(window: Window) -> list[Hold]:
    """The freezes that were in force when the span ended. One query."""
    rows = Freeze.objects.filter(began_at__lt=window.end, ends_at__gt=window.end).order_by("ends_at", "pk")
    return [
        Hold(kind="freeze", what=row.words, by=row.by, began_at=row.began_at, ends_at=row.ends_at, reason=row.reason)
        for row in rows[:MOST_ROWS]
    ]


def silences_of(window: Window, cut: list[str]) -> list[Silence]:
    """Those that held at some time of the span, the first to end first. One query."""
    rows = Silence.objects.filter(starts_at__lt=window.end, ends_at__gt=window.start).order_by("ends_at", "pk")
    return first_of(rows, MOST_ROWS, cut, "silences")


def silences_held(silences: Iterable[Silence]) -> Iterator[Hold]:
    """Those that were in force when the span ended, told."""
    for row in silences:
        if row.starts_at and row.ends_at:
            yield Hold(
                kind="silence",
                what=matchers_told(row),
                by=row.created_by,
                began_at=row.starts_at,
                ends_at=row.ends_at,
                reason=reason_told(row.comment),
            )


def silences_made(silences: Iterable[Silence], window: Window) -> Iterator[Deed]:
    """Those that began in the span and are not of this portal, of whose requests are told. At most one query."""
    begun = [each for each in silences if each.starts_at and each.starts_at >= window.start]
    makers = makers_of(begun)
    for row in begun:
        if row.starts_at and row.pk not in makers:
            yield Deed(
                at=row.starts_at,
                by=row.created_by,
                what=f"{Action.SILENCE.label}: {matchers_told(row)}",
                tone=Tone.HELD.value,
                outcome=ELSEWHERE,
                reason=row.comment,
            )


def matchers_told(silence: Silence) -> str:
    """What a silence is about, as its matchers are written; behind Observatorium without the tenant's."""
    is_gateway = is_observatorium(fleet_file_or_empty(), silence.alertmanager)
    return f"{line_of(matchers_kept(silence, is_observatorium=is_gateway))} on {silence.alertmanager}"


def lost_in(window: Window, overlay: Overlay, tones: Iterable[ToneLine], standing: Lines) -> list[Lost]:
    """How long each cluster was critical."""
    lines: dict[str, list[ToneLine]] = {}
    for line in tones:
        if line.kind == Kind.CLUSTER:
            lines.setdefault(line.subject, []).append(line)
    return [
        lost_of(
            row.name,
            window,
            lines.get(row.name, ()),
            Standing(title=row.name, place=row.name, tone=row.tone, since=row.tone_since),
            [steps_of_source(key, standing, overlay, window) for key in keys_of_tellers(row)],
        )
        for row in overlay.clusters
    ]


def gaps_in(window: Window, overlay: Overlay, standing: Lines) -> Iterator[Gap]:
    """When a source was not read for a minute and more; of Alertmanagers of one group, all of them."""
    for title, keys in units_of(overlay.sources.values()):
        steps = any_read([steps_of_source(key, standing, overlay, window) for key in keys], window)
        for span in spans_of(steps, window.end):
            if span.state != OK and span.length >= SHORT_GAP:
                yield Gap(names=(title,), words=GAP_WORDS[span.state], began_at=span.start, ended_at=span.end)


def units_of(sources: Iterable[Source]) -> list[tuple[str, list[str]]]:
    """What is known or not as a whole, with the keys of those who tell of it. Runbooks tell nothing of the fleet."""
    found: dict[str, list[str]] = {}
    for source in sources:
        if source.kind == Source.Kind.ALERTMANAGER:
            found.setdefault(f"Alertmanager {source.group}", []).append(source.key)
        elif source.kind != Source.Kind.RUNBOOKS:
            found.setdefault(source.title, []).append(source.key)
    return list(found.items())


def any_read(members: Sequence[Steps[str]], window: Window) -> Steps[str]:
    """OK while one of them was read, else as the first stood."""
    return joined(steps_of(window, OK, []), members, lambda _, states: OK if OK in states else states[0])
