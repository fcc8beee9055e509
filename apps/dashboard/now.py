"""Now: what needs somebody, where it is, and what changed in the last hour. The number of queries is constant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, Value, When, Window
from django.db.models.fields.json import KT
from django.db.models.functions import Least, RowNumber
from django.http import HttpRequest

from apps.actions.silences.listing import silences_ending
from apps.alerts.models import Episode, EpisodeQuerySet
from apps.alerts.support import HAS_MISNAMED_RUNBOOK, HAS_RUNBOOK_KEY
from apps.core.ages import first_after
from apps.core.environment import PARAMETER
from apps.core.lists import Asked
from apps.core.live import CHANGES_AT
from apps.core.ranking import rank_of
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.models import ClusterRole
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application, ApplicationQuerySet, shown_verdict
from apps.timeline.changes import Around, Change, changes_before

from .attention import Row, acknowledged_by, ranked
from .clusters import ClusterRow, by_cluster, counted_rows
from .context import NEEDING
from .pictures import broken_pictures
from .problems import (
    alert_problems,
    application_problems,
    applications_together,
    cluster_problems,
    doubted_alertmanagers,
    doubted_applications,
    own_causes,
    source_problems,
)

ROWS_READ = 200
GROUPS_READ = 5000
SMALL_FLEET = 16
CARDS = 8
ROWS_SHOWN = 40
NOT_IN_ROWS = (
    "annotations",
    "receivers",
    "group_labels",
    "silenced_by",
    "inhibited_by",
    "muted_by",
    "generator_url",
)
LAST_HOUR = timedelta(hours=1)
OWN_VERDICT_STAYS = (Tone.CRITICAL.value, Tone.WARNING.value)


@dataclass(frozen=True)
class Strip:
    """Clusters of one role: those that are shown as cards, and the quiet rest of a big fleet."""

    title: str
    cards: Sequence[ClusterRow]
    others: Sequence[ClusterRow]

    @property
    def telling_count(self) -> int:
        """How many of the others are not quiet."""
        return sum(has_something_to_say(row) for row in self.others)


@dataclass(frozen=True)
class Totals:
    """How many Applications, clusters and alerts there are, by the tone in which they are shown."""

    applications: Counter[str]
    clusters: Counter[Tone]
    alerts: Counter[str]


@dataclass(frozen=True)
class Tally:
    """`count` things of one cluster that are alike: `tone` is their own, `shown_tone` what they are shown in."""

    cluster: str
    environment: str
    tone: str
    shown_tone: str
    count: int
    instance: str = ""


@dataclass(frozen=True)
class Things:
    """What may need somebody in the environment shown."""

    clusters: list[ClusterRow]
    episodes: EpisodeQuerySet
    applications: ApplicationQuerySet
    application_tallies: list[Tally]


def now_shown(request: HttpRequest, overlay: Overlay) -> dict[str, Any]:
    """What the page shows of the environment asked for."""
    asked = Asked(request.GET)
    environments = list(dict.fromkeys(cluster.environment for cluster in overlay.clusters))
    environment = asked.choice(PARAMETER, environments)
    here = {PARAMETER: environment} if environment else {}
    episodes = Episode.objects.firing().current(overlay).with_shown_tone(overlay).filter(**here).order_by()
    applications = Application.objects.current(overlay).with_shown_tone(overlay).filter(**here).order_by()
    alert_tallies, application_tallies = tallies_of_alerts(episodes), tallies_of_applications(applications)
    clusters = counted_rows(
        [cluster for cluster in overlay.clusters if environment in {"", cluster.environment}],
        overlay,
        alerts=by_cluster((tally.cluster, tally.shown_tone, tally.count) for tally in alert_tallies),
        applications=by_cluster((tally.cluster, tally.shown_tone, tally.count) for tally in application_tallies),
    )
    things = Things(clusters, episodes, applications, application_tallies)
    rows, row_count = rows_of(things, overlay, environment, environments)
    acknowledged = sum(row.is_acknowledged for row in rows)
    totals = Totals(
        totals_of(application_tallies), Counter(row.verdict.tone for row in clusters), totals_of(alert_tallies)
    )
    ending = silences_ending(overlay.now, overlay.archived_alertmanagers)
    return {
        "title": "Now",
        CHANGES_AT: first_after(overlay.now, [*(row.restore_by for row in clusters), *ending.changes]),
        "ending": ending.rows,
        "environment": environment,
        "problems": asked.problems,
        "strips": strips_of(clusters),
        "rows": rows[:ROWS_SHOWN],
        "row_count": row_count,
        "acknowledged_count": acknowledged,
        "needing_count": row_count - acknowledged,
        "more_rows": max(0, row_count - ROWS_SHOWN),
        "totals": totals,
        "is_certain": is_certain(overlay),
        "changes": changes_of(overlay.now, environment),
        "broken": broken_pictures(overlay, environment),
    }


def rows_of(things: Things, overlay: Overlay, environment: str, environments: Sequence[str]) -> tuple[list[Row], int]:
    """The rows of the list, most urgent first, and how many there are with those of alerts that were not read."""
    broken = worst_applications(things.applications, overlay)
    on_applications = list(application_problems(broken, together_among(things.applications, overlay), environment))
    worst, spread = list(worst_episodes(things.episodes)), spread_of(things.episodes)
    problems = [
        *cluster_problems(things.clusters, overlay),
        *source_problems(overlay, environment, {row.cluster.name: row for row in things.clusters}),
        *doubted_alertmanagers(overlay, environment),
        *alert_problems(worst, spread, own_causes(on_applications), environment),
        *on_applications,
        *doubted_applications(doubted(things.application_tallies, overlay), overlay, environment),
    ]
    rows = ranked(acknowledged_by(problems, overlay), environments)
    return rows, len(rows) + len(spread.keys() - {episode.name for episode in worst})


def tallies_of_alerts(episodes: EpisodeQuerySet) -> list[Tally]:
    """How many alerts fire on each cluster, by tone. One query."""
    counted = episodes.values_list("cluster", "environment", "tone", F("shown_tone")).annotate(Count("pk"))
    return [Tally(*row) for row in counted]


def tallies_of_applications(applications: ApplicationQuerySet) -> list[Tally]:
    """How many Applications are on each cluster, by Argo CD instance and tone. One query."""
    columns = ("cluster", "environment", "tone", F("shown_tone"), "instance")
    counted = applications.values_list(*columns).annotate(Count("pk"))
    return [
        Tally(cluster, environment, tone, shown_tone, count, instance)
        for cluster, environment, tone, shown_tone, instance, count in counted
    ]


def totals_of(tallies: Iterable[Tally]) -> Counter[str]:
    """How many there are by the tone in which they are shown."""
    totals = Counter[str]()
    for tally in tallies:
        totals[tally.shown_tone] += tally.count
    return totals


def worst_episodes(episodes: EpisodeQuerySet) -> Iterable[Episode]:
    """The most urgent alerts that need somebody by their own verdict, of their texts the summary alone. One query.

    The worst of each name come before all others, so that no name is lost behind one that fires hundreds of times.
    """
    needing = episodes.filter(tone__in=NEEDING).annotate(rank=rank_of("tone"), summary=KT("annotations__summary"))
    needing = needing.annotate(tells_runbook=HAS_RUNBOOK_KEY, misnames_runbook=HAS_MISNAMED_RUNBOOK)
    order = ("rank", "-is_slo", "-began_at")
    place = Window(RowNumber(), partition_by="name", order_by=order)
    worst_first = Least(place, Value(2), output_field=IntegerField())
    return needing.defer(*NOT_IN_ROWS).annotate(place=worst_first).order_by("place", *order)[:ROWS_READ]


def spread_of(episodes: EpisodeQuerySet) -> dict[str, int]:
    """By name of an alert, how many of it need somebody. One query."""
    return dict(episodes.filter(tone__in=NEEDING).values_list("name").annotate(Count("pk")))


def is_doubted(overlay: Overlay) -> Q:
    """Applications that another source's state makes not known."""
    on_doubtful = Q(instance__in=list(overlay.doubtful_instances)) | Q(cluster__in=list(overlay.doubtful_clusters))
    return on_doubtful & ~Q(tone__in=OWN_VERDICT_STAYS)


