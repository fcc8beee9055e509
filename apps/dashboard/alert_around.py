"""What stands around an alert: the Applications it is about, what else fires, what changed before, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.http import QueryDict
from django.urls import reverse

from apps.alerts.listing import EpisodeRow, episode_rows
from apps.alerts.models import Episode, EpisodeQuerySet
from apps.alerts.narrowing import Narrower
from apps.alerts.noting import subject_of as alert_subject
from apps.core.lists import ALL
from apps.core.ranking import rank_of
from apps.core.tones import Tone
from apps.core.verdict import Verdict
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application
from apps.gitops.models import shown_verdict as shown_application_verdict
from apps.runbooks.coverage_shown import agreement_of
from apps.sources.fleetfile import fleet_file_or_empty
from apps.timeline.changes import BEFORE_IT, Around
from apps.timeline.models import Kind, Transition, TransitionQuerySet
from apps.timeline.suspects import SEEN_LATE, Scene, Suspect, suspects_of

from .applications import subject_of

MOST_NEIGHBOURS, MOST_TWINS = 50, 200
MOST_CONCERNED = 5
NEAR_READ, FAR_READ = 200, 100
MOST_RELATED = 6
FAR_FIELDS = ("revision", "operation", "action")
ROUTING = ("team", "alert_routing_key", "alert_team_handle")


@dataclass(frozen=True)
class Concerned:
    """An Application that the alert is about, with its verdict; `is_named` where the alert was joined to it."""

    thing: Application
    verdict: Verdict
    is_named: bool

    @property
    def is_to_be_mended(self) -> bool:
        """Whether a Resync may be what it wants."""
        return self.verdict.tone in {Tone.CRITICAL, Tone.WARNING}


@dataclass(frozen=True)
class Surroundings:
    """The Applications around an alert: those `concerned`, the subjects of all in its namespace, of the same component
    elsewhere, and what the component is called."""

    concerned: tuple[Concerned, ...]
    left: int
    neighbours: frozenset[str]
    twins: frozenset[str]


@dataclass(frozen=True)
class Related:
    """Other alerts that fire now: the nearest as rows, and how many there are of each sort with their list."""

    rows: Sequence[EpisodeRow]
    counts: tuple[tuple[int, str, str], ...]


def surroundings_of(episode: Episode, overlay: Overlay) -> Surroundings:
    """The Application that the alert was joined to first, then others of its namespace, those not well first.

    Two queries at most.
    """
    near = neighbours_of(episode, overlay)
    named = next((row for row in near if subject_of(row) == episode.application), None)
    others = [row for row in near if row is not named]
    concerned = [*([told_of(named, overlay, is_named=True)] if named else [])]
    concerned += sorted((told_of(row, overlay) for row in others), key=lambda each: each.verdict.tone.rank)
    component = named.set_name if named else episode.labels.get("component", "")
    return Surroundings(
        tuple(concerned[:MOST_CONCERNED]),
        max(0, len(concerned) - MOST_CONCERNED),
        frozenset(subject_of(row) for row in others),
        twins_of(component, episode.cluster),
    )


def neighbours_of(episode: Episode, overlay: Overlay) -> list[Application]:
    """The Application that it was joined to, and those deployed to its namespace of its cluster."""
    wanted = Q()
    if len(names := episode.application.split("/")) == 3:
        wanted |= Q(instance=names[0], namespace=names[1], name=names[2])
    namespace = namespace_of(episode)
    if episode.cluster and namespace:
        wanted |= Q(cluster=episode.cluster, destination_namespace=namespace)
    if not wanted:
        return []
    return list(Application.objects.current(overlay).filter(wanted).order_by("name")[:MOST_NEIGHBOURS])


def namespace_of(episode: Episode) -> str:
    """The namespace that it is about; an alert of Argo CD names its own namespace too, which says nothing."""
    namespace: str = episode.labels.get("dest_namespace") or episode.labels.get("namespace", "")
    return namespace


def told_of(row: Application, overlay: Overlay, *, is_named: bool = False) -> Concerned:
    """The Application with its verdict."""
    return Concerned(row, shown_application_verdict(row, overlay), is_named)


def twins_of(component: str, cluster: str) -> frozenset[str]:
    """The subjects of the Applications of the same component on other clusters."""
    if not component:
        return frozenset()
    twins = Application.objects.filter(set_name=component).exclude(cluster=cluster)
    names = twins.values_list("instance", "namespace", "name")[:MOST_TWINS]
    return frozenset("/".join(each) for each in names)


def suspects_around(episode: Episode, around: Surroundings) -> list[Suspect]:
    """What changed in the two hours before it began, the likeliest first. Two queries."""
    itself = (Kind.ALERT.value, alert_subject(episode))
    scene = Scene(
        moment=episode.began_at,
        application=episode.application,
        cluster=episode.cluster,
        environment=episode.environment,
        neighbours=around.neighbours,
        twins=around.twins,
        itself=itself,
    )
    near = Around(cluster=episode.cluster, application=episode.application, without=itself)
    lines = [] if near.is_nothing else list(before(episode, near.lines())[:NEAR_READ])
    lines += list(far_lines(episode, around)[:FAR_READ]) if episode.environment or around.twins else []
    return suspects_of(lines, scene)


def before(episode: Episode, lines: TransitionQuerySet) -> TransitionQuerySet:
    """Those of the two hours before it, newest first."""
    return lines.happened(episode.began_at - BEFORE_IT, episode.began_at + SEEN_LATE).newest_first()


def far_lines(episode: Episode, around: Surroundings) -> TransitionQuerySet:
    """What people and Argo CD did elsewhere: to the same component, and in the same environment."""
    is_near = Q(subject__in=list(around.twins))
    if episode.environment:
        is_near |= Q(environment=episode.environment)
    lines = Transition.objects.of(kinds=[Kind.ACTION, Kind.APPLICATION], fields=FAR_FIELDS).filter(is_near)
    return before(episode, lines.exclude(cluster=episode.cluster) if episode.cluster else lines)


def related_to(episode: Episode, overlay: Overlay) -> Related:
    """What fires now on the same Application, by the same name, on the same cluster. Two queries, and those of rows."""
    ways = ways_of(episode)
    if not ways:
        return Related([], ())
    near = Q()
    for _, is_so, _ in ways:
        near |= is_so
    firing = Episode.objects.firing().current(overlay).filter(near)
    firing = firing.exclude(alertmanager=episode.alertmanager, fingerprint=episode.fingerprint)
    counts = firing.aggregate(**{f"n{place}": Count("pk", filter=is_so) for place, (_, is_so, _) in enumerate(ways)})
    told = [(counts[f"n{place}"], words, url) for place, (words, _, url) in enumerate(ways)]
    shown = [each for each in told if each[0]]
    return Related(rows_of(firing, ways, overlay) if shown else [], tuple(shown))


Way = tuple[str, Q, str]


def ways_of(episode: Episode) -> list[Way]:
    """In which ways another alert is related, the nearest first: (words, condition, list)."""
    ways = []
    if episode.name:
        ways.append(("by the same name", Q(name=episode.name), listed_by_label("alertname", episode.name)))
    if episode.cluster:
        list_url = f"{reverse('alerts:alert-list')}?{urlencode({'environment': ALL, 'cluster': episode.cluster})}"
        ways.append((f"on {episode.cluster}", Q(cluster=episode.cluster), list_url))
    if episode.application:
        ways.insert(0, ("on the same Application", Q(application=episode.application), ""))
    return ways


def listed_by_label(name: str, value: str) -> str:
    """The list of alerts in all environments with this label."""
    query = QueryDict(mutable=True)
    query["environment"] = ALL
    link: str = Narrower(query, path=reverse("alerts:alert-list")).by_label(name, value).only
    return link


def rows_of(firing: EpisodeQuerySet, ways: Sequence[Way], overlay: Overlay) -> list[EpisodeRow]:
    """The nearest of them, and of those the worst."""
    near = Case(
        *(When(is_so, then=Value(place)) for place, (_, is_so, _) in enumerate(ways)),
        default=Value(len(ways)),
        output_field=IntegerField(),
    )
    ranked = firing.with_shown_tone(overlay).annotate(near=near, shown_rank=rank_of("shown_tone"))
    ordered = ranked.order_by("near", "shown_rank", "-began_at", "pk")
    return episode_rows(ordered.prefetch_related("holdings")[:MOST_RELATED], overlay)


def told_by_fleet(episode: Episode) -> dict[str, Any]:
    """What the fleet file says: the alert's `owner`, None where it names none so called; the `agreement`'s phase."""
    fleet = fleet_file_or_empty()
    owner = next((owner for owner in fleet.owners if owner.name == episode.owner), None)
    return {"owner": owner, "agreement": agreement_of(fleet)}


def routing_of(episode: Episode) -> list[tuple[str, str]]:
    """The labels and annotations by which it finds the people who are told."""
    told = ((name, episode.labels.get(name) or episode.annotations.get(name, "")) for name in ROUTING)
    return [(name, value) for name, value in told if value]
