"""Silences made, changed and expired, as recorded of Alertmanager 0.25 and 0.28 and of the Observatorium gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamDenied,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from apps.integrations.alertmanager import AlertmanagerClient, Matcher, SilenceOrder
from apps.integrations.http import Endpoint
from tests.integrations.conftest import Serve
from tests.integrations.recordings import Recording
from tests.integrations.wire_server import Asked, Peer, Script, reply

SERVERS = ("alertmanager/0.25", "alertmanager/0.28")
GATEWAY = "observatorium/main-2026-07"
ID = "a344e575-64b2-45ec-83cf-4ca3447c9a3d"


class Wire:
    """One server that answers with a recording, and keeps what came."""

    def __init__(self, serve: Serve, script: Script, *, observatorium: bool = False) -> None:
        self.asked: list[Asked] = []
        self._script = script
        server = serve(self._answer)
        self.client = AlertmanagerClient(
            Endpoint(source="alertmanager/test/0", url=server.url, deadline=2.0),
            observatorium=observatorium,
            tenant="rhtap" if observatorium else "",
        )

    def _answer(self, peer: Peer, asked: Asked) -> None:
        self.asked.append(asked)
        self._script(peer, asked)


def order_of(recording: Recording) -> SilenceOrder:
    """What the recorded POST asked for."""
    body = recording.content["request"]["body"]
    matchers = tuple(Matcher(m["name"], m["value"], m["isRegex"], m["isEqual"]) for m in body["matchers"])
    return SilenceOrder(
        matchers=matchers,
        starts_at=datetime.fromisoformat(body["startsAt"]),
        ends_at=datetime.fromisoformat(body["endsAt"]),
        created_by=body["createdBy"],
        comment=body["comment"],
        id=body.get("id", ""),
    )


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", ["silence_created", "silence_updated_in_place", "silence_replaced"])
def test_a_silence_is_made_changed_or_replaced_by_the_recorded_body(serve: Serve, server: str, name: str) -> None:
    recording = Recording(f"{server}/{name}")
    wire = Wire(serve, recording.script())
    made = wire.client.silence_post(order_of(recording))
    assert made == recording.content["response"]["json"]["silenceID"]
    (asked,) = wire.asked
    wanted = {k: v for k, v in recording.content["request"]["body"].items() if k not in {"status", "updatedAt"}}
    assert (asked.method, asked.path) == ("POST", "/api/v2/silences")
    assert json.loads(asked.body) == wanted


def test_behind_observatorium_it_is_the_tenants_path(serve: Serve) -> None:
    recording = Recording(f"{GATEWAY}/silence_created")
    wire = Wire(serve, recording.script(), observatorium=True)
    assert wire.client.silence_post(order_of(recording)) == recording.content["response"]["json"]["silenceID"]
    assert wire.asked[0].path == recording.path


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("alertmanager/0.25/silence_matches_empty", UpstreamRejected, "at least one matcher"),
        ("alertmanager/0.28/silence_end_in_past", UpstreamRejected, "can't be in the past"),
        ("alertmanager/0.28/silence_bad_regex", UpstreamRejected, "missing closing )"),
        (f"{GATEWAY}/silence_update_refused", UpstreamRejected, "updates to silence by ID not allowed"),
        (f"{GATEWAY}/silence_without_matchers", UpstreamRejected, "need at least one matcher"),
    ],
)
def test_what_is_refused_is_told_in_the_servers_words(
    serve: Serve, name: str, kind: type[UpstreamError], words: str
) -> None:
    recording = Recording(name)
    wire = Wire(serve, recording.script(), observatorium=name.startswith(GATEWAY))
    with pytest.raises(kind, match=words.replace(")", r"\)")) as caught:
        wire.client.silence_post(order_of(recording))
    assert not caught.value.never_sent
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    "name", ["alertmanager/0.25/silence_expire_unknown", "alertmanager/0.28/silence_expire_unknown"]
)
def test_one_that_is_not_there_is_not_found_on_both_versions(serve: Serve, name: str) -> None:
    with pytest.raises(UpstreamNotFound):
        Wire(serve, Recording(name).script()).client.silence_expire(ID)


@pytest.mark.parametrize("name", ["alertmanager/0.25/silence_expired", f"{GATEWAY}/silence_deleted"])
def test_a_silence_is_expired_by_its_id(serve: Serve, name: str) -> None:
    wire = Wire(serve, Recording(name).script(), observatorium=name.startswith(GATEWAY))
    wire.client.silence_expire(ID)
    (asked,) = wire.asked
    assert (asked.method, asked.path.rpartition("/")[2]) == ("DELETE", ID)


def test_another_tenants_silence_is_denied(serve: Serve) -> None:
    wire = Wire(serve, Recording(f"{GATEWAY}/silence_of_another_tenant_delete").script(), observatorium=True)
    with pytest.raises(UpstreamDenied, match="forbidden"):
        wire.client.silence_expire(ID)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda peer, _: peer.hang(), UpstreamUnavailable),
        (lambda peer, _: peer.reset(), UpstreamUnavailable),
        (reply('{"silenceID": 5}'), UpstreamBadReply),
        (reply("busy", status=503), UpstreamUnavailable),
    ],
)
def test_an_answer_that_does_not_come_is_asked_for_no_second_time(
    serve: Serve, script: Callable[[Peer, Asked], None], kind: type[UpstreamError]
) -> None:
    wire = Wire(serve, script)
    with pytest.raises(kind) as caught:
        wire.client.silence_post(order_of(Recording("alertmanager/0.28/silence_created")))
    assert not caught.value.never_sent
    assert len(wire.asked) == 1


def test_what_other_tools_keep_at_a_silence_is_sent_back_with_its_change(serve: Serve) -> None:
    recording = Recording("alertmanager/0.28/silence_updated_in_place")
    wire = Wire(serve, recording.script())
    wire.client.silence_post(msgspec.structs.replace(order_of(recording), annotations={"ticket": "KFLUX-1"}))
    wire.client.silence_post(order_of(recording))
    with_them, without = (json.loads(asked.body) for asked in wire.asked)
    assert with_them["annotations"] == {"ticket": "KFLUX-1"}
    assert "annotations" not in without
