"""What is on the drawn time line: alerts, syncs and deploys, clusters and sources of a piece of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.urls import reverse

from apps.alerts.models import Episode
from apps.core.addresses import page_address
from apps.core.tones import RANKS, Tone
from apps.core.verdict.alert import BY_SEVERITY
from apps.fleet.models import Cluster
from apps.fleet.overlay import Overlay
from apps.fleet.past import reach_of, steps_of_source
from apps.sources.models import Source
from apps.timeline.changes import own_page, words_of, words_of_operation, words_of_revision
from apps.timeline.drawing import Drawing, Event, Lane, bars, drawing_of, lasted_words, ticks
from apps.timeline.models import Kind, Transition, TransitionQuerySet
from apps.timeline.standing import ASLEEP, AWAY, FAILING, Lines, standing_lines
from apps.timeline.steps import Span, Window, spans_of

MOST_ALERTS, MOST_AWAY, MOST_DOWN = 120, 80, 60
ALERT_ROWS, CLUSTER_ROWS, SOURCE_ROWS = 10, 4, 3
DEPLOYS_READ, VERSIONS_READ = 2000, 100
DEPLOYS = ("operation", "revision")
IN_BARS = ("alertmanager", "fingerprint", "name", "severity", "tone", "is_slo", "cluster", "began_at", "ended_at")
IN_DEPLOYS = ("moment", "title", "field", "before", "after", "tone", "link")
IN_TICKS = ("at", "seen_at", "kind", "title", "field", "before", "after", "tone", "link")


class Deploy(NamedTuple):
    """One line of an operation or a revision."""

    moment: datetime
    title: str
    field: str
    before: str
    after: str
    tone: str
    link: str


@dataclass(frozen=True)
class Scope:
    """What is drawn: in a window, of an environment, a cluster, Applications with a part of a name; "" is all."""

    window: Window
    environment: str = ""
    cluster: str = ""
    application: str = ""
    kinds: tuple[str, ...] = ()

    def has(self, kind: Kind) -> bool:
        """Whether things of this kind are asked for."""
        return not self.kinds or kind.value in self.kinds

    @property
    def filters(self) -> dict[str, str]:
        """As filters of rows and of the page's address."""
        named = {"environment": self.environment, "cluster": self.cluster, "application": self.application}
        return {name: word for name, word in named.items() if word}

    def narrowed(self, start: datetime, end: datetime) -> str:
        """The page of the timeline about a part of it, with the same filters."""
        query = {**self.filters, "environment": self.environment or "all", "from": stamp(start), "to": stamp(end)}
        return f"{reverse('dashboard:timeline')}?{urlencode(query)}"


def stamp(moment: datetime) -> str:
    """A moment as addresses carry it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def drawn(scope: Scope, overlay: Overlay) -> Drawing:
    """The lanes that the scope asks for. Five queries at most."""
    lines = standing_lines(scope.window.start)
    lanes: Sequence[tuple[Kind, Callable[[], Lane]]] = (
        (Kind.ALERT, lambda: alert_lane(scope, overlay)),
        (Kind.APPLICATION, lambda: deploy_lane(scope)),
        (Kind.CLUSTER, lambda: cluster_lane(scope, overlay, lines)),
        (Kind.SOURCE, lambda: source_lane(scope, overlay, lines)),
    )
    return drawing_of(scope.window, [lane() for kind, lane in lanes if scope.has(kind)], narrowed=scope.narrowed)


def alert_lane(scope: Scope, overlay: Overlay) -> Lane:
    """Episodes from their beginning to their end, SLO and critical first. Two queries."""
    episodes = episodes_in(scope, overlay)
    shown = list(episodes.only(*IN_BARS)[:MOST_ALERTS])
    unread = episodes.count() - len(shown) if len(shown) == MOST_ALERTS else 0
    events = [alert_event(each, scope, overlay.now) for each in shown]
    return bars("Alerts", events, scope.window, rows=ALERT_ROWS, most=MOST_ALERTS, unread=unread)


def episodes_in(scope: Scope, overlay: Overlay) -> QuerySet[Episode]:
    """Those that fired at some time in the window, the heaviest first."""
    fired = Q(ended_at=None) | Q(ended_at__gte=scope.window.start)
    words = {name: word for name, word in scope.filters.items() if name != "application"}
    if scope.environment:
        words.pop("environment")
        words["environment__in"] = ["", scope.environment]  # type: ignore[assignment]
    episodes = Episode.objects.current(overlay).filter(fired, began_at__lte=scope.window.end, **words)
    if scope.application:
        episodes = episodes.filter(application__icontains=scope.application)
    weight = Case(
        *(When(severity=severity, then=Value(BY_SEVERITY[severity].tone.rank)) for severity in BY_SEVERITY),
        default=Value(len(RANKS)),
        output_field=IntegerField(),
    )
    return episodes.order_by("-is_slo", weight, "-began_at", "pk")


def alert_event(episode: Episode, scope: Scope, now: datetime) -> Event:
    """The bar of an episode, in the tone of its severity once it has ended."""
    told = BY_SEVERITY.get(episode.severity)
    tone = Tone(episode.tone) if episode.ended_at is None else told.tone if told else Tone.WARNING
    place = f" on {episode.cluster}" if episode.cluster else ""
    words = (
        f"{episode.title}{place}, {episode.severity or tone}, {lasted_words(episode.began_at, episode.ended_at, now)}"
    )
    url = page_address("dashboard:alert-show", episode.alertmanager, episode.fingerprint)
    query = urlencode({"episode": episode.began_at.isoformat()})
    return Event(
        episode.began_at,
        words,
        tone.value,
        f"{url}?{query}" if url else scope.narrowed(scope.window.start, scope.window.end),
        episode.ended_at or now,
    )


def deploy_lane(scope: Scope) -> Lane:
    """Operations and revisions of Applications, the newest DEPLOYS_READ of them. One query."""
    lines = lines_in(scope).of(kinds=[Kind.APPLICATION.value], fields=DEPLOYS)
    read = list(lines.values_list(*IN_DEPLOYS)[: DEPLOYS_READ + 1])
    whole = scope.narrowed(scope.window.start, scope.window.end)
    events = [deploy_event(Deploy(*row), whole) for row in read[:DEPLOYS_READ]]
    title = "Syncs and deploys" if len(read) <= DEPLOYS_READ else f"The last {DEPLOYS_READ:,} syncs and deploys"
    return ticks(title, events, scope.window, narrowed=scope.narrowed)


def deploy_event(told: Deploy, otherwise: str) -> Event:
    """The tick of one; it leads to its page, or where that cannot be, to `otherwise`."""
    words = words_of_operation(told) if told.field == "operation" else words_of_revision(told)
    title = f"{told.title} {words}, {told.moment:%H:%M} UTC"
    return Event(told.moment, title, told.tone or Tone.UNKNOWN.value, own_page(told) or otherwise)


def lines_in(scope: Scope) -> TransitionQuerySet:
    """The scope's lines, newest first."""
    lines = Transition.objects.told().happened(scope.window.start, scope.window.end).newest_first()
    if scope.environment:
        lines = lines.filter(environment__in=["", scope.environment])
    if scope.cluster:
        lines = lines.filter(cluster=scope.cluster)
    return lines.filter(application__icontains=scope.application) if scope.application else lines


