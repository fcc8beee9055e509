"""Reading a Prometheus, a Thanos querier or an Observatorium tenant (HTTP API v1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Raw, Struct

from apps.core.errors import UpstreamBadReply, UpstreamError, UpstreamNotInstalled
from apps.core.structs import decoded
from apps.integrations import observatorium as gateway
from apps.integrations.http import Answer as HttpAnswer
from apps.integrations.http import Endpoint, failure, plain_line
from apps.integrations.listing import Listing, read_items, read_time
from apps.integrations.prometheus.values import Answer, RangeAnswer, Rule, RuleAlert, Sample, Series
from apps.integrations.upstream import UpstreamClient

LONGEST_GET: Final = 1500
MOST_SERIES: Final = 1000
MOST_POINTS: Final = 11_000
Wanted = Callable[[Mapping[str, str]], bool]

REMARK = "PromQL info:"


class _Envelope(Struct, rename="camel"):
    status: str
    data: Raw = Raw(b"null")
    error: str = ""
    error_type: str = ""
    warnings: list[str] | None = None


class _RuleAlert(Struct, rename="camel"):
    labels: dict[str, str]
    state: str
    annotations: dict[str, str] | None = None
    active_at: str | None = None
    value: str | None = None


class _Rule(Struct, rename="camel"):
    name: str
    query: str
    state: str = ""
    health: str = ""
    duration: float = 0.0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    last_error: str | None = None
    alerts: list[_RuleAlert] | None = None


class _Kind(Struct):
    type: str = "alerting"


class _Group(Struct):
    name: str = ""
    file: str = ""
    rules: list[Raw] | None = None


class _Groups(Struct):
    groups: list[Raw] | None = None


class _Alerts(Struct):
    alerts: list[Raw] | None = None


class _Result(Struct, rename="camel"):
    result_type: str
    result: Raw


class _Sample(Struct):
    value: tuple[float, str]
    metric: dict[str, str] | None = None


class _Series(Struct):
    values: list[tuple[float, str]]
    metric: dict[str, str] | None = None


class _Labelled(Struct):
    """A series without its points, which may be many."""

    metric: dict[str, str] | None = None


class _BuildInfo(Struct):
    version: str = ""


class PrometheusClient(UpstreamClient):
    """One Prometheus or what speaks like it. All methods raise UpstreamError, each kind as its class says.

    Behind Observatorium its API begins at `/api/metrics/v1/{tenant}`: `tenant` is named, or the endpoint's address
    ends with it. Alerts and the build are not exposed there: asking raises UpstreamNotInstalled without a call (the
    gateway's user-interface route answers without the tenant's matcher, which must not be relied on).
    """

    def __init__(self, endpoint: Endpoint, *, observatorium: bool = False, tenant: str = "") -> None:
        super().__init__(endpoint, refine=gateway.gateway_refusal if observatorium else _refusal)
        self.is_observatorium = observatorium
        self._base = (*gateway.tenant_path(tenant), "api", "v1") if observatorium else ("api", "v1")

    def rules(self) -> Listing[Rule]:
        """The alerting rules with their state and their pending and firing alerts."""
        envelope = self._ask("rules", {"type": "alert"})
        groups = read_items(self._data(envelope, _Groups).groups, _Group, _rules_of)
        return Listing(
            tuple(rule for group in groups.items for rule in group.items),
            groups.unreadable + tuple(bad for group in groups.items for bad in group.unreadable),
            _warnings(envelope),
        )

    def alerts(self) -> Listing[RuleAlert]:
        """Pending and firing alerts of all rules: for the rules' own state, never for alert rows."""
        self._refuse_behind_gateway("alerts of rules")
        envelope = self._ask("alerts", {})
        raws = self._data(envelope, _Alerts).alerts
        return read_items(raws, _RuleAlert, _rule_alert, warnings=_warnings(envelope))

    def query(self, expr: str, at: datetime | None = None) -> Answer:
        """The value of an expression at a moment (now by default): a vector's samples, or a scalar as one sample.

        Raises UpstreamBadReply for an expression that gives a string or a range.
        """
        envelope = self._ask("query", {"query": expr, **({"time": _unix(at)} if at else {})})
        result = self._data(envelope, _Result)
        warnings = _warnings(envelope)
        if result.result_type == "scalar":
            return Answer((_sample(_Sample(self._decode(result.result, tuple[float, str]))),), warnings)
        read = read_items(self._items(result, "vector"), _Sample, _sample)
        return Answer(read.items, warnings, read.unreadable)

    def query_range(
        self, expr: str, start: datetime, end: datetime, step: float, *, wanted: Wanted | None = None
    ) -> RangeAnswer:
        """The series of an expression between two moments, one point each `step` seconds.

        Of many series those are read whose labels are `wanted`, MOST_SERIES at most, and of each MOST_POINTS at most.
        """
        asked = {"query": expr, "start": _unix(start), "end": _unix(end), "step": f"{step:g}"}
        envelope = self._ask("query_range", asked)
        told = self._items(self._data(envelope, _Result), "matrix") or []
        chosen = [raw for raw in told if wanted is None or _is_wanted(raw, wanted)]
        read = read_items(chosen[:MOST_SERIES], _Series, _series)
        return RangeAnswer(read.items, _warnings(envelope), read.unreadable, len(told))

    def build_version(self) -> str:
        """Its version, as "2.42.0"."""
        self._refuse_behind_gateway("build")
        answer = self.http.get(*self._base, "status", "buildinfo")
        version: str = self._data(self._envelope(answer), _BuildInfo).version
        return version

    def _ask(self, name: str, parameters: Mapping[str, str]) -> _Envelope:
        """A long query goes as a form, which all of them take as well, since addresses have their limits."""
        path = (*self._base, name)
        if len(parameters.get("query", "")) > LONGEST_GET:
            return self._envelope(self.http.call("POST", path, form=parameters))
        return self._envelope(self.http.get(*path, query=parameters.items()))

    def _envelope(self, answer: HttpAnswer) -> _Envelope:
        envelope = answer.decode(_Envelope)
        if envelope.status != "success":
            told = plain_line(envelope.error or envelope.status)
            raise failure(UpstreamBadReply, self.source, f"answered 200 with an error: {told}")
        return envelope

    def _data(self, envelope: _Envelope, kind: type[Any]) -> Any:
        return self._decode(envelope.data, kind)

    def _decode(self, raw: Raw, kind: Any) -> Any:
        try:
            return decoded(raw, kind)
        except (ValueError, RecursionError) as error:
            words = f"its answer has another shape than expected: {error}"
            raise failure(UpstreamBadReply, self.source, words) from error

    def _items(self, result: _Result, wanted: str) -> list[Raw] | None:
        if result.result_type != wanted:
            words = f"the expression gives a {plain_line(result.result_type)}, not a {wanted}"
            raise failure(UpstreamBadReply, self.source, words)
        items: list[Raw] | None = self._decode(result.result, list[Raw] | None)
        return items

    def _refuse_behind_gateway(self, what: str) -> None:
        if self.is_observatorium:
            raise failure(UpstreamNotInstalled, self.source, f"Observatorium does not expose the {what}")


