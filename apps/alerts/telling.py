"""One alert as one member of an Alertmanager group told it, made fit to keep: capped, cleaned, in our words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.alerts.joining import AlertJoiner, Joined
from apps.alerts.models import AlertState
from apps.core.text import clean
from apps.integrations.alertmanager.values import Alert, Group

MOST_LABELS = 64
LONGEST_NAME = 300
LONGEST_LABEL = 4_000
LONGEST_ANNOTATION = 16_000
MOST_REFERENCES = 50
ALERTNAME = "alertname"
EVERY_LABEL = "..."
PLAIN_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{1,100}\Z")
KNOWN_STATES = frozenset({"active", "suppressed", "unprocessed"})


@dataclass(frozen=True, slots=True)
class Status:
    """Whether an alert is quieted, and by what; `other_state` is a word of the upstream's that we do not know."""

    state: AlertState
    other_state: str = ""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an episode shows of an alert beside its state. Its fields are Episode's, `joined` spread over several."""

    name: str
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    was_cut: bool
    generator_url: str
    runbook_url: str
    receivers: list[str]
    group_labels: dict[str, str]
    group_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert of one answer."""

    fingerprint: str
    starts_at: datetime | None
    status: Status
    content: Content
    joined: Joined


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of one alert: the labels and the key of the first, and what mutes it in all of them."""

    labels: dict[str, str]
    key: str
    muted_by: tuple[str, ...] = ()


def groupings_of(groups: Iterable[Group]) -> dict[str, Grouping]:
    """Each alert's grouping by its fingerprint. An alert is muted only if every group that it is in is muted."""
    found: dict[str, Grouping] = {}
    for group in sorted(groups, key=lambda group: (group.receiver, sorted(group.labels.items()))):
        labels = fit_texts(group.labels, LONGEST_LABEL)
        key = group_key(labels)
        for fingerprint in group.fingerprints:
            muted_by = group.muted_by.get(fingerprint, ())
            first = found.setdefault(fingerprint, Grouping(labels, key, muted_by))
            if first.muted_by and not muted_by:
                found[fingerprint] = Grouping(first.labels, first.key)
    return found


def stand_in_grouping(labels: Mapping[str, str], group_by: tuple[str, ...]) -> Grouping:
    """How the fleet file groups where the server cannot tell its groups; by the alert's name where it says nothing."""
    names = sorted(labels) if EVERY_LABEL in group_by else group_by or (ALERTNAME,)
    chosen = fit_texts({name: labels[name] for name in names if name in labels}, LONGEST_LABEL)
    return Grouping(chosen, group_key(chosen))


def group_key(labels: Mapping[str, str]) -> str:
    """A group's labels as one text, the same for the same labels; a long one ends in a digest that keeps it apart."""
    text = ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels))
    return text if len(text) <= 500 else f"{text[:430]}… {hashlib.sha256(text.encode()).hexdigest()}"


def alert_told(alert: Alert, *, grouping: Grouping, joiner: AlertJoiner) -> Told:
    """The alert as it is kept. Joins see its whole labels, however much of them is cut."""
    return Told(
        fingerprint=fit_fingerprint(alert.fingerprint),
        starts_at=alert.starts_at,
        status=_status(alert, grouping.muted_by),
        content=_content(alert, grouping),
        joined=joiner.joined(alert.labels, alert.annotations),
    )


def fit_fingerprint(told: str) -> str:
    """A fingerprint that fits into addresses and columns: the upstream's (16 hex digits), or else a digest of it."""
    return told if PLAIN_FINGERPRINT.match(told) else f"odd-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _status(alert: Alert, muted_by: tuple[str, ...]) -> Status:
    muted_by = muted_by or alert.muted_by
    return Status(
        state=_state(alert, muted_by),
        other_state="" if alert.state in KNOWN_STATES else clean(alert.state, 50),
        silenced_by=_references(alert.silenced_by),
        inhibited_by=_references(alert.inhibited_by),
        muted_by=_references(muted_by),
    )


def _state(alert: Alert, muted_by: tuple[str, ...]) -> AlertState:
    """Silenced before inhibited before muted; suppressed without a cause counts as muted, an unknown word as active."""
    if alert.state not in KNOWN_STATES:
        return AlertState.ACTIVE
    is_suppressed = alert.state == "suppressed"
    if is_suppressed and alert.silenced_by:
        return AlertState.SILENCED
    if is_suppressed and alert.inhibited_by:
        return AlertState.INHIBITED
    return AlertState.MUTED if is_suppressed or muted_by else AlertState.ACTIVE


def _content(alert: Alert, grouping: Grouping) -> Content:
    labels = fit_texts(alert.labels, LONGEST_LABEL)
    annotations = fit_texts(alert.annotations, LONGEST_ANNOTATION)
    return Content(
        name=clean(alert.labels.get(ALERTNAME), 300),
        severity=clean(alert.labels.get("severity"), 50),
        labels=labels,
        annotations=annotations,
        was_cut=labels != alert.labels or annotations != alert.annotations,
        generator_url=clean(alert.generator_url, 2000),
        runbook_url=clean(alert.annotations.get("runbook_url") or alert.annotations.get("runbook"), 2000),
        receivers=[clean(receiver, LONGEST_NAME) for receiver in sorted(alert.receivers)[:MOST_REFERENCES]],
        group_labels=grouping.labels,
        group_key=grouping.key,
    )


def fit_texts(texts: Mapping[str, str], longest: int) -> dict[str, str]:
    """The first MOST_LABELS texts by name, the alert's name always among them, each name and value capped."""
    names = sorted(texts, key=lambda name: (name != ALERTNAME, name))[:MOST_LABELS]
    return {clean(name, LONGEST_NAME): clean(texts[name], longest) for name in names}


def _references(names: Iterable[str]) -> tuple[str, ...]:
    """Ids or names, capped in number and length, always in one order."""
    return tuple(clean(name, 200) for name in sorted(names)[:MOST_REFERENCES])
