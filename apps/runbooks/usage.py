"""Which rules and alerts link which runbook, and when it was last needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db.models import Count, Max, Q

from apps.alerts.joining import AlertJoiner
from apps.alerts.models import Episode
from apps.core.keeping import Keeper, is_younger
from apps.core.tones import Tone
from apps.core.topics import version_of
from apps.fleet.overlay import Overlay
from apps.sources.fleetfile import FleetFile, fleet_file_or_empty

from .coverage_days import held_rules
from .finding import RunbookAddress, runbook_address
from .rules import RuleTold

Key = tuple[str, str]
COMPONENT = "component"
TOPICS = ("alerts", "rules", "runbooks")
KEPT_SECONDS = 30.0
BORNE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule that links the runbook."""

    name: str
    group: str
    prometheus: str
    owner: str
    component: str
    is_slo: bool


@dataclass
class Usage:
    """Who uses one runbook. `alerts` counts the episodes that the portal knows, `firing` those that have not ended, of
    Alertmanagers that the fleet file still names, `critical` those of them that are critical; `last_at` is when the
    last one began; `urls` are those under which rules and episodes link it."""

    rules: list[RuleUse] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    alerts: int = 0
    firing: int = 0
    critical: int = 0
    last_at: datetime | None = None
    urls: set[str] = field(default_factory=set)

    @property
    def firing_tone(self) -> Tone:
        """The worst of what fires."""
        return Tone.CRITICAL if self.critical else Tone.WARNING

    @property
    def components(self) -> set[str]:
        """The rules' components."""
        return {rule.component for rule in self.rules if rule.component}

    @property
    def is_slo(self) -> bool:
        """Whether a rule on a service-level objective links it."""
        return any(rule.is_slo for rule in self.rules)


NOBODY = Usage()
Usages = Mapping[Key, Usage]
USAGES: Keeper[tuple[FleetFile, int, Usages]] = Keeper(1)


def usages_now(overlay: Overlay) -> Usages:
    """Source and path → who uses it, at most half a minute old. One query; two more where it is looked up anew."""
    fleet, version = fleet_file_or_empty(), version_of(TOPICS)

    def is_good(kept: tuple[FleetFile, int, Usages], age: float) -> bool:
        seconds = BORNE_SECONDS if kept[1] == version else KEPT_SECONDS
        return kept[0] is fleet and is_younger(age, seconds)

    return USAGES.get(
        "usages",
        is_good=is_good,
        is_bearable=lambda kept, age, _: kept[0] is fleet and is_younger(age, BORNE_SECONDS),
        make=lambda: (fleet, version, usages_found(fleet, overlay)),
    )[2]


def usages_found(fleet: FleetFile, overlay: Overlay) -> Usages:
    """The same, looked up. Two queries; none without a source of runbooks."""
    found: defaultdict[Key, Usage] = defaultdict(Usage)
    if not fleet.runbooks:
        return found
    address_of = addresses(fleet)
    joiner = AlertJoiner(fleet)
    for rule in held_rules(fleet):
        if key := address_of(url := rule.runbook_url or ""):
            found[key].rules.append(use_of(rule, joiner))
            found[key].urls.add(url)
    asked = Episode.objects.exclude(runbook_url="").order_by("runbook_url").values_list("runbook_url", "owner")
    fires = Q(ended_at=None) & ~Q(alertmanager__in=overlay.archived_alertmanagers)
    counted = asked.annotate(
        alerts=Count("pk"),
        firing=Count("pk", filter=fires),
        critical=Count("pk", filter=fires & Q(tone=Tone.CRITICAL)),
        last_at=Max("began_at"),
    )
    for url, rows in groupby(counted, key=lambda row: row[0]):
        if key := address_of(url):
            add_episodes(found[key], [row[1:] for row in rows])
            found[key].urls.add(url)
    for usage in found.values():
        usage.owners |= {rule.owner for rule in usage.rules}
        usage.owners.discard("")
    return dict(found)


def add_episodes(usage: Usage, rows: list[tuple[str, int, int, int, datetime]]) -> None:
    """Adds what was counted of the episodes with one URL, by owner."""
    for owner, count, firing, critical, last_at in rows:
        usage.owners.add(owner)
        usage.alerts += count
        usage.firing += firing
        usage.critical += critical
        usage.last_at = max(filter(None, [usage.last_at, last_at]), default=None)


def addresses(fleet: FleetFile) -> Callable[[str], Key | None]:
    """The file that a URL leads to, looked up once for each."""
    known: dict[str, RunbookAddress | None] = {}

    def address_of(url: str) -> Key | None:
        if url not in known:
            known[url] = runbook_address(fleet, url) if url else None
        found = known[url]
        return (found.source, found.path) if found else None

    return address_of


def use_of(rule: RuleTold, joiner: AlertJoiner) -> RuleUse:
    """What is told of a rule that links a runbook."""
    joined = joiner.joined(rule.labels, rule.annotations)
    return RuleUse(rule.name, rule.group, rule.prometheus, joined.owner, rule.told(COMPONENT), joined.is_slo)
