"""Writing down what Alertmanagers and Prometheuses told: episodes, silences and rules; only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from django.db import models, transaction
from django.db.models import Max

from apps.alerts.aligning import BATCH, Columns, RowKey, Shelf, columns_write, in_batches
from apps.alerts.matching import matchers_of
from apps.alerts.merging import Member
from apps.alerts.models import Episode, Holding, Rule, Silence
from apps.alerts.planning import STATUS_COLUMNS, Answer, Plan, Present, plan_of, status_of
from apps.alerts.telling import LONGEST_ANNOTATION, LONGEST_LABEL, Status, fit_texts
from apps.core.clock import database_now
from apps.core.matchers import LabelMatcher, are_met
from apps.core.text import clean, clean_all
from apps.core.tones import Tone
from apps.core.topics import raise_topics
from apps.integrations.alertmanager.values import Silence as SilenceTold
from apps.integrations.prometheus.values import Rule as RuleTold
from apps.sources.models import Source, SourceState
from apps.timeline.models import Kind, Transition
from apps.timeline.services import transitions_note

PRUNE_BATCH = 500
WORD_LASTS = timedelta(minutes=15)
SETTLING = "settling"
RESTARTED = "just restarted"
DROPPED = "dropped"
DOUBTS = {
    SETTLING: "is settling",
    RESTARTED: "has just restarted",
    DROPPED: "has lost most of its alerts at once and does not tell whether it has just restarted",
}

MOST_MATCHERS = 100
LONGEST_COMMENT = 4_000
LONGEST_QUERY = 20_000
LONGEST_KEPT = 100_000
"""Of what others keep at a silence: it is sent back with a change, and never shown."""
ACTIVE, EXPIRED = "active", "expired"
SILENCE_ENDED = "silence ended"


def alertmanager_merge(
    *, group: str, answer: Answer, doubt: str = "", watchdog: tuple[LabelMatcher, ...] | None = None
) -> bool:
    """Merges one member's answer into its group's episodes, with their lines of the timeline; whether rows changed.

    `doubt` is SETTLING, RESTARTED, DROPPED or "". The difference is looked for without a lock, since mostly there is
    none; where there is one it is made anew under the group's lock, so that two members read at once do not undo each
    other.
    """
    if plan_of(answer, _present(group, answer, doubt, watchdog)).is_empty:
        return False
    with transaction.atomic():
        _lock_group(group)
        plan = plan_of(answer, _present(group, answer, doubt, watchdog))
        _carry_out(plan)
        if not plan.is_empty:
            raise_topics(["alerts"])
    return not plan.is_empty


def silences_align(
    *, group: str, source: str, told: Iterable[SilenceTold], is_complete: bool = True, doubt: str = ""
) -> bool:
    """Brings the group's silences in line with one member's answer; whether rows changed.

    Of two versions the one updated later wins; of two alike, and about what is gone, the first member that is fresh and
    not in doubt decides, so that members who differ do not take turns.
    """
    members = _members(list(_members_of(group)), source, doubt, database_now())
    is_leader = source == next((member.key for member in members if member.is_fresh and not member.doubt), "")
    shelf = Shelf(Silence, {"alertmanager": group}, ("silence_id",), topic="silences")
    present = shelf.present()
    wanted: dict[RowKey, Columns] = {(clean(silence.id, 100),): _silence_columns(silence) for silence in told}
    taken = {key: columns for key, columns in wanted.items() if _is_taken(present.get(key), columns, is_leader)}
    gone = present.keys() - wanted.keys() if is_leader and is_complete else ()
    ended = [row for key, columns in taken.items() if (row := present.get(key)) and _has_ended(row, columns)]
    if not ended:
        return shelf.align(present, taken, gone)
    with transaction.atomic():
        transitions_note([_line_of_end(row, taken[row.silence_id,], source) for row in ended])
        return shelf.align(present, taken, gone)


def rules_align(
    *, prometheus: str, told: Iterable[RuleTold], slo: Sequence[LabelMatcher], is_complete: bool = True
) -> bool:
    """Brings the rules of one Prometheus in line with its answer; whether rows changed. They make no alert rows.

    Only on a complete answer does a rule go.
    """
    shelf = Shelf(Rule, {"prometheus": prometheus}, ("file", "group", "name", "ordinal"), topic="rules")
    present = shelf.present()
    wanted: dict[RowKey, Columns] = {}
    times: Counter[RowKey] = Counter()
    for rule in told:
        names = (clean(rule.file, 500), clean(rule.group, 300), clean(rule.name, 300))
        wanted[*names, times[names]] = _rule_columns(rule, slo)
        times[names] += 1
    return shelf.align(present, wanted, present.keys() - wanted.keys() if is_complete else ())


def alerts_prune(*, days: int) -> int:
    """Deletes one small batch of episodes that ended more than `days` ago; returns how many, 0 when none are left."""
    too_old = Episode.objects.filter(ended_at__lt=database_now() - timedelta(days=days)).order_by("ended_at")
    batch = list(too_old.values_list("pk", flat=True)[:PRUNE_BATCH])
    Episode.objects.filter(pk__in=batch).delete()
    return len(batch)


def member_names(sources: Sequence[Source]) -> dict[str, str]:
    """What people call each member of a group, by its key: its host, with its port where hosts are the same."""
    addresses = {source.key: urlsplit(source.address) for source in sources}
    hosts = [parts.hostname for parts in addresses.values()]
    return {
        key: (parts.hostname if hosts.count(parts.hostname) == 1 else parts.netloc) or key
        for key, parts in addresses.items()
    }


def _lock_group(group: str) -> None:
    list(_members_of(group).select_for_update().values_list("pk", flat=True))


def _members_of(group: str) -> models.QuerySet[Source]:
    return Source.objects.filter(kind=Source.Kind.ALERTMANAGER, group=group, is_archived=False).order_by("pk")


def _present(group: str, answer: Answer, doubt: str, watchdog: tuple[LabelMatcher, ...] | None) -> Present:
    """The group's rows now. Its members' states are as their last reads left them, the one that answers being fresh."""
    now = database_now()
    sources = list(_members_of(group))
    episodes = {episode.fingerprint: episode for episode in Episode.objects.firing().filter(alertmanager=group)}
    return Present(
        group=group,
        now=now,
        seen_after=next((source.succeeded_at for source in sources if source.key == answer.source), None),
        members=_members(sources, answer.source, doubt, now),
        episodes=episodes,
        held=_held(group),
        ends=_ends(group, [fingerprint for fingerprint in answer.told if fingerprint not in episodes]),
        authors=dict(Silence.objects.filter(alertmanager=group).values_list("silence_id", "created_by")),
        watchdog=watchdog,
    )


def _members(sources: Sequence[Source], answering: str, doubt: str, now: datetime) -> list[Member]:
    names = member_names(sources)
    return [
        Member(
            key=source.key,
            name=names[source.key],
            is_fresh=source.key == answering or source.state(now) is SourceState.FRESH,
            is_long_silent=source.key != answering and _is_long_silent(source, now),
            doubt=DOUBTS.get(doubt, "") if source.key == answering else _doubt_kept(source),
        )
        for source in sources
    ]


def _is_long_silent(source: Source, now: datetime) -> bool:
    """Down, not only unread, and for longer than an alert lasts that is not sent again (Prometheus: 4 minutes)."""
    silence = now - source.succeeded_at if source.succeeded_at else timedelta.max
    return source.state(now) is SourceState.DOWN and silence > WORD_LASTS


def _doubt_kept(source: Source) -> str:
    """What its last read said of the member itself."""
    return next((words for code, words in DOUBTS.items() if code in source.warnings), "")


def _held(group: str) -> dict[str, dict[str, Status]]:
    held: dict[str, dict[str, Status]] = {}
    holdings = Holding.objects.filter(episode__alertmanager=group, episode__ended_at=None)
    for fingerprint, source, *status in holdings.values_list("episode__fingerprint", "source", *STATUS_COLUMNS):
        held.setdefault(fingerprint, {})[source] = status_of(*status)
    return held


def _ends(group: str, fingerprints: Sequence[str]) -> dict[str, datetime]:
    """When those alerts last ended, if they ever did."""
    ends: dict[str, datetime] = {}
    for some in in_batches(fingerprints):
        ended = Episode.objects.filter(alertmanager=group, fingerprint__in=some, ended_at__isnull=False)
        ends.update(ended.values_list("fingerprint").annotate(Max("ended_at")))
    return ends


def _carry_out(plan: Plan) -> None:
    Episode.objects.bulk_create(plan.begun, batch_size=BATCH)
    columns_write(Episode.objects.all(), ((episode.pk, changes) for episode, changes in plan.changed))
    ended = [episode.pk for episode, changes in plan.changed if "ended_at" in changes]
    for some in in_batches(ended):
        Holding.objects.filter(episode__in=some).delete()
    _carry_out_holdings(plan)
    transitions_note(plan.lines)


def _carry_out_holdings(plan: Plan) -> None:
    Holding.objects.bulk_create(plan.held, batch_size=BATCH)
    dropped: dict[str, list[int]] = {}
    for episode, source in plan.dropped:
        dropped.setdefault(source, []).append(episode.pk)
    for source, episodes in dropped.items():
        for some in in_batches(episodes):
            Holding.objects.filter(source=source, episode__in=some).delete()
    for source in {source for _, source, _ in plan.held_otherwise}:
        changes = [(episode.pk, columns) for episode, key, columns in plan.held_otherwise if key == source]
        columns_write(Holding.objects.filter(source=source), changes, by="episode")


def _silence_columns(silence: SilenceTold) -> Columns:
    return {
        "state": clean(silence.state, 20),
        "matchers": [
            {**msgspec.to_builtins(matcher), "name": clean(matcher.name, 300), "value": clean(matcher.value)}
            for matcher in silence.matchers[:MOST_MATCHERS]
        ],
        "created_by": clean(silence.created_by, 300),
        "comment": clean(silence.comment, LONGEST_COMMENT),
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "updated_at": silence.updated_at,
        "annotations": clean_all(silence.annotations, LONGEST_KEPT),
    }


def _is_taken(row: Silence | None, columns: Columns, is_leader: bool) -> bool:
    """Whether a member's version of a silence counts beside the one that is kept."""
    told = columns["updated_at"]
    if row is None or row.updated_at is None or not isinstance(told, datetime):
        return True
    return told > row.updated_at or (is_leader and told == row.updated_at)


