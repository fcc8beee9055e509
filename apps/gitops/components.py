"""Applications as components on clusters: which row and column each is of, and where a component's revisions differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from apps.core.tones import RANKS, Tone
from apps.fleet.naming import is_in_cluster

from .models import ApplicationQuerySet

NOT_IN_THE_FLEET = ""
READ = (
    "pk",
    "instance",
    "name",
    "set_name",
    "cluster",
    "destination",
    "environment",
    "repo_url",
    "sync_revision",
    "tone",
    "shown_tone",
)


class Placed(NamedTuple):
    """One Application as far as its place and its weight need it.

    `tone` is the shown one, `own_tone` without what its cluster and its source do to it.

    Its component is the name of its set, across instances; its own where it has none.
    """

    pk: int
    instance: str
    name: str
    set_name: str
    cluster: str
    destination: str
    environment: str
    repo_url: str
    revision: str
    own_tone: str
    tone: str

    @property
    def kind(self) -> tuple[str, str]:
        """Within which its revision can be compared: another environment may well run another one."""
        return (self.environment, self.repo_url)


@dataclass
class Component:
    """One row: its Applications by column."""

    name: str
    cells: dict[str, list[Placed]] = field(default_factory=dict)

    @cached_property
    def placed(self) -> list[Placed]:
        """All its Applications."""
        return [each for cell in self.cells.values() for each in cell]

    @cached_property
    def tones(self) -> Counter[str]:
        """How many are in each tone."""
        return Counter(each.tone for each in self.placed)

    @cached_property
    def revisions(self) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """(environment, repository) → how many run each revision; one that is not known is not counted."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for each in self.placed:
            if each.revision:
                counts = found.setdefault(each.kind, {})
                counts[each.revision] = counts.get(each.revision, 0) + 1
        return found

    @cached_property
    def skews(self) -> Mapping[str, int]:
        """Environment → how many revisions run there, where it is more than one."""
        counts: dict[str, int] = {}
        for (environment, _), revisions in self.revisions.items():
            if len(revisions) > 1:
                counts[environment] = max(len(revisions), counts.get(environment, 0))
        return counts

    @cached_property
    def _usual(self) -> Mapping[tuple[str, str], str]:
        """The revision that more run than any other; "" where no one is ahead, so that all are marked."""
        usual = {}
        for kind, revisions in self.revisions.items():
            if len(revisions) > 1:
                (first, most), (_, next_most) = Counter(revisions).most_common(2)
                usual[kind] = first if most > next_most else ""
        return usual

    @property
    def is_quiet(self) -> bool:
        """Whether it has nothing to say: all well, and on one revision in each environment."""
        return not self.skews and set(self.tones) <= {Tone.WELL}

    @property
    def weight(self) -> tuple[int, int, bool, str]:
        """The worst first, of those alike the one with more of it; what a cluster or a source makes doubtful last."""
        own = Counter(each.own_tone for each in self.placed)
        worst = min(own, key=rank_of)
        return (rank_of(worst), -own[worst], not self.skews, self.name)

    def differs(self, each: Placed) -> bool:
        """Whether it runs another revision than most of its row in the same environment."""
        return bool(each.revision) and each.revision != self._usual.get(each.kind, each.revision)


def rank_of(tone: str) -> int:
    """The rank of a shown tone."""
    return RANKS.get(tone, Tone.UNKNOWN.rank)


def components_of(applications: ApplicationQuerySet, clusters: Iterable[str]) -> list[Component]:
    """The components of these Applications, the worst first. One query."""
    known, components = set(clusters), dict[str, Component]()
    for row in applications.order_by("pk").values_list(*READ):
        placed = Placed(*row)
        name = placed.set_name or placed.name
        component = components.get(name)
        if component is None:
            component = components[name] = Component(name)
        component.cells.setdefault(column_of(placed, known), []).append(placed)
    return sorted(components.values(), key=lambda each: each.weight)


def column_of(placed: Placed, known: set[str]) -> str:
    """The name of its cluster; of an instance's own one that the fleet file does not name, how it is called here."""
    if placed.cluster in known:
        return placed.cluster
    if is_in_cluster(placed.destination):
        return f"control plane of {placed.instance}"
    return NOT_IN_THE_FLEET
