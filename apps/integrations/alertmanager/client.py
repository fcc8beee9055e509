"""Reading an Alertmanager (0.22 and later, API v2), its own or behind an Observatorium gateway."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw, Struct, field

from apps.core.errors import UpstreamError, UpstreamNotFound, UpstreamNotInstalled
from apps.integrations import observatorium as gateway
from apps.integrations.alertmanager.values import Alert, Group, Matcher, Silence, Status
from apps.integrations.alertmanager.writing import Writing
from apps.integrations.http import Answer, Endpoint, failure
from apps.integrations.listing import Listing, read_items, read_time

NULLABLE_LIST: Final[Any] = list[Raw] | None


class _Receiver(Struct):
    name: str = ""


class _AlertStatus(Struct, frozen=True, rename="camel"):
    state: str = ""
    silenced_by: list[str] | None = None
    inhibited_by: list[str] | None = None
    muted_by: list[str] | None = None


class _Alert(Struct, rename="camel"):
    fingerprint: str
    labels: dict[str, str]
    status: _AlertStatus
    annotations: dict[str, str] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    updated_at: str | None = None
    receivers: list[_Receiver] | None = None
    generator_url: str | None = field(default=None, name="generatorURL")


class _GroupedAlert(Struct):
    fingerprint: str = ""
    status: _AlertStatus = _AlertStatus()


class _Group(Struct):
    labels: dict[str, str] | None
    receiver: _Receiver
    alerts: list[_GroupedAlert] | None = None


class _Matcher(Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool | None = True


class _SilenceStatus(Struct, frozen=True):
    state: str = ""


class _Silence(Struct, rename="camel"):
    id: str
    matchers: list[_Matcher] | None
    status: _SilenceStatus = _SilenceStatus()
    created_by: str | None = None
    comment: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    updated_at: str | None = None
    annotations: dict[str, str] | None = None


class _Cluster(Struct, frozen=True):
    status: str = ""
    peers: list[Raw] | None = None


class _VersionInfo(Struct, frozen=True):
    version: str = ""


class _Status(Struct, rename="camel"):
    cluster: _Cluster = _Cluster()
    version_info: _VersionInfo = _VersionInfo()
    uptime: str | None = None


class AlertmanagerClient(Writing):
    """One Alertmanager. All methods raise UpstreamError, each kind as its class says.

    Behind Observatorium its API begins at `/api/metrics/v1/{tenant}/am`: `tenant` is named, or the endpoint's address
    ends with it. Groups and status are not exposed there: asking raises UpstreamNotInstalled without a call.
    """

    def __init__(self, endpoint: Endpoint, *, observatorium: bool = False, tenant: str = "") -> None:
        super().__init__(endpoint, refine=_gateway_refusal if observatorium else _refusal)
        self.is_observatorium = observatorium
        self._base = (*gateway.tenant_path(tenant), "am", "api", "v2") if observatorium else ("api", "v2")

    def alerts(self) -> Listing[Alert]:
        """All alerts that fire, silenced and inhibited ones among them. `muted_by` is told by groups() only."""
        return read_items(self._list("alerts"), _Alert, _alert)

    def groups(self) -> Listing[Group]:
        """The groups, with the fingerprints in each; an alert is in one group for each of its receivers."""
        self._refuse_behind_gateway("alert groups")
        return read_items(self._list("alerts", "groups"), _Group, _group)

    def silences(self) -> Listing[Silence]:
        """All silences, expired ones that it still remembers among them."""
        return read_items(self._list("silences"), _Silence, _silence)

    def status(self) -> Status:
        """Version, state of the HA cluster, start. An empty version is what some builds tell."""
        self._refuse_behind_gateway("status")
        told = self._get("status").decode(_Status)
        return Status(
            version=told.version_info.version,
            cluster_status=told.cluster.status,
            peers=len(told.cluster.peers or ()),
            started_at=read_time(told.uptime),
        )

    def _get(self, *segments: str) -> Answer:
        return self.http.get(*self._base, *segments)

    def _list(self, *segments: str) -> list[Raw] | None:
        raws: list[Raw] | None = self._get(*segments).decode(NULLABLE_LIST)
        return raws

    def _refuse_behind_gateway(self, what: str) -> None:
        if self.is_observatorium:
            raise failure(UpstreamNotInstalled, self.source, f"Observatorium does not expose an Alertmanager's {what}")


def _refusal(answer: Answer, reason: str) -> type[UpstreamError] | None:
    """0.25 answers 500 "silence not found" where later ones answer 404; API v1 is 410 since 0.27."""
    if answer.status == 500 and reason == "silence not found":
        return UpstreamNotFound
    if answer.status == 410 or (answer.status == 404 and reason.startswith("path ")):
        return UpstreamNotInstalled
    return None


def _gateway_refusal(answer: Answer, reason: str) -> type[UpstreamError] | None:
    return gateway.gateway_refusal(answer, reason) or _refusal(answer, reason)


def _alert(wire: _Alert) -> Alert:
    return Alert(
        fingerprint=wire.fingerprint,
        labels=wire.labels,
        annotations=wire.annotations or {},
        state=wire.status.state,
        starts_at=read_time(wire.starts_at),
        ends_at=read_time(wire.ends_at),
        updated_at=read_time(wire.updated_at),
        silenced_by=tuple(wire.status.silenced_by or ()),
        inhibited_by=tuple(wire.status.inhibited_by or ()),
        muted_by=tuple(wire.status.muted_by or ()),
        receivers=tuple(receiver.name for receiver in wire.receivers or ()),
        generator_url=wire.generator_url or "",
    )


def _group(wire: _Group) -> Group:
    alerts = [alert for alert in wire.alerts or () if alert.fingerprint]
    return Group(
        labels=wire.labels or {},
        receiver=wire.receiver.name,
        fingerprints=tuple(alert.fingerprint for alert in alerts),
        muted_by={a.fingerprint: tuple(a.status.muted_by) for a in alerts if a.status.muted_by},
    )


def _silence(wire: _Silence) -> Silence:
    return Silence(
        id=wire.id,
        state=wire.status.state,
        matchers=tuple(
            Matcher(name=m.name, value=m.value, is_regex=m.is_regex, is_equal=m.is_equal is not False)
            for m in wire.matchers or ()
        ),
        created_by=wire.created_by or "",
        comment=wire.comment or "",
        starts_at=read_time(wire.starts_at),
        ends_at=read_time(wire.ends_at),
        updated_at=read_time(wire.updated_at),
        annotations=wire.annotations or {},
    )
