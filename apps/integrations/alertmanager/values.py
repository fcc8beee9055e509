"""What an Alertmanager (0.22 and later, API v2) tells, as frozen values with aware UTC datetimes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Alert(Struct, frozen=True):
    """A firing alert. state is active, suppressed or unprocessed (or a word this version does not know)."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    starts_at: datetime | None
    ends_at: datetime | None = None
    updated_at: datetime | None = None
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    generator_url: str = ""


class Group(Struct, frozen=True):
    """An alert group: the labels it is grouped by, its receiver, the fingerprints in it.

    `muted_by` holds for each muted fingerprint the time intervals that mute it; only groups tell them.
    """

    labels: dict[str, str]
    receiver: str
    fingerprints: tuple[str, ...]
    muted_by: dict[str, tuple[str, ...]] = {}


class Matcher(Struct, frozen=True):
    """One matcher of a silence: = (is_equal), != , =~ (is_regex), !~ (is_regex, not is_equal)."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class Silence(Struct, frozen=True):
    """A silence. state is active, pending or expired."""

    id: str
    state: str
    matchers: tuple[Matcher, ...]
    created_by: str
    comment: str
    starts_at: datetime | None
    ends_at: datetime | None
    updated_at: datetime | None = None
    annotations: dict[str, str] = {}


class SilenceOrder(Struct, frozen=True, kw_only=True):
    """A silence that is asked for; moments are aware. `id` is that of the silence it changes, "" for a new one.

    `annotations` are what other tools keep there (0.32 and later): a change without them would take them away.
    """

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""
    annotations: dict[str, str] = {}


class Status(Struct, frozen=True):
    """cluster_status is ready, settling or disabled; `peers` the number of members it sees; uptime since when."""

    version: str
    cluster_status: str
    peers: int
    started_at: datetime | None
