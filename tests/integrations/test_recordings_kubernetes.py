"""Each recorded answer of a kube-apiserver 1.34 through the real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotFound, UpstreamNotInstalled, UpstreamRejected
from apps.integrations.http import Endpoint
from apps.integrations.kubernetes import Condition, KubernetesClient
from apps.integrations.kubernetes import wire as kubernetes_wire
from apps.integrations.listing import Listing, read_items
from tests.integrations.conftest import Serve
from tests.integrations.recordings import Recording, names_in

FOLDER = "kubernetes/1.34"
ALLOCATABLE = {(15.5, 62 * 1024**3, 250)}
Read = Callable[[KubernetesClient, Recording], Any]


def status_of(conditions: tuple[Condition, ...], kind: str = "Ready") -> str:
    return next((c.status for c in conditions if c.type == kind), "")


def readable(listing: Listing[Any]) -> tuple[Any, ...]:
    assert not listing.unreadable
    return listing.items


def not_well(client: KubernetesClient, recording: Recording) -> Any:
    """Nodes: how many, which are cordoned, not ready, under memory pressure."""
    nodes = readable(client.nodes())
    return (
        len(nodes),
        [n.name for n in nodes if n.is_unschedulable],
        [n.name for n in nodes if status_of(n.conditions) != "True"],
        [n.name for n in nodes if status_of(n.conditions, "MemoryPressure") == "True"],
        {(n.cpu, n.memory, n.pods) for n in nodes},
    )


def page(client: KubernetesClient, recording: Recording) -> list[str]:
    """One page: its client would go on to the next."""
    raws = recording.repeated(client.http).decode(kubernetes_wire.WireList)
    assert raws.metadata.next_page
    return [n.name for n in read_items(raws.items, kubernetes_wire.WireNode, kubernetes_wire.node).items]


def version(client: KubernetesClient, recording: Recording) -> Any:
    found = client.cluster_version()
    return found.version, found.desired, found.is_updating, found.progress


def operators(client: KubernetesClient, recording: Recording) -> Any:
    found = readable(client.cluster_operators())
    return (
        len(found),
        {o.version for o in found},
        [o.name for o in found if status_of(o.conditions, "Degraded") == "True"],
    )


def pools(client: KubernetesClient, recording: Recording) -> Any:
    return [(p.name, p.machines, p.updated) for p in readable(client.machine_config_pools())]


def managed(client: KubernetesClient, recording: Recording) -> Any:
    found = readable(client.managed_clusters())
    return {c.name: (c.is_accepted, status_of(c.conditions, "ManagedClusterConditionAvailable")) for c in found}


def member(client: KubernetesClient, recording: Recording) -> Any:
    found = client.member_status()
    return status_of(found.conditions), {n: status_of(c) for n, c in found.parts.items()}, found.memory_usage


def host(client: KubernetesClient, recording: Recording) -> Any:
    found = client.toolchain_status()
    members = [(m.cluster_name, status_of(m.conditions)) for m in found.members]
    return status_of(found.conditions), sorted(found.parts), members


def connections(client: KubernetesClient, recording: Recording) -> Any:
    found = readable(client.toolchain_clusters(recording.segments[4]))
    return [(c.name, status_of(c.conditions)) for c in found]


def capacity(client: KubernetesClient, recording: Recording) -> Any:
    found = readable(client.space_provisioner_configs(recording.segments[4]))
    return [(s.name, s.is_enabled, s.space_count, s.memory_usage["worker"], status_of(s.conditions)) for s in found]


def argocd(client: KubernetesClient, recording: Recording) -> Any:
    (found,) = readable(client.argocds(recording.segments[4]))
    return found.phase, found.host, found.components["notificationsController"], len(found.components)


def subscription(client: KubernetesClient, recording: Recording) -> Any:
    (found,) = readable(client.subscriptions(recording.segments[4]))
    return found.state, found.installed_csv, found.current_csv, status_of(found.conditions, "InstallPlanPending")


def installed(client: KubernetesClient, recording: Recording) -> Any:
    (found,) = readable(client.cluster_service_versions(recording.segments[4]))
    return found.name, found.phase, found.version


def names(client: KubernetesClient, recording: Recording) -> int:
    """Of a list that no method reads: how many."""
    return len(recording.repeated(client.http).decode(kubernetes_wire.WireList).items or ())


def watched(client: KubernetesClient, recording: Recording) -> Any:
    with client.http.stream(*recording.segments, idle_timeout=5, query=recording.query_pairs) as lines:
        return [line[:16] for line in lines if line]


ADDED, MODIFIED = b'{"type":"ADDED",', b'{"type":"MODIFIE'
STEADY = ("4.19.14", "4.19.14", False, "")
ALL_WELL = (8, {"4.19.14"}, [])
UPDATED = [("master", 3, 3), ("worker", 6, 6)]
PARTS_OF_MEMBER = {"host": "True", "memberOperator": "True", "routes": "True"}
PARTS_OF_HOST = [
    "hostOperator",
    "hostRoutes",
    "registrationService.deployment",
    "registrationService.health",
    "registrationService.registrationServiceResources",
]

VALUES: dict[str, tuple[Read, Any]] = {
    "api_groups": (lambda c, r: "groups" in recording_json(c, r), True),
    "argocds": (argocd, ("Available", "argocd.example.com", "Unknown", 7)),
    "clusteroperators_control": (operators, ALL_WELL),
    "clusteroperators_host": (operators, ALL_WELL),
    "clusteroperators_member-m01": (operators, (8, {"4.19.15"}, [])),
    "clusteroperators_member-rh01": (operators, (8, {"4.19.14"}, ["ingress"])),
    "clusterserviceversions": (installed, ("openshift-gitops-operator.v1.15.1", "Succeeded", "1.15.1")),
    "clusterversion_control": (version, STEADY),
    "clusterversion_host": (version, STEADY),
    "clusterversion_member-m01": (
        version,
        ("", "4.19.15", True, "Working towards 4.19.15: 640 of 901 done (71% complete)"),
    ),
    "clusterversion_member-rh01": (version, STEADY),
    "machineconfigpools_control": (pools, UPDATED),
    "machineconfigpools_host": (pools, UPDATED),
    "machineconfigpools_member-m01": (pools, [("master", 3, 1), ("worker", 6, 4)]),
    "machineconfigpools_member-rh01": (pools, UPDATED),
    "managedclusteraddons": (names, 6),
    "managedclusters": (
        managed,
        {
            "stone-prd-gone03": (True, "False"),
            "stone-prd-host1": (True, "True"),
            "stone-prd-m01": (True, "True"),
            "stone-prd-new01": (True, ""),
            "stone-prd-pending02": (False, ""),
            "stone-prd-rh01": (True, "Unknown"),
        },
    ),
    "memberstatus_m01": (member, ("True", PARTS_OF_MEMBER, {"master": 40, "worker": 71})),
    "memberstatus_rh01": (
        member,
        ("False", {**PARTS_OF_MEMBER, "routes": "False"}, {"master": 40, "worker": 71}),
    ),
    "namespaces": (names, 10),
    "nodes_host": (not_well, (7, [], [], [], ALLOCATABLE)),
    "nodes_member-m01": (not_well, (9, ["m01-worker-1"], [], ["m01-worker-4"], ALLOCATABLE)),
    "nodes_member-rh01": (not_well, (8, [], ["rh01-worker-2"], [], ALLOCATABLE)),
    "nodes_metadata_only": (names, 7),
    "nodes_page_1": (page, ["host-master-0", "host-master-1"]),
    "nodes_page_2": (page, ["host-master-2", "host-worker-0"]),
    "nodes_watch": (watched, [ADDED] * 6),
    "nodes_watch_too_old": (watched, [ADDED, MODIFIED, ADDED]),
    "readyz": (lambda c, r: c.readyz().is_ready, True),
    "readyz_verbose": (lambda c, r: r.repeated(c.http).body.count(b"[+]"), 34),
    "readyz_without_token": (lambda c, r: c.readyz().is_ready, True),
    "selfsubjectaccessreview": (lambda c, r: c.may("list", "", "nodes"), True),
    "spaceprovisionerconfigs": (
        capacity,
        [("stone-prd-m01", True, 412, 71, "True"), ("stone-prd-rh01", True, 97, 71, "False")],
    ),
    "subscriptions": (
        subscription,
        ("UpgradePending", "openshift-gitops-operator.v1.15.1", "openshift-gitops-operator.v1.15.2", "True"),
    ),
    "toolchainclusters_host": (
        connections,
        [("member-stone-prd-m01", "True"), ("member-stone-prd-rh01", "False")],
    ),
    "toolchainclusters_m01": (connections, [("host-stone-prd-host1", "True")]),
    "toolchainclusters_rh01": (connections, [("host-stone-prd-host1", "True")]),
    "toolchainstatus": (
        host,
        ("False", PARTS_OF_HOST, [("member-stone-prd-m01", "True"), ("member-stone-prd-rh01", "False")]),
    ),
    "velero_backups_m01": (names, 1),
    "velero_backups_rh01": (names, 1),
    "velero_schedules_m01": (names, 1),
    "velero_schedules_rh01": (names, 1),
    "version": (lambda c, r: c.version(), "v1.34.4"),
}

REFUSALS: dict[str, tuple[type[UpstreamError], str]] = {
    "anonymous": (UpstreamDenied, 'User "system:anonymous" cannot list resource "nodes"'),
    "forbidden": (UpstreamDenied, 'User "denied" cannot list resource "nodes"'),
    "nodes_bad_continue": (UpstreamRejected, "invalid continue token"),
    "object_not_found": (UpstreamNotFound, '"nope" not found'),
    "unauthorized": (UpstreamDenied, "refused our credentials (401): Unauthorized"),
    "unknown_resource_type": (UpstreamNotInstalled, "404 page not found"),
}


def recording_json(client: KubernetesClient, recording: Recording) -> dict[str, Any]:
    return recording.repeated(client.http).decode(dict[str, Any])


@pytest.mark.parametrize("name", sorted(VALUES))
def test_it_reads_what_a_cluster_told(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    server = serve(recording.script())
    read, expected = VALUES[name]
    with KubernetesClient(Endpoint(source="cluster/one", url=server.url)) as client:
        assert read(client, recording) == expected
    assert {asked.path for asked in server.asked} == {recording.path}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_it_names_each_refusal_of_a_cluster(name: str, serve: Serve) -> None:
    recording = Recording(f"{FOLDER}/{name}")
    kind, words = REFUSALS[name]
    endpoint = Endpoint(source="cluster/one", url=serve(recording.script()).url)
    with KubernetesClient(endpoint) as client, pytest.raises(UpstreamError) as caught:
        recording.repeated(client.http)
    assert type(caught.value) is kind
    assert words in caught.value.message


def test_every_recording_of_a_cluster_is_read() -> None:
    assert sorted([*VALUES, *REFUSALS]) == names_in(FOLDER)
