"""Changing how a cluster stands: under lock, judged anew, with its lines in the timeline, and only if it changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from django.db import transaction

from apps.core.clock import database_now
from apps.core.text import clean
from apps.core.topics import raise_topics
from apps.core.verdict.cluster import ClusterFacts, cluster_verdict
from apps.fleet.lines import cluster_line
from apps.fleet.models import Cluster
from apps.timeline.models import TONE, Transition
from apps.timeline.services import transitions_note

NEVER = "never reached"
LATENCIES = "latencies"
"""The topic that is raised in place of "clusters" where nothing but a latency changed, which few pages show."""


class Change(NamedTuple):
    """What a change comes to: the facts to judge the cluster by, lines of its parts, whether rows of parts changed.

    `sinces` tells by tone since when the first of the parts in it is so, where the API tells.
    """

    facts: ClusterFacts
    lines: Sequence[Transition] = ()
    has_changed_parts: bool = False
    sinces: Mapping[str, datetime] = MappingProxyType({})


def cluster_change(*, name: str, change: Callable[[Cluster, datetime], Change | None]) -> bool:
    """Lets `change` set columns of the locked row, at the database's moment, and judges it; whether anything changed.

    One short transaction. None from `change`, or no such cluster: nothing is written.
    """
    with transaction.atomic():
        row = Cluster.objects.select_for_update().filter(name=name).first()
        if row is None:
            return False
        before, now = copy.copy(row), database_now()
        done = change(row, now)
        if done is None:
            return False
        _judge(row, done, now)
        lines = [*_own_lines(before, row, done.facts, now), *done.lines]
        return _save(before, row, lines, has_changed_parts=done.has_changed_parts)


def reachability(row: Cluster) -> str:
    """In a word or two, for people: reached, not reached, lost, cannot be read, never reached."""
    if row.lost_since:
        return "lost"
    if row.unreached_since:
        return "not reached"
    if row.cannot_read:
        return "cannot be read"
    return "reached" if row.reached_at else NEVER


def _judge(row: Cluster, done: Change, now: datetime) -> None:
    verdict = cluster_verdict(done.facts)
    if row.tone != verdict.tone or row.tone_since is None:
        told = row.unreached_since or done.sinces.get(verdict.tone.value)
        is_believable = told is not None and told <= now and (row.tone_since is None or told > row.tone_since)
        row.tone_since = told if told is not None and is_believable else now
    row.tone, row.reason = verdict.tone.value, clean(verdict.reason, 500)


def _own_lines(before: Cluster, after: Cluster, facts: ClusterFacts, now: datetime) -> list[Transition]:
    """Reachability and version, of which the first sight is no change; and its tone, with why, for figures."""
    lines = []
    was, is_ = reachability(before), reachability(after)
    if was != is_ and (was, is_) != (NEVER, "reached"):
        why = facts.unreached or facts.cannot_read
        told = f"{is_}: {why}" if why else is_
        lines.append(cluster_line(after, "reachable", before=was, after=told, tone=after.tone, now=now))
    had, has = version_of(before), version_of(after)
    if had and has and had != has:
        lines.append(cluster_line(after, "version", before=had, after=has, tone=after.tone, now=now))
    if before.tone != after.tone:
        judged = f"{after.tone}: {after.reason}"
        lines.append(
            cluster_line(after, TONE, before=before.tone, after=judged, tone=after.tone, now=now, at=after.tone_since)
        )
    return lines


def version_of(row: Cluster) -> str:
    """OpenShift's version, or Kubernetes' where it is no OpenShift."""
    return row.openshift_version or row.kubernetes_version


def _save(before: Cluster, row: Cluster, lines: Sequence[Transition], *, has_changed_parts: bool) -> bool:
    changed = {name: value for name, value in vars(row).items() if name != "_state" and vars(before)[name] != value}
    if not (changed or lines or has_changed_parts):
        return False
    if changed:
        Cluster.objects.filter(pk=row.pk).update(**changed)
    transitions_note(lines)
    is_latency_alone = set(changed) == {"latency"} and not lines and not has_changed_parts
    raise_topics([LATENCIES if is_latency_alone else "clusters", f"cluster:{row.name}"])
    return True