def worst_applications(applications: ApplicationQuerySet, overlay: Overlay) -> list[tuple[Application, Verdict]]:
    """The most urgent Applications that need somebody by their own verdict, with the shown one. One query."""
    needing = applications.filter(tone__in=NEEDING).exclude(is_doubted(overlay)).annotate(rank=rank_of("tone"))
    newest = F("tone_since").desc(nulls_last=True)
    rows = needing.defer("labels", "conditions").order_by("rank", newest)[:ROWS_READ]
    return [(application, shown_verdict(application, overlay)) for application in rows]


def together_among(applications: ApplicationQuerySet, overlay: Overlay) -> Counter[str]:
    """By cause, how many Applications that need somebody have it. One query."""
    needing = applications.filter(tone__in=NEEDING).exclude(is_doubted(overlay))
    component = Case(When(set_name="", then=F("name")), default=F("set_name"))
    grouped = needing.values_list("instance", component, "tone", "reason", "repo_url").annotate(Count("pk"))
    return applications_together(grouped[:GROUPS_READ])


def doubted(tallies: Iterable[Tally], overlay: Overlay) -> list[tuple[str, str, str, int]]:
    """(instance, cluster, environment, count) of Applications that another source's state makes not known."""
    found: Counter[tuple[str, str, str]] = Counter()
    for tally in tallies:
        by_doubt = tally.instance in overlay.doubtful_instances or tally.cluster in overlay.doubtful_clusters
        if by_doubt and tally.tone not in OWN_VERDICT_STAYS:
            found[tally.instance, tally.cluster, tally.environment] += tally.count
    return [(*key, count) for key, count in found.items()]