def _refusal(answer: HttpAnswer, reason: str) -> type[UpstreamError] | None:
    """A route that this version lacks is a 404 in plain text."""
    return UpstreamNotInstalled if answer.status == 404 and answer.media_type == "text/plain" else None


def _warnings(envelope: _Envelope) -> tuple[str, ...]:
    """What it warns of. PromQL's remarks on names stand among them in Thanos, and in Prometheus 2.48 until it told them
    as `infos`: they say nothing of data that may be missing."""
    return tuple(told for told in envelope.warnings or () if not told.startswith(REMARK))


def _is_wanted(raw: Raw, wanted: Wanted) -> bool:
    """True for what cannot be read, too, so that it is counted."""
    try:
        return wanted(decoded(raw, _Labelled).metric or {})
    except (ValueError, RecursionError):
        return True


def _unix(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"


def _moment(unix: float) -> datetime:
    """Raises ValueError for a moment that no calendar has."""
    try:
        return datetime.fromtimestamp(unix, UTC)
    except OverflowError as error:
        raise ValueError("a moment out of range") from error


def _rules_of(group: _Group) -> Listing[Rule]:
    def build(wire: _Rule) -> Rule:
        return _rule(group, wire)

    return read_items([raw for raw in group.rules or () if _is_alerting(raw)], _Rule, build)


def _is_alerting(raw: Raw) -> bool:
    """True for what cannot be read, too, so that it is counted. Some versions ignore `type=alert`."""
    try:
        return decoded(raw, _Kind).type != "recording"
    except (ValueError, RecursionError):
        return True


def _rule(group: _Group, wire: _Rule) -> Rule:
    return Rule(
        group=group.name,
        file=group.file,
        name=wire.name,
        query=wire.query,
        duration=wire.duration,
        labels=wire.labels or {},
        annotations=wire.annotations or {},
        state=wire.state,
        health=wire.health,
        last_error=wire.last_error or "",
        alerts=tuple(_rule_alert(alert) for alert in wire.alerts or ()),
    )


def _rule_alert(wire: _RuleAlert) -> RuleAlert:
    return RuleAlert(
        labels=wire.labels,
        annotations=wire.annotations or {},
        state=wire.state,
        active_at=read_time(wire.active_at),
        value=wire.value or "",
    )


def _sample(wire: _Sample) -> Sample:
    at, value = wire.value
    return Sample(labels=wire.metric or {}, at=_moment(at), value=float(value))


def _series(wire: _Series) -> Series:
    points = tuple((_moment(at), float(value)) for at, value in wire.values[:MOST_POINTS])
    return Series(labels=wire.metric or {}, points=points)
