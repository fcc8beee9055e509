"""Links that narrow the list of alerts: only a label's value, or not it; a matcher turned round, or taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from django.http import QueryDict
from django.urls import reverse

from apps.core.lists import ALL, NOT_SET
from apps.core.live import POLL_PARAMETERS
from apps.core.matchers import LabelMatcher
from apps.core.matchers.lines import LONGEST_LINE
from apps.sources.fleetfile import fleet_file_or_empty
from apps.sources.fleetfile.schema import Alerts

from .models import Episode

FILTER = "filter"
REPLACED = frozenset({FILTER, "page", "format", *POLL_PARAMETERS})


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The list with only the alerts that have a value, and without them; "" where no address says it."""

    only: str
    without: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One matcher of the line, with the addresses of the list with it turned round and with it taken away."""

    matcher: LabelMatcher
    turned: str
    away: str


class Narrower:
    """Makes the addresses of one list: its other filters stay, its page does not."""

    def __init__(self, query: QueryDict, matchers: Iterable[LabelMatcher] = (), path: str = "") -> None:
        kept = query.copy()
        for name in REPLACED & set(kept):
            del kept[name]
        self._query, self._path, self._matchers = kept, path, tuple(matchers)
        self._base = kept.urlencode()
        self._made: dict[tuple[str, str], Narrowing] = {}

    def by_label(self, name: str, value: str) -> Narrowing:
        """By a label's value; "" is the value of a label that is not there."""
        made = self._made.get((name, value))
        if made is None:
            is_it = LabelMatcher(name, "=", value)
            made = Narrowing(self._with(is_it), self._with(is_it.turned))
            self._made[name, value] = made
        return made

    def by_word(self, column: str, word: str) -> Narrowing:
        """By a filter of the list where no label says it; such a filter cannot leave out."""
        query = self._query.copy()
        query[column] = word or NOT_SET
        return Narrowing(self._address(query.urlencode(), self._matchers))

    def chips(self) -> list[Chip]:
        """The matchers of the line."""
        return [Chip(each, self._replacing(each, (each.turned,)), self._replacing(each, ())) for each in self._matchers]

    def _with(self, added: LabelMatcher) -> str:
        """The line with a matcher more; those on its label that it contradicts, or says already, are taken out."""
        kept = [each for each in self._matchers if not _is_settled_by(each, added)]
        return self._address(self._base, (*kept, added))

    def _replacing(self, old: LabelMatcher, new: tuple[LabelMatcher, ...]) -> str:
        line = [each for matcher in self._matchers for each in (new if matcher == old else (matcher,))]
        return self._address(self._base, line)

    def _address(self, query: str, matchers: Iterable[LabelMatcher]) -> str:
        line = ", ".join(map(str, matchers))
        if len(line) > LONGEST_LINE:
            return ""
        parts = [query, f"{FILTER}={quote(line, safe='')}" if line else ""]
        return f"{self._path}?{'&'.join(filter(None, parts))}"


def _is_settled_by(matcher: LabelMatcher, added: LabelMatcher) -> bool:
    """Whether a matcher says nothing any more, or the contrary, beside one on a single value of its label."""
    if matcher.name != added.name or matcher.is_regex:
        return False
    return matcher.value == added.value or not added.is_negative


def labels_that_name() -> Alerts:
    """What the labels of alerts mean, by the fleet file; as it is delivered where that cannot be read."""
    return fleet_file_or_empty().alerts


def narrowings_of(episode: Episode, narrower: Narrower, naming: Alerts) -> Mapping[str, Narrowing]:
    """Links for what a row shows: its severity, cluster, owner."""
    labels = episode.labels
    named = next((name for name in naming.cluster_labels if labels.get(name)), "")
    owning = next((name for name in naming.owner_labels if is_owner(episode, name)), "")
    return {
        "severity": narrower.by_label("severity", labels.get("severity", "")),
        "cluster": narrower.by_label(named, labels[named]) if named else narrower.by_word("cluster", episode.cluster),
        "owner": narrower.by_label(owning, episode.owner) if owning else narrower.by_word("owner", episode.owner),
    }


def is_owner(episode: Episode, name: str) -> bool:
    """Whether the label of this name says the episode's owner."""
    return bool(episode.owner) and episode.labels.get(name) == episode.owner


def narrower_from(episode: Episode) -> Narrower:
    """For links from an alert's own page to the list, in the alert's environment."""
    query = QueryDict(mutable=True)
    query["environment"] = episode.environment or ALL
    return Narrower(query, path=reverse("alerts:alert-list"))