def strips_of(rows: Sequence[ClusterRow]) -> list[Strip]:
    """The clusters role by role; of a big fleet only those that have most to say are cards."""
    by_role = [(role, [row for row in rows if row.cluster.role == role]) for role in ClusterRole]
    if len(rows) <= SMALL_FLEET:
        return [Strip(role.label, of_role, []) for role, of_role in by_role if of_role]
    return [strip_of_many(role.label, of_role) for role, of_role in by_role if of_role]


def strip_of_many(title: str, rows: Sequence[ClusterRow]) -> Strip:
    """One line of cards, of those that have most to say; the others follow by name, the worst first."""
    by_urgency = sorted(rows, key=lambda row: (row.verdict.tone.rank, row.worst.rank))
    telling = [row for row in by_urgency if has_something_to_say(row)]
    quiet = [row for row in by_urgency if not has_something_to_say(row)]
    return Strip(title, telling[:CARDS], [*telling[CARDS:], *quiet])


def has_something_to_say(row: ClusterRow) -> bool:
    """Whether the cluster, an alert or an Application on it is not well or not known, or something is under way."""
    return row.verdict.tone is not Tone.WELL or row.worst is not Tone.WELL


def is_certain(overlay: Overlay) -> bool:
    """Whether every source is fresh and being read, so that nothing to do may be called so."""
    is_all_fresh = bool(overlay.total_count) and overlay.fresh_count == overlay.total_count
    return is_all_fresh and not overlay.doubtful_alertmanagers and overlay.is_being_read


def changes_of(now: datetime, environment: str) -> list[Change]:
    """What changed in the last hour, the newest first; not what was seen then and is older. One query."""
    return changes_before(now, Around(environment=environment), before=LAST_HOUR)
