"""Reading Alertmanagers and Prometheuses: everything is asked for first, then written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from apps.alerts.joining import AlertJoiner, ApplicationPlace
from apps.alerts.models import Holding
from apps.alerts.planning import Answer
from apps.alerts.services import DROPPED, RESTARTED, SETTLING, alertmanager_merge, rules_align, silences_align
from apps.alerts.telling import PLAIN_FINGERPRINT, Told, alert_told, groupings_of, stand_in_grouping
from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamDenied, UpstreamError
from apps.core.leases import lease_is_held, lease_take
from apps.core.matchers import LabelMatcher, are_met
from apps.fleet.naming import is_in_cluster
from apps.fleet.overlay import WATCHDOG_MISSING
from apps.gitops.models import Application, ClusterConnection
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.alertmanager.values import Alert, Group, Silence, Status
from apps.integrations.http import CallFacts, is_given_to_nobody
from apps.integrations.listing import Listing, Unreadable
from apps.integrations.prometheus.values import Rule
from apps.sources.catalog import SourceSpec
from apps.sources.clients import alertmanager_client, prometheus_client
from apps.sources.fleetfile.schema import Alertmanager, AlertRouting, FleetFile, Observatorium
from apps.sources.models import Source
from apps.sources.reading import ReadOutcome

T = TypeVar("T")

# A restarted Alertmanager knows no alerts until every Prometheus has sent them again.
KNOWS_ALL_AFTER = timedelta(minutes=5)
FEWEST_TO_DROP = 10
MOST_NAMED, FEWEST_LOST = 3, 2
LACKING = "its answer may lack data, by its own word"


@dataclass(frozen=True)
class MemberAnswers:
    """All that one member told in one round. `groups` and `status` are None where the server does not expose them."""

    alerts: Listing[Alert]
    silences: Listing[Silence]
    groups: Listing[Group] | None
    status: Status | None
    facts: CallFacts | None

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """All items that could not be read."""
        return self.alerts.unreadable + self.silences.unreadable + (self.groups.unreadable if self.groups else ())


def alertmanager_read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    """Reads one member of an Alertmanager group and merges it into the group. Raises UpstreamError."""
    has_told_all = Source.objects.filter(key=spec.key).exclude(version="").exists()
    connection_let_go()
    answers = _ask(alertmanager_client(fleet, spec.key), has_told_all=has_told_all)
    routing = _routing(fleet, spec.group)
    doubt = _doubt(spec, answers)
    silences_align(
        group=spec.group,
        source=spec.key,
        told=answers.silences.items,
        is_complete=not answers.silences.unreadable,
        doubt="" if doubt == DROPPED else doubt,  # silences are kept over a restart
    )
    alertmanager_merge(
        group=spec.group,
        answer=_answer(spec, fleet, answers, routing.group_by),
        doubt=doubt,
        watchdog=routing.watchdog,
    )
    lacks_watchdog = routing.watchdog is not None and not _has(answers.alerts.items, routing.watchdog)
    return _outcome(spec, answers, doubt, WATCHDOG_MISSING if lacks_watchdog else "")


def rules_read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    """Reads the rules of one Prometheus or Observatorium tenant. Raises UpstreamError."""
    connection_let_go()
    client = prometheus_client(fleet, spec.key)
    rules = client.rules()
    facts = client.last
    try:
        version = client.build_version()
    except UpstreamError:  # a proxy in front may let nothing but rules through, and these were told whole
        version = ""
    is_complete = not rules.unreadable and not rules.warnings
    rules_align(prometheus=spec.group, told=rules.items, slo=fleet.alerts.slo, is_complete=is_complete)
    return ReadOutcome(
        items=len(rules.items),
        unreadable=len(rules.unreadable),
        unreadable_reason=_first_reason(rules.unreadable),
        version=version,
        note=" · ".join(filter(None, [LACKING if rules.warnings else "", _broken(rules.items)])),
        warnings=rules.warnings,
        facts=facts,
    )


def _broken(rules: Iterable[Rule]) -> str:
    """A remark where rules fail: silence of their alerts proves nothing."""
    names = [rule.name for rule in rules if rule.health == "err"]
    if not names:
        return ""
    told = ", ".join([*names[:MOST_NAMED], *(["…"] if len(names) > MOST_NAMED else [])])
    which = (
        "1 rule cannot be evaluated, its alert"
        if len(names) == 1
        else f"{len(names)} rules cannot be evaluated, their alerts"
    )
    return f"{which} cannot fire: {told}"


def _doubt(spec: SourceSpec, answers: MemberAnswers) -> str:
    """Why a member's lacking an alert proves nothing yet: SETTLING, RESTARTED, DROPPED or ""."""
    if answers.status is not None:
        return doubt_of(answers.status, database_now(), answers.facts.skew if answers.facts else None)
    name = f"alerts-dropped:{spec.key}"
    if lease_is_held(name=name):
        return DROPPED
    if not _has_dropped(spec.key, answers.alerts):
        return ""
    lease_take(name=name, holder=spec.key, seconds=KNOWS_ALL_AFTER.total_seconds())
    return DROPPED


