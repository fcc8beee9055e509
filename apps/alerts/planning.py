"""What one member's answer changes in the rows of its group: compared in memory, nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from urllib.parse import quote

from apps.alerts.aligning import Columns, put
from apps.alerts.joining import Joined
from apps.alerts.merging import Member, Merged, merged
from apps.alerts.models import AlertState, Episode, Holding
from apps.alerts.telling import Content, Status, Told
from apps.core.matchers import LabelMatcher, are_met
from apps.core.text import clean
from apps.core.tones import Tone
from apps.core.verdict.alert import AlertFacts, alert_verdict
from apps.timeline.models import Kind, Transition

SKEW_ALLOWED = timedelta(minutes=1)
STATUS_COLUMNS = tuple(column.name for column in fields(Status))
CONTENT_COLUMNS = tuple(column.name for column in fields(Content))
JOINED_COLUMNS = tuple(column.name for column in fields(Joined))


@dataclass(frozen=True)
class Answer:
    """What one member told in one complete read.

    `kept` are fingerprints that it told in a shape that cannot be read; `is_complete` is False where it told more than
    can be named, so that nothing may be taken for gone.
    """

    source: str
    told: Mapping[str, Told]
    kept: frozenset[str] = frozenset()
    is_complete: bool = True


@dataclass(frozen=True)
class Present:
    """The rows of the group as they are now, with what is needed to judge them.

    `held` is each open episode's status by the key of the member that holds it, `ends` the last end of those told
    alerts that have no open episode, `authors` who made a silence, by its id. `seen_after` is the read before.
    """

    group: str
    now: datetime
    seen_after: datetime | None
    members: Sequence[Member]
    episodes: Mapping[str, Episode]
    held: Mapping[str, Mapping[str, Status]]
    ends: Mapping[str, datetime]
    authors: Mapping[str, str]
    watchdog: tuple[LabelMatcher, ...] | None


@dataclass
class Plan:
    """The difference: what to insert, to change (row → columns) and to let go of, with its lines of the timeline."""

    begun: list[Episode] = field(default_factory=list)
    changed: list[tuple[Episode, Columns]] = field(default_factory=list)
    held: list[Holding] = field(default_factory=list)
    held_otherwise: list[tuple[Episode, str, Columns]] = field(default_factory=list)
    dropped: list[tuple[Episode, str]] = field(default_factory=list)
    lines: list[Transition] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all changes."""
        return not (self.begun or self.changed or self.held or self.held_otherwise or self.dropped)


def plan_of(answer: Answer, present: Present) -> Plan:
    """What the answer changes: nothing where the fleet file has no such member any more."""
    is_member = any(member.key == answer.source for member in present.members)
    return _Planner(answer, present).plan() if is_member else Plan()


