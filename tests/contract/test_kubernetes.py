"""What the portal relies on of a cluster's API, with OpenShift's and its operators' types or without, reading only."""

from __future__ import annotations

import re

import pytest

from apps.core.errors import UpstreamDenied, UpstreamNotFound, UpstreamNotInstalled
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.listing import Listing
from apps.sources.checking.probes import KUBERNETES_TYPES, KubernetesType
from tests.contract.calls import everything_is_readable, facts_are_told, skip_without_credentials, stranger

TYPES = pytest.mark.parametrize("kind", KUBERNETES_TYPES, ids=str)
PAGES = 3


def names_of_nodes(client: KubernetesClient) -> list[str]:
    """The nodes in the order in which they are told; skips where our account may not list them."""
    try:
        return [node.name for node in client.nodes().items]
    except UpstreamDenied:
        assert not client.may("list", "", "nodes"), f"{client.source} lets us list nodes, it says, and refuses to"
        pytest.skip(f"{client.source}: our account has no right to list nodes")


def test_it_tells_its_version(kubernetes: KubernetesClient) -> None:
    assert re.match(r"v\d+\.\d+", kubernetes.version())
    facts_are_told(kubernetes)


def test_it_says_that_it_is_ready_or_which_checks_fail(kubernetes: KubernetesClient) -> None:
    ready = kubernetes.readyz()
    assert ready.latency > 0
    assert ready.is_ready is not bool(ready.failing)


def test_every_node_tells_whether_it_is_ready(kubernetes: KubernetesClient) -> None:
    names = names_of_nodes(kubernetes)
    assert len(names) == len(set(names))
    listing = kubernetes.nodes()
    everything_is_readable(kubernetes, listing)
    facts_are_told(kubernetes)
    for node in listing.items:
        statuses = [condition.status for condition in node.conditions if condition.type == "Ready"]
        assert len(statuses) == 1, node.name
        assert statuses[0] in {"True", "False", "Unknown"}, node.name
        assert node.kubelet_version.startswith("v"), node.name


def test_a_list_in_pages_is_the_list_in_one(kubernetes: KubernetesClient) -> None:
    whole = names_of_nodes(kubernetes)
    size = max(1, len(whole) // PAGES)
    with KubernetesClient(kubernetes.http.endpoint, page_size=size) as in_pages:
        paged = names_of_nodes(in_pages)
    assert set(whole) & set(names_of_nodes(kubernetes)) <= set(paged)
    assert len(paged) == len(set(paged))


@TYPES
def test_a_type_is_readable_or_plainly_not_installed_not_there_or_not_allowed(
    kubernetes: KubernetesClient, kind: KubernetesType
) -> None:
    try:
        told = getattr(kubernetes, kind.method)()
    except (UpstreamNotInstalled, UpstreamNotFound):
        return
    except UpstreamDenied:
        allowed = [verb for verb in ("get", "list") if kubernetes.may(verb, kind.group, kind.resource)]
        assert allowed != ["get", "list"], f"{kubernetes.source} lets us read {kind}, it says, and refuses to"
        pytest.skip(f"{kubernetes.source}: our account has no right to read {kind}")
    if isinstance(told, Listing):
        everything_is_readable(kubernetes, told)
    else:
        assert told.conditions, f"{kubernetes.source}: {kind} without a condition tells nothing"


def test_a_type_that_nobody_has_made_is_not_installed(kubernetes: KubernetesClient) -> None:
    group, resource = "portal.invalid", "things"
    try:
        kubernetes.http.get("apis", group, "v1", resource)
    except UpstreamNotInstalled:
        return
    except UpstreamDenied:
        assert not kubernetes.may("list", group, resource)
        pytest.skip(f"{kubernetes.source} refuses whatever our account has no right to, be it installed or not")
    pytest.fail(f"{kubernetes.source} has a type that nobody has made")


def test_it_says_what_our_account_may_do(kubernetes: KubernetesClient) -> None:
    assert kubernetes.may("list", "", "nodes") is may_list_nodes(kubernetes)
    assert isinstance(kubernetes.may("delete", "portal.invalid", "things"), bool)


def may_list_nodes(client: KubernetesClient) -> bool:
    """By trying."""
    try:
        client.nodes()
    except UpstreamDenied:
        return False
    return True


def test_a_wrong_token_is_denied(kubernetes: KubernetesClient) -> None:
    skip_without_credentials(kubernetes)
    with KubernetesClient(stranger(kubernetes)) as nobody, pytest.raises(UpstreamDenied):
        nobody.nodes()