def _has_dropped(source: str, listing: Listing[Alert]) -> bool:
    """Whether it lacks more than half of what it told last, several at once: so does one that has restarted, which the
    gateway of Observatorium, or a proxy, does not let us ask; and in turns a Service over several of which one has. A
    single alert ends: that is how alerts end."""
    told = {alert.fingerprint for alert in listing.items} | {item.name for item in listing.unreadable}
    holdings = Holding.objects.filter(source=source, episode__ended_at=None)
    held = set(holdings.values_list("episode__fingerprint", flat=True))
    lacking = len(held - told)
    return lacking >= FEWEST_LOST and lacking * 2 > len(held)


def doubt_of(status: Status, now: datetime, skew: float | None) -> str:
    """The doubt about a member that tells its status. Its clock is `skew` s ahead."""
    if status.cluster_status == "settling":
        return SETTLING
    if status.started_at is None:
        return ""
    uptime = now + timedelta(seconds=skew or 0.0) - status.started_at
    return RESTARTED if uptime < KNOWS_ALL_AFTER else ""


def _ask(client: AlertmanagerClient, *, has_told_all: bool) -> MemberAnswers:
    """All of it. What a proxy in front never let through is None; a right that was taken away fails the whole read."""
    alerts = client.alerts()
    facts = client.last
    silences = client.silences()
    groups = _exposed(client.groups, has_told_all=has_told_all)
    status = _exposed(client.status, has_told_all=has_told_all)
    return MemberAnswers(alerts, silences, groups, status, facts)


def _exposed(ask: Callable[[], T], *, has_told_all: bool) -> T | None:
    try:
        return ask()
    except UpstreamError as error:
        was_taken_away = has_told_all and isinstance(error, UpstreamDenied)
        if was_taken_away or not is_given_to_nobody(error):
            raise
        return None


def _routing(fleet: FleetFile, group: str) -> AlertRouting:
    """What the fleet file says of the group beside its addresses."""
    routings: tuple[Alertmanager | Observatorium, ...] = (*fleet.alertmanagers, *fleet.observatorium)
    return next(routing for routing in routings if routing.name == group)


def _answer(spec: SourceSpec, fleet: FleetFile, answers: MemberAnswers, group_by: tuple[str, ...]) -> Answer:
    names = [unreadable.name for unreadable in answers.alerts.unreadable]
    return Answer(
        source=spec.key,
        told={told.fingerprint: told for told in _told(spec, fleet, answers, group_by)},
        kept=frozenset(names),
        is_complete=all(PLAIN_FINGERPRINT.match(name) for name in names),
    )


def _told(spec: SourceSpec, fleet: FleetFile, answers: MemberAnswers, group_by: tuple[str, ...]) -> Iterator[Told]:
    joiner = _joiner(spec, fleet)
    groupings = groupings_of(answers.groups.items if answers.groups else ())
    for alert in answers.alerts.items:
        grouping = groupings.get(alert.fingerprint) or stand_in_grouping(alert.labels, group_by)
        yield alert_told(alert, grouping=grouping, joiner=joiner)


def _joiner(spec: SourceSpec, fleet: FleetFile) -> AlertJoiner:
    """Two queries, however many alerts there are. Only what Argo CD instances of the fleet file told counts."""
    instances = [argocd.name for argocd in fleet.argocd]
    connections = ClusterConnection.objects.filter(instance__in=instances).exclude(cluster="")
    places = Application.objects.filter(instance__in=instances).values_list(
        "instance", "namespace", "name", "cluster", "destination_namespace", "environment"
    )
    return AlertJoiner(
        fleet,
        (ApplicationPlace(*place) for place in places.iterator()),
        default_cluster=spec.cluster,
        default_environment=spec.environment,
        learnt=[
            (told, cluster)
            for server, name, cluster in connections.values_list("server", "name", "cluster")
            for told in (server, name)
            if told and not is_in_cluster(told)
        ],
    )


def _has(alerts: Iterable[Alert], watchdog: tuple[LabelMatcher, ...]) -> bool:
    return any(are_met(watchdog, alert.labels) for alert in alerts)


def _outcome(spec: SourceSpec, answers: MemberAnswers, *warnings: str) -> ReadOutcome:
    codes = tuple(filter(None, warnings))
    dropped = _dropped(spec.key, len(answers.alerts.items))
    return ReadOutcome(
        items=len(answers.alerts.items),
        unreadable=len(answers.unreadable),
        unreadable_reason=_first_reason(answers.unreadable),
        version=answers.status.version if answers.status else "",
        note=" · ".join(filter(None, [dropped, *(NOTES[code] for code in codes)])),
        warnings=codes,
        facts=answers.facts,
    )


NOTES = {
    SETTLING: "its HA cluster is settling: alerts that it lacks are unconfirmed, not ended",
    RESTARTED: "it has just restarted: alerts that it lacks are unconfirmed, not ended",
    DROPPED: "it has lost most of its alerts at once: for five minutes they are unconfirmed, not ended",
    WATCHDOG_MISSING: "the watchdog alert is missing: no alerts does not mean that all is well",
}


def _dropped(key: str, items: int) -> str:
    """A remark, until the next read, where a source that told many alerts tells none."""
    before = Source.objects.filter(key=key).values_list("items", flat=True).first() or 0
    if items or before < FEWEST_TO_DROP:
        return ""
    return f"dropped from {before:,} to 0 at {database_now():%H:%M:%S} UTC"


def _first_reason(unreadable: tuple[Unreadable, ...]) -> str:
    """The first of them in words, with its name where that much could be read."""
    return next((f"{one.name or f'item {one.index}'}: {one.reason}" for one in unreadable), "")