def tick_event(line: Transition, scope: Scope) -> Event:
    """The tick of a change."""
    moment = min(line.at or line.seen_at, line.seen_at)
    url = own_page(line) or scope.narrowed(scope.window.start, scope.window.end)
    return Event(moment, f"{line.title} {words_of(line)}, {moment:%H:%M} UTC", line.tone or Tone.UNKNOWN.value, url)


def cluster_lane(scope: Scope, overlay: Overlay, lines: Lines) -> Lane:
    """When clusters were not reached, as far as that was known, and when their version changed. One query."""
    events = [
        span_event(
            span,
            f"{cluster.name} not reached",
            Tone.CRITICAL,
            page_address("dashboard:cluster-show", cluster.name) or scope.narrowed(span.start, span.end),
        )
        for cluster in clusters_in(scope, overlay)
        for span in spans_of(reach_of(cluster, lines, overlay, scope.window), scope.window.end)
        if span.state == AWAY
    ]
    versions = lines_in(scope).filter(kind=Kind.CLUSTER, field="version").only(*IN_TICKS)[:VERSIONS_READ]
    ticked = [tick_event(line, scope) for line in versions] if not scope.application else []
    return bars("Clusters", [*events, *ticked], scope.window, rows=CLUSTER_ROWS, most=MOST_AWAY)


def clusters_in(scope: Scope, overlay: Overlay) -> Iterable[Cluster]:
    """The clusters asked for."""
    return [
        cluster
        for cluster in overlay.clusters
        if scope.environment in {"", cluster.environment} and scope.cluster in {"", cluster.name}
    ]


def source_lane(scope: Scope, overlay: Overlay, lines: Lines) -> Lane:
    """When sources failed, or were not read by anybody."""
    events = [
        span_event(
            span,
            f"{source.title} {'failing' if span.state == FAILING else span.state}",
            Tone.WARNING if span.state == FAILING else Tone.UNKNOWN,
            page_address("sources:source-show", source.key) or scope.narrowed(span.start, span.end),
        )
        for source in sources_in(scope, overlay)
        for span in spans_of(steps_of_source(source.key, lines, overlay, scope.window), scope.window.end)
        if span.state in {FAILING, ASLEEP}
    ]
    return bars("Sources", events, scope.window, rows=SOURCE_ROWS, most=MOST_DOWN)


def sources_in(scope: Scope, overlay: Overlay) -> Iterable[Source]:
    """The sources asked for: those of no environment or cluster belong to all."""
    return [
        source
        for source in overlay.sources.values()
        if (not scope.environment or source.environment in {"", scope.environment})
        and (not scope.cluster or source.cluster in {"", scope.cluster})
    ]


def span_event(span: Span[str], words: str, tone: Tone, url: str) -> Event:
    """The bar of a span."""
    return Event(span.start, f"{words}, {lasted_words(span.start, span.end, span.end)}", tone.value, url, span.end)
