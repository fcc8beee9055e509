"""What is asked of each kind of source to see whether the portal would get what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from functools import partial
from typing import NamedTuple, TypeVar

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamNotInstalled,
    UpstreamRejected,
)
from apps.core.matchers import LabelMatcher, are_met
from apps.integrations.alertmanager import Alert, AlertmanagerClient, Status
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.http import is_given_to_nobody
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.listing import Listing
from apps.integrations.prometheus import PrometheusClient
from apps.sources.checking.results import Fault, Findings

T = TypeVar("T")


class ArgoCDRight(NamedTuple):
    """A right that the portal's Argo CD account needs: on `resource`, asked for with `subresource`.

    Argo CD compares a right's object with the question as a glob (`*/*` of applications does not match `*`).
    """

    resource: str
    subresource: str


class KubernetesType(NamedTuple):
    """A type that the portal reads: its API group and plural name, and the client's method that lists it."""

    group: str
    resource: str
    method: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


VERBS = ("get", "list", "watch")
APPLICATIONS = ArgoCDRight("applications", "*/*")
SETS = ArgoCDRight("applicationsets", "*/*")
CLUSTERS = ArgoCDRight("clusters", "*")
PROJECTS = ArgoCDRight("projects", "*")
KUBERNETES_TYPES = (
    KubernetesType("", "nodes", "nodes"),
    KubernetesType("config.openshift.io", "clusterversions", "cluster_version"),
    KubernetesType("config.openshift.io", "clusteroperators", "cluster_operators"),
    KubernetesType("machineconfiguration.openshift.io", "machineconfigpools", "machine_config_pools"),
    KubernetesType("toolchain.dev.openshift.com", "toolchainstatuses", "toolchain_status"),
    KubernetesType("toolchain.dev.openshift.com", "memberstatuses", "member_status"),
    KubernetesType("toolchain.dev.openshift.com", "toolchainclusters", "toolchain_clusters"),
    KubernetesType("toolchain.dev.openshift.com", "spaceprovisionerconfigs", "space_provisioner_configs"),
    KubernetesType("argoproj.io", "argocds", "argocds"),
    KubernetesType("operators.coreos.com", "subscriptions", "subscriptions"),
    KubernetesType("operators.coreos.com", "clusterserviceversions", "cluster_service_versions"),
    KubernetesType("cluster.open-cluster-management.io", "managedclusters", "managed_clusters"),
)


MOST_PROJECTS = 10
NO_STATUS = "does not let us ask since when it runs: alerts that vanish together are doubted"
NO_GROUPS = "does not let us ask for its groups: `group_by` stands in, muted alerts look active"


def argocd_probe(client: ArgoCDClient, found: Findings) -> None:
    """Whether its Applications can be listed, and by whom."""
    if not _argocd_knows_us(client, found):
        return
    _list_probe(client, found, "Applications", client.applications, APPLICATIONS)


def argocd_inventory_probe(client: ArgoCDClient, found: Findings) -> None:
    """Whether clusters, projects and ApplicationSets can be listed."""
    if not _argocd_knows_us(client, found):
        return
    _list_probe(client, found, "clusters", client.clusters, CLUSTERS)
    projects = _list_probe(client, found, "projects", client.projects, PROJECTS)
    _sync_rights(client, found, sorted(project.name for project in projects))
    _list_probe(client, found, "ApplicationSets", client.application_sets, SETS)


def _list_probe(
    client: ArgoCDClient, found: Findings, words: str, call: Callable[[], Listing[T]], right: ArgoCDRight
) -> Sequence[T]:
    listing = found.attempt(words, call)
    if listing is None:
        return ()
    _count(found, listing, words)
    _rights_behind(client, found, listing.items, right)
    return listing.items


def _sync_rights(client: ArgoCDClient, found: Findings, projects: Sequence[str]) -> None:
    """In which projects people may act through the portal: a project opts in, so that none is a fault (decision 21)."""
    some = projects[:MOST_PROJECTS]
    try:
        closed = [each for each in some if not found.timed(partial(client.can_i, "applications", "sync", f"{each}/*"))]
    except UpstreamError as error:
        found.notes.append(f"does not tell where we may sync: {error.message}")
        return
    if closed:
        policy = f"p, <account>, applications, sync, {closed[0]}/*, allow"
        where = f"{len(closed)} of {len(some)} projects ({', '.join(closed)})"
        found.notes.append(f"nobody can resync through the portal in {where}: such a project opts in by `{policy}`")


def _argocd_knows_us(client: ArgoCDClient, found: Findings) -> bool:
    version = found.attempt("", client.version)
    if version is None:
        return False
    found.seen.append(version)
    user = found.attempt("who we are", client.user_info)
    if user is not None and user.logged_in:
        found.seen.append(f"as {user.username}")
    elif user is not None:
        found.failed("", UpstreamDenied(client.source, "refused our credentials: it does not know our token"))
    return user is not None and user.logged_in


