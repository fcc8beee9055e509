"""Alerts that fire or are about to, and the silences of one Alertmanager."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.demo.catalogue import AlertRule

MOST_PAST = 300
FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint of a label set: FNV-1a over names and values in order, 16 hex digits."""
    value = FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


@dataclass(slots=True)
class Alert:
    """An alert; while it is pending only Prometheus knows of it."""

    rule: AlertRule
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    fingerprint: str
    is_pending: bool = False


class AlertBook:
    """All alerts of one group of Alertmanagers and of the Prometheus that feeds it, by fingerprint."""

    def __init__(self, *, name: str, rules: tuple[AlertRule, ...]) -> None:
        self.name = name
        self.rules = rules
        self.alerts: dict[str, Alert] = {}
        self.past: deque[tuple[Alert, datetime]] = deque(maxlen=MOST_PAST)
        self.version = 0

    @property
    def firing(self) -> list[Alert]:
        """The alerts that an Alertmanager has, in the order of their fingerprints."""
        return sorted((each for each in self.alerts.values() if not each.is_pending), key=lambda each: each.fingerprint)

    def put(self, alert: Alert) -> None:
        """Let it begin, or change."""
        self.alerts[alert.fingerprint] = alert
        self.version += 1

    def end(self, fingerprint_: str, now: datetime) -> bool:
        """Let it end. Returns whether it was there."""
        self.version += 1
        alert = self.alerts.pop(fingerprint_, None)
        if alert is not None and not alert.is_pending:
            self.past.append((alert, now))
        return alert is not None

    def promote(self, fingerprint_: str, now: datetime) -> None:
        """Let a pending alert fire, if it still is there."""
        alert = self.alerts.get(fingerprint_)
        if alert is not None:
            alert.is_pending = False
            alert.starts_at = now
            self.version += 1


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher; a regular expression is anchored at both ends. Raises `re.error` when it is not one."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it; a label that is not there counts as empty."""
        found = labels.get(self.name, "")
        same = re.fullmatch(self.value, found) is not None if self.is_regex else found == self.value
        return same is self.is_equal


@dataclass(slots=True)
class Silence:
    """A silence of one Alertmanager."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)

    def state(self, now: datetime) -> str:
        """pending, active or expired."""
        if self.ends_at <= now:
            return "expired"
        return "pending" if self.starts_at > now else "active"

    def mutes(self, labels: Mapping[str, str]) -> bool:
        """Whether it matches these labels."""
        return all(matcher.matches(labels) for matcher in self.matchers)


@dataclass
class SilenceBook:
    """The silences of one Alertmanager; `peers` hear of each change a moment later."""

    silences: dict[str, Silence] = field(default_factory=dict)
    peers: list[SilenceBook] = field(default_factory=list)
    version: int = 0

    def put(self, silence: Silence) -> None:
        """Add it, or take its new state."""
        self.silences[silence.id] = silence
        self.version += 1

    def active(self, now: datetime) -> Iterable[Silence]:
        """Those that mute something now."""
        return [each for each in self.silences.values() if each.state(now) == "active"]
