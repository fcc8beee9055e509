"""What a Prometheus, a Thanos or an Observatorium tenant tells, as frozen values with aware UTC datetimes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from apps.integrations.listing import Unreadable


class RuleAlert(Struct, frozen=True):
    """An instance of a rule that is pending or firing. Never an alert row: those come from Alertmanagers alone."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    active_at: datetime | None
    value: str = ""


class Rule(Struct, frozen=True):
    """An alerting rule. state inactive, pending or firing; health ok, err or unknown; `duration` in seconds."""

    group: str
    file: str
    name: str
    query: str
    duration: float
    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    health: str
    last_error: str = ""
    alerts: tuple[RuleAlert, ...] = ()


class Sample(Struct, frozen=True):
    """One series of an instant query: labels, moment, value (NaN and infinities as floats)."""

    labels: dict[str, str]
    at: datetime
    value: float


class Series(Struct, frozen=True):
    """One series of a range query."""

    labels: dict[str, str]
    points: tuple[tuple[datetime, float], ...]


class Answer(Struct, frozen=True):
    """The samples of an instant query.

    `warnings` or `unreadable` not empty means that data may be missing: never show it as well.
    """

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


class RangeAnswer(Struct, frozen=True):
    """The series of a range query that were read, of `told` that came; `warnings` and `unreadable` as in Answer."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    told: int = 0