def _rights_behind(client: ArgoCDClient, found: Findings, items: Sized, right: ArgoCDRight) -> None:
    """An empty list may mean no right, since Argo CD answers both with 200; so may a short one."""
    try:
        may = found.timed(lambda: client.can_i(right.resource, "get", right.subresource))
    except UpstreamError as error:  # the list itself was given
        found.notes.append(f"does not tell whether we may get all {right.resource}: {error.message}")
        return
    if may:
        return
    policy = f"p, <account>, {right.resource}, get, {right.subresource}, allow"
    if items:
        found.notes.append(f"may get only some {right.resource} (all of them with the policy `{policy}`)")
        return
    what = f"has no right to get {right.resource}: the list is empty for this account, whatever is there"
    found.faults.append(Fault(what, f"give the portal's Argo CD account the policy `{policy}`"))


def alertmanager_probe(
    client: AlertmanagerClient, found: Findings, *, members: int, watchdog: tuple[LabelMatcher, ...]
) -> None:
    """Whether alerts, groups and silences can be read; `members` is how many the fleet file names."""
    if not client.is_observatorium:
        status = _unless_closed(found, "", client.status, NO_STATUS)
        if found.faults:
            return
        if status is not None:
            _note_status(found, status, members)
    alerts = found.attempt("alerts", client.alerts)
    if alerts is None:
        return
    _count(found, alerts, "alerts")
    _look_for_watchdog(found, alerts.items, watchdog)
    if not client.is_observatorium:
        groups = _unless_closed(found, "alert groups", client.groups, NO_GROUPS)
        if groups is not None:
            _count(found, groups, "groups")
    if (silences := found.attempt("silences", client.silences)) is not None:
        _count(found, silences, "silences")


def _note_status(found: Findings, status: Status, members: int) -> None:
    found.seen.append(f"version {status.version or 'not told'}")
    if status.cluster_status == "settling":
        found.notes.append("has just started and is still settling")
    if status.peers and members != status.peers:
        found.notes.append(f"is one of an HA cluster of {status.peers}, of which the fleet file names {members}")


def _unless_closed(found: Findings, what: str, call: Callable[[], T], note: str) -> T | None:
    """What a call gives; None and a note where it is given to nobody, as the reading bears, else None and a fault."""
    try:
        return found.timed(call)
    except UpstreamError as error:
        if is_given_to_nobody(error):
            found.notes.append(note)
        else:
            found.failed(what, error)
        return None


def _look_for_watchdog(found: Findings, alerts: tuple[Alert, ...], watchdog: tuple[LabelMatcher, ...]) -> None:
    if watchdog and not any(are_met(watchdog, alert.labels) for alert in alerts):
        wanted = ", ".join(map(str, watchdog))
        found.notes.append(
            f"the watchdog alert {wanted} is not there, so that no alerts would not mean that all is well"
        )


def prometheus_probe(client: PrometheusClient, found: Findings) -> None:
    """Whether its rules can be read."""
    if not client.is_observatorium:
        try:
            found.seen.append(f"version {found.timed(client.build_version)}")
        except (UpstreamNotFound, UpstreamDenied, UpstreamRejected, UpstreamBadReply):  # as the reading bears
            found.notes.append("does not tell its version")
        except UpstreamError as error:
            found.failed("", error)
            return
    rules = found.attempt("rules", client.rules)
    if rules is None:
        return
    _count(found, rules, "alerting rules")
    if failing := sum(rule.health == "err" for rule in rules.items):
        found.notes.append(f"{failing} rules fail to evaluate")
    found.notes += [f"it warns: {warning}" for warning in rules.warnings[:3]]


def kubernetes_probe(client: KubernetesClient, found: Findings) -> None:
    """Whether the API answers, and each type that the portal reads can be read; those not installed are told."""
    version = found.attempt("", client.version)
    if version is None:
        return
    found.seen.append(version)
    absent = []
    for kind in KUBERNETES_TYPES:
        try:
            found.timed(getattr(client, kind.method))
        except UpstreamNotInstalled:
            absent.append(kind.resource)
        except UpstreamNotFound:  # the type is there, and nobody made one of it
            continue
        except UpstreamError as error:
            if not _lacks_rights(client, found, kind, error):
                found.failed(str(kind), error)
                return
    if absent:
        found.seen.append(f"not installed: {', '.join(absent)}")


def _lacks_rights(client: KubernetesClient, found: Findings, kind: KubernetesType, error: UpstreamError) -> bool:
    """Whether an error comes of rights that the account lacks; these are taken down as a fault."""
    if not isinstance(error, UpstreamDenied):
        return False
    try:
        lacking = [verb for verb in VERBS if not client.may(verb, kind.group, kind.resource)]
    except UpstreamError:  # then the error itself is all that can be told
        return False
    if lacking:
        verbs = ", ".join(lacking)
        mend = f"give the portal's service account a ClusterRole with {verbs} on {kind}"
        found.faults.append(Fault(f"has no right to {verbs} {kind}", mend))
    return bool(lacking)


def _count(found: Findings, listing: Listing[T], words: str) -> None:
    """Take down how many items a list has, and how many of them could not be read."""
    found.seen.append(f"{len(listing.items)} {words}")
    if listing.unreadable:
        first = listing.unreadable[0]
        found.notes.append(
            f"{len(listing.unreadable)} {words} cannot be read, the first is {first.name}: {first.reason}"
        )