def _has_ended(row: Silence, columns: Columns) -> bool:
    """Whether it held something back until now."""
    return row.state == ACTIVE and columns["state"] == EXPIRED


def _line_of_end(row: Silence, columns: Columns, source: str) -> Transition:
    """That a silence has ended, by itself or by somebody: what it held back is told again."""
    told, now = columns["ends_at"], database_now()
    return Transition(
        at=told if isinstance(told, datetime) and told <= now else now,
        seen_at=now,
        kind=Kind.ALERT,
        subject=f"{row.alertmanager}/silence {row.silence_id}",
        title=clean(", ".join(map(str, matchers_of(row))), 300),
        field=SILENCE_ENDED,
        after=SILENCE_ENDED,
        tone=Tone.HELD,
        source=source,
        by=clean(row.created_by, 200),
        link="/silences/",
    )


def _rule_columns(rule: RuleTold, slo: Sequence[LabelMatcher]) -> Columns:
    return {
        "query": clean(rule.query, LONGEST_QUERY),
        "duration": rule.duration,
        "labels": fit_texts(rule.labels, LONGEST_LABEL),
        "annotations": fit_texts(rule.annotations, LONGEST_ANNOTATION),
        "state": clean(rule.state, 20),
        "health": clean(rule.health, 20),
        "last_error": clean(rule.last_error, 1000),
        "severity": clean(rule.labels.get("severity"), 50),
        "is_slo": are_met(slo, rule.labels),
    }
