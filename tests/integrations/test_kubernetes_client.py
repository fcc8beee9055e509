"""What the recordings of a cluster do not show: pages, readiness, rights."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from apps.core.errors import UpstreamBadReply, UpstreamNotInstalled, UpstreamUnavailable
from apps.integrations.http import Endpoint
from apps.integrations.kubernetes import KubernetesClient
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, Peer, Script, reply


def client_of(serve: Serve, script: Script) -> tuple[KubernetesClient, list[Asked]]:
    server = serve(script)
    return KubernetesClient(Endpoint(source="cluster/one", url=server.url), page_size=2), server.asked


def test_a_list_is_read_page_by_page(serve: Serve) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        begin = int(parse_qs(asked.target.partition("?")[2]).get("continue", ["0"])[0])
        items = [{"metadata": {"name": f"node-{i}"}} for i in range(begin, min(begin + 2, 5))]
        reply({"items": items, "metadata": {"continue": str(begin + 2) if begin < 4 else ""}})(peer, asked)

    client, asked = client_of(serve, script)
    with client:
        assert [node.name for node in client.nodes().items] == [f"node-{i}" for i in range(5)]
    assert [a.target.partition("?")[2] for a in asked] == ["limit=2", "limit=2&continue=2", "limit=2&continue=4"]


def test_a_list_without_end_is_given_up(serve: Serve) -> None:
    server = serve(reply({"items": [], "metadata": {"continue": "again"}}), keeps_alive=True)
    client = KubernetesClient(Endpoint(source="cluster/one", url=server.url))
    with client, pytest.raises(UpstreamBadReply, match="more than 200 pages"):
        client.nodes()


def test_a_list_of_which_a_page_has_expired_is_begun_anew_once(serve: Serve) -> None:
    asked_for: list[str] = []

    def script(peer: Peer, asked: Asked) -> None:
        asked_for.append(asked.target.partition("?")[2])
        if len(asked_for) == 2:
            reply({"kind": "Status", "reason": "Expired", "message": "too old"}, status=410)(peer, asked)
            return
        more = "" if "continue" in asked_for[-1] else "next"
        reply({"items": [{"metadata": {"name": f"of-{len(asked_for)}"}}], "metadata": {"continue": more}})(peer, asked)

    client, _ = client_of(serve, script)
    with client:
        assert [node.name for node in client.nodes().items] == ["of-3", "of-4"]
    assert asked_for == ["limit=2", "limit=2&continue=next"] * 2


def test_a_page_that_has_expired_means_to_try_again(serve: Serve) -> None:
    client, _ = client_of(
        serve, reply({"kind": "Status", "message": "The provided continue parameter is too old"}, status=410)
    )
    with client, pytest.raises(UpstreamUnavailable, match="too old") as caught:
        client.nodes()
    assert not caught.value.permanent


def test_a_type_that_is_not_served_may_be_told_by_a_status(serve: Serve) -> None:
    body = {"kind": "Status", "message": "the server could not find the requested resource"}
    client, _ = client_of(serve, reply(body, status=404))
    with client, pytest.raises(UpstreamNotInstalled):
        client.argocds()


def test_a_server_that_is_not_ready_says_which_checks_fail(serve: Serve) -> None:
    body = "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"
    client, _ = client_of(serve, reply(body, status=500, Content_Type="text/plain"))
    with client:
        found = client.readyz()
    assert not found.is_ready
    assert found.failing == ("etcd failed: reason withheld",)
    assert found.latency > 0


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (500, "oops"), (503, "no backend")])
def test_what_is_not_the_answer_of_an_api_server_is_no_readiness(status: int, body: str, serve: Serve) -> None:
    client, _ = client_of(serve, reply(body, status=status, Content_Type="text/plain"))
    with client, pytest.raises(UpstreamBadReply if status == 200 else UpstreamUnavailable):
        client.readyz()


def test_a_right_is_asked_for_without_writing(serve: Serve) -> None:
    client, asked = client_of(serve, reply({"status": {"allowed": False}}, status=201))
    with client:
        assert not client.may("list", "argoproj.io", "argocds", namespace="argocd")
    attributes = {"verb": "list", "group": "argoproj.io", "resource": "argocds", "namespace": "argocd"}
    assert json.loads(asked[0].body)["spec"] == {"resourceAttributes": attributes}


@pytest.mark.parametrize("status", [{"conditions": 3}, {"members": {"a": 1}}, {"members": [{"clusterName": None}]}])
def test_f17_a_summary_of_another_shape_is_a_bad_reply(status: dict[str, object], serve: Serve) -> None:
    client, _ = client_of(serve, reply({"metadata": {"name": "toolchain-status"}, "status": status}))
    with client, pytest.raises(UpstreamBadReply, match="another shape"):
        client.toolchain_status()


def test_f17_usage_of_another_shape_is_a_bad_reply(serve: Serve) -> None:
    body = {"metadata": {"name": "x"}, "status": {"resourceUsage": "much"}}
    client, _ = client_of(serve, reply(body))
    with client, pytest.raises(UpstreamBadReply, match="another shape"):
        client.member_status()


def test_a_resource_without_a_status_yet_is_read(serve: Serve) -> None:
    client, _ = client_of(serve, reply({"items": [{"metadata": {"name": "young"}, "status": None, "spec": None}]}))
    with client:
        for read in (client.nodes, client.cluster_operators, client.machine_config_pools, client.managed_clusters):
            assert not read().unreadable
            assert read().items[0].conditions == ()