class _Planner:
    """Goes through the episodes that are open and the alerts that are new, and collects the difference."""

    def __init__(self, answer: Answer, present: Present) -> None:
        self._answer = answer
        self._present = present
        self._plan = Plan()
        self._keys = {member.key for member in present.members}

    def plan(self) -> Plan:
        for fingerprint, episode in self._present.episodes.items():
            self._go_on(episode, self._present.held.get(fingerprint, {}), self._answer.told.get(fingerprint))
        for fingerprint, told in self._answer.told.items():
            if fingerprint not in self._present.episodes:
                self._begin(told)
        return self._plan

    def _begin(self, told: Told) -> None:
        episode = _new_episode(told, self._present)
        put(episode, self._state_columns(episode, Merged(told.status)))
        episode.state_since = episode.began_at if episode.state == AlertState.ACTIVE else self._present.now
        self._plan.begun.append(episode)
        self._plan.held.append(_holding(episode, self._answer.source, told.status))
        at = None if episode.is_odd_start else episode.began_at
        self._line(episode, "firing", "", "begins", at=at)
        if episode.state != AlertState.ACTIVE:
            self._state_line(episode, AlertState.ACTIVE.value)

    def _go_on(self, episode: Episode, before: Mapping[str, Status], told: Told | None) -> None:
        held = self._held_now(episode, before, told)
        now = merged(held, self._present.members)
        if now is None:
            self._end(episode)
            return
        state_before = episode.state
        changes = put(episode, _content_columns(told)) if told and now.leader == self._answer.source else {}
        changes |= put(episode, self._state_columns(episode, now))
        if episode.state != state_before:
            changes |= put(episode, {"state_since": self._present.now})
            self._state_line(episode, state_before)
        if changes:
            self._plan.changed.append((episode, changes))

    def _held_now(self, episode: Episode, before: Mapping[str, Status], told: Told | None) -> dict[str, Status]:
        """Who holds it after this answer; the holdings' own difference goes into the plan."""
        source = self._answer.source
        held = {key: status for key, status in before.items() if key in self._keys}
        self._plan.dropped += [(episode, key) for key in before if key not in self._keys]
        if told is not None:
            if source not in held:
                self._plan.held.append(_holding(episode, source, told.status))
            elif held[source] != told.status:
                self._plan.held_otherwise.append((episode, source, _status_columns(told.status)))
            held[source] = told.status
        elif source in held and self._answer.is_complete and episode.fingerprint not in self._answer.kept:
            self._plan.dropped.append((episode, source))
            del held[source]
        return held

    def _end(self, episode: Episode) -> None:
        ended: Columns = {
            "ended_at": self._present.now,
            "state": AlertState.ENDED.value,
            "state_since": self._present.now,
            "is_unconfirmed": False,
            **_verdict_columns(AlertFacts(state="ended")),
        }
        self._plan.changed.append((episode, put(episode, ended)))
        self._line(episode, "firing", "", "ends")

    def _state_columns(self, episode: Episode, now: Merged) -> Columns:
        """The columns that what the members say comes to; its state stays as it was where nobody tells one."""
        status = now.status or status_of(*(getattr(episode, name) for name in STATUS_COLUMNS))
        facts = AlertFacts(
            state=status.state.value,
            severity=episode.severity,
            is_slo=episode.is_slo,
            is_watchdog=self._present.watchdog is not None and are_met(self._present.watchdog, episode.labels),
            other_state=status.other_state,
            cause=self._cause(status),
            dissent=now.dissent,
            unconfirmed=now.unconfirmed,
        )
        return {**_status_columns(status), "is_unconfirmed": bool(now.unconfirmed), **_verdict_columns(facts)}

    def _cause(self, status: Status) -> str:
        """Who or what quiets it, in words: "by remy"."""
        names: Iterable[str] = ()
        if status.state is AlertState.SILENCED:
            names = self._authors(status)
        elif status.state is AlertState.INHIBITED:
            names = (self._name_of(fingerprint) for fingerprint in status.inhibited_by)
        elif status.state is AlertState.MUTED:
            names = (f"time interval {name}" for name in status.muted_by)
        told = ", ".join(dict.fromkeys(names))
        return f"by {told}" if told else ""

    def _authors(self, status: Status) -> list[str]:
        return [self._present.authors.get(one) or f"silence {one}" for one in status.silenced_by]

    def _name_of(self, fingerprint: str) -> str:
        """The name of another alert of the group, or its fingerprint."""
        if told := self._answer.told.get(fingerprint):
            return told.content.name
        episode = self._present.episodes.get(fingerprint)
        return episode.name if episode else fingerprint

    def _state_line(self, episode: Episode, before: str) -> None:
        """One line: silenced, inhibited or muted begins, or ends."""
        now = episode.state
        silenced_by = episode.silenced_by if now == AlertState.SILENCED else ()
        by = ", ".join(author for one in silenced_by if (author := self._present.authors.get(one)))
        self._line(episode, before if now == AlertState.ACTIVE else now, before, now, by=by)

    def _line(
        self, episode: Episode, field_name: str, before: str, after: str, *, at: datetime | None = None, by: str = ""
    ) -> None:
        self._plan.lines.append(
            Transition(
                at=at,
                seen_at=self._present.now,
                seen_after=self._present.seen_after,
                kind=Kind.ALERT,
                subject=f"{episode.alertmanager}/{episode.fingerprint}",
                title=episode.name,
                cluster=episode.cluster,
                application=clean(episode.application, 300),
                environment=episode.environment,
                field=field_name,
                before=before,
                after=after,
                tone=episode.tone,
                source=self._answer.source,
                by=clean(by, 200),
                link=f"/alerts/{quote(episode.alertmanager, safe='')}/{episode.fingerprint}/",
            )
        )


def _new_episode(told: Told, present: Present) -> Episode:
    """The alert's new episode. A start that lies ahead or before the last end is not when this episode began."""
    last_end = present.ends.get(told.fingerprint)
    starts_at = told.starts_at
    is_believable = starts_at is not None and starts_at <= present.now and not (last_end and starts_at <= last_end)
    return Episode(
        alertmanager=present.group,
        fingerprint=told.fingerprint,
        starts_at=starts_at,
        began_at=starts_at if starts_at and is_believable else present.now,
        first_seen_at=present.now,
        is_odd_start=starts_at is None or starts_at > present.now + SKEW_ALLOWED,
        **_content_columns(told),
    )


def _content_columns(told: Told) -> Columns:
    return {
        **{name: getattr(told.content, name) for name in CONTENT_COLUMNS},
        **{name: getattr(told.joined, name) for name in JOINED_COLUMNS},
    }


def _status_columns(status: Status) -> Columns:
    return {
        "state": status.state.value,
        "other_state": status.other_state,
        "silenced_by": list(status.silenced_by),
        "inhibited_by": list(status.inhibited_by),
        "muted_by": list(status.muted_by),
    }


def _verdict_columns(facts: AlertFacts) -> Columns:
    tone, reason = alert_verdict(facts)
    return {"tone": Tone(tone).value, "reason": clean(reason, 500)}


def status_of(
    state: str, other_state: str, silenced_by: Iterable[str], inhibited_by: Iterable[str], muted_by: Iterable[str]
) -> Status:
    """The status that a row keeps in its STATUS_COLUMNS."""
    return Status(AlertState(state), other_state, tuple(silenced_by), tuple(inhibited_by), tuple(muted_by))


def _holding(episode: Episode, source: str, status: Status) -> Holding:
    return Holding(episode=episode, source=source, **_status_columns(status))
