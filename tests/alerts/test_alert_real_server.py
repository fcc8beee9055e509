"""A real Alertmanager, read while alerts and silences come and go."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.alerts.models import Episode, Silence
from apps.alerts.tasks import read_alertmanager
from apps.sources.models import Source
from tests.alerts.wire import World
from tests.servers import alertmanager

CONFIG = """
route: {receiver: default, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers: [{name: default}]
"""
KEY = "alertmanager/real/0"


@pytest.fixture
def server(tmp_path: Path, world: World) -> Iterator[str]:
    with alertmanager(tmp_path, CONFIG) as url:
        world.use(alertmanagers=[{"name": "real", "members": [url]}])
        yield url


def post(url: str, content: object) -> None:
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def soon(is_so: Callable[[], bool], read: Callable[[], None]) -> None:
    """Reads until it is so; a real server takes its moment."""
    deadline = time.monotonic() + 15
    while True:
        read()
        if is_so():
            return
        assert time.monotonic() < deadline, list(Episode.objects.values("state", "reason"))
        time.sleep(0.2)


def test_alerts_and_silences_of_a_real_server(world: World, server: str) -> None:
    def read() -> None:
        read_alertmanager(key=KEY)
        assert Source.objects.get(key=KEY).error == ""

    now = datetime.now(UTC)
    alert = {"labels": {"alertname": "KonfluxDown", "severity": "critical"}, "startsAt": now.isoformat()}
    post(f"{server}/api/v2/alerts", [alert])
    soon(lambda: Episode.objects.filter(state="active", tone="critical").exists(), read)
    soon(lambda: Episode.objects.get().group_labels == {"alertname": "KonfluxDown"}, read)
    silence = {
        "matchers": [{"name": "alertname", "value": "KonfluxDown", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "remy",
        "comment": "being mended",
    }
    post(f"{server}/api/v2/silences", silence)
    soon(lambda: Episode.objects.filter(state="silenced", reason="silenced by remy").exists(), read)
    assert Silence.objects.get().comment == "being mended"
    post(f"{server}/api/v2/alerts", [{**alert, "endsAt": datetime.now(UTC).isoformat()}])
    soon(lambda: Episode.objects.get().is_unconfirmed, read)
    assert Episode.objects.get().ended_at is None, "it started a moment ago: what it lacks has not surely ended"
    assert Source.objects.get(key=KEY).warnings == ["just restarted"]
    assert world.lines() == ["firing: begins", "silenced: silenced"]
