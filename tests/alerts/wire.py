"""Alertmanagers, an Observatorium tenant and a Prometheus at the wire, and a fleet file that names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.alerts.models import Episode
from apps.alerts.tasks import read_alertmanager, read_rules
from apps.core.clock import database_now
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.sources.services import sources_align
from apps.timeline.models import Transition
from tests.integrations.wire_server import Asked, Peer, WireServer, reply

Json = dict[str, Any]


class Wire:
    """A server on loopback that answers each path with the JSON that `answers` has for it.

    What it has no answer for is a plain 404, or what `statuses` says.
    """

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.statuses: dict[str, int] = {}
        self.server = WireServer(self._answer, keeps_alive=True)
        self.url = self.server.url
        self.name = f"127.0.0.1:{self.server.port}"

    def _answer(self, peer: Peer, asked: Asked) -> None:
        known = asked.path in self.answers
        status = self.statuses.get(asked.path, 404)
        refusal = reply("not here", status=status, Content_Type="text/plain")
        script = reply(self.answers[asked.path]) if known else refusal
        script(peer, asked)


def told_alert(
    name: str = "KonfluxDown", state: str = "active", *, age: timedelta = timedelta(minutes=10), **labels: str
) -> Json:
    """An alert as an Alertmanager tells it. Its fingerprint is made of its labels."""
    labels = {"alertname": name, "severity": "critical", **labels}
    now = datetime.now(UTC)
    return {
        "fingerprint": f"{abs(hash(tuple(sorted(labels.items())))):016x}",
        "labels": labels,
        "annotations": {"summary": f"{name} fires"},
        "startsAt": (now - age).isoformat(),
        "endsAt": (now + timedelta(minutes=4)).isoformat(),
        "updatedAt": now.isoformat(),
        "receivers": [{"name": "default"}],
        "generatorURL": "https://prometheus.example/graph",
        "status": {"state": state, "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
    }


def suppressed(alert: Json, **causes: list[str]) -> Json:
    """The alert, suppressed by what is given (silencedBy=, inhibitedBy=, mutedBy=)."""
    return {**alert, "status": {**alert["status"], "state": "suppressed", **causes}}


def told_silence(silence_id: str = "s1", *, by: str = "remy", state: str = "active", **more: object) -> Json:
    """A silence as an Alertmanager tells it."""
    return {
        "id": silence_id,
        "status": {"state": state},
        "createdBy": by,
        "comment": "being mended",
        "startsAt": "2026-11-24T10:00:00.000Z",
        "endsAt": "2026-11-24T14:00:00.000Z",
        "updatedAt": "2026-11-24T10:00:00.000Z",
        "matchers": [{"name": "alertname", "value": "KonfluxDown", "isRegex": False, "isEqual": True}],
        **more,
    }


class Member(Wire):
    """One Alertmanager, up for long. `prefix` is where its API begins."""

    def __init__(self, prefix: str = "", *, tells_groups: bool = True) -> None:
        super().__init__()
        self.prefix = prefix
        self.tells_groups = tells_groups
        self.tell()
        self.tell_silences()
        self.tell_status()

    def tell(self, *alerts: Json, group_by: tuple[str, ...] = ("alertname",), **muted: list[str]) -> None:
        """Holds these alerts from now on; `muted` are time intervals by receiver."""
        self.answers[f"{self.prefix}/api/v2/alerts"] = list(alerts)
        if self.tells_groups:
            self.answers[f"{self.prefix}/api/v2/alerts/groups"] = [
                {
                    "labels": {name: alert["labels"][name] for name in group_by if name in alert["labels"]},
                    "receiver": receiver,
                    "alerts": [{**alert, "status": {**alert["status"], "mutedBy": muted.get(receiver["name"], [])}}],
                }
                for alert in alerts
                if isinstance(alert.get("labels"), dict)
                for receiver in alert["receivers"]
            ]

    def tell_silences(self, *silences: Json) -> None:
        self.answers[f"{self.prefix}/api/v2/silences"] = list(silences)

    def tell_status(self, *, cluster: str = "ready", uptime: timedelta = timedelta(days=3)) -> None:
        if self.tells_groups:
            self.answers[f"{self.prefix}/api/v2/status"] = {
                "cluster": {"status": cluster, "peers": []},
                "versionInfo": {"version": "0.28.0"},
                "uptime": (datetime.now(UTC) - uptime).isoformat(),
            }


class World:
    """A group `appsre` of two Alertmanagers, a group `other` of one, the tenant `rhobs`, a Prometheus."""

    def __init__(self) -> None:
        self.members = [Member(), Member()]
        self.other = Member()
        self.tenant = Member(prefix="/api/metrics/v1/rhtap/am", tells_groups=False)
        self.prometheus = Wire()
        self.fleet = FleetFile.model_validate(self.text())
        sources_align(fleet=self.fleet)

    def text(self) -> Json:
        return {
            "environments": [{"name": "staging"}, {"name": "production", "aliases": ["production-cluster"]}],
            "clusters": [
                {"name": "appsrep05ue1", "role": "control-plane", "environment": "production"},
                {
                    "name": "stone-prd-m01",
                    "role": "member",
                    "environment": "production",
                    "aliases": ["m01", "https://api.stone-prd-m01.example.com:6443"],
                },
            ],
            "alertmanagers": [
                {
                    "name": "appsre",
                    "members": [member.url for member in self.members],
                    "watchdog": 'alertname="Watchdog"',
                },
                {"name": "other", "members": [self.other.url]},
            ],
            "prometheuses": [{"name": "appsre-rules", "url": self.prometheus.url}],
            "observatorium": [
                {
                    "name": "rhobs",
                    "url": self.tenant.url,
                    "tenant": "rhtap",
                    "group_by": ["alertname", "source_cluster"],
                }
            ],
        }

    def use(self, **changes: object) -> None:
        """A changed fleet file is in force from now on."""
        self.fleet = FleetFile.model_validate({**self.text(), **changes})
        sources_align(fleet=self.fleet)

    def tell(self, *alerts: Json, **muted: list[str]) -> None:
        """Both members of `appsre` hold these from now on, and the watchdog."""
        for member in self.members:
            member.tell(*alerts, told_alert("Watchdog", severity="none"), **muted)

    def read(self, *indexes: int) -> None:
        """Reads members of `appsre`, both by default."""
        for index in indexes or (0, 1):
            read_alertmanager(key=f"alertmanager/appsre/{index}")
            assert not self.source(index).error

    def read_other(self) -> None:
        read_alertmanager(key="alertmanager/other/0")

    def read_tenant(self) -> None:
        read_alertmanager(key="alertmanager/rhobs/0")

    def read_rules(self, name: str = "appsre-rules") -> None:
        read_rules(key=f"prometheus/{name}")

    def source(self, index: int = 0) -> Source:
        return Source.objects.get(key=f"alertmanager/appsre/{index}")

    def let_go_stale(self, *indexes: int) -> None:
        """Those members have not answered for ten minutes."""
        long_ago = database_now() - timedelta(minutes=10)
        keys = [f"alertmanager/appsre/{index}" for index in indexes]
        Source.objects.filter(key__in=keys).update(succeeded_at=long_ago)

    def firing(self) -> list[Episode]:
        """What fires in `appsre`, without the watchdog."""
        return list(Episode.objects.firing().filter(alertmanager="appsre").exclude(name="Watchdog").order_by("name"))

    def lines(self, name: str = "KonfluxDown") -> list[str]:
        """Its lines of the timeline, as "field: after"."""
        told = Transition.objects.filter(kind="alert", title=name).order_by("pk")
        return [f"{line.field}: {line.after}" for line in told]

    def close(self) -> None:
        for wire in (*self.members, self.other, self.tenant, self.prometheus):
            wire.server.stop()


def entity_writes(queries: Iterable[Mapping[str, str]]) -> list[str]:
    """Those of captured statements that wrote rows of the alerts app or lines of the timeline."""
    written = ("alerts_", "timeline_", "core_topic")
    return [
        query["sql"]
        for query in queries
        if query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) and any(table in query["sql"] for table in written)
    ]
