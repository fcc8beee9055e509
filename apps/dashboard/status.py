"""What the portal holds now, in the numbers of the pages: counted over the same rows, with the same overlay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, F

from apps.alerts.models import Episode
from apps.core.ranking import tone_counts
from apps.fleet.overlay import Overlay
from apps.fleet.shown import shown_verdict
from apps.fleet.standing import reachability
from apps.gitops.models import Application
from apps.sources.shown import SourceRow, source_shown

NOT_TOLD = "not told"
Numbers = Mapping[str, int]


def status_of(overlay: Overlay) -> dict[str, Any]:
    """Sources, Applications, alerts and clusters as plain values, fit for JSON. Three queries."""
    return {
        "at": overlay.now.isoformat(),
        "sources": _sources(overlay),
        "applications": _applications(overlay),
        "alerts": _alerts(overlay),
        "clusters": _clusters(overlay),
    }


def _sources(overlay: Overlay) -> dict[str, Any]:
    rows = [source_shown(source, overlay.now) for source in overlay.sources.values()]
    return {"total": overlay.total_count, "fresh": overlay.fresh_count, "each": [_source(row) for row in rows]}


def _source(row: SourceRow) -> dict[str, Any]:
    source = row.source
    return {
        "key": source.key,
        "state": row.state.value,
        "tone": row.verdict.tone.value,
        "reason": row.verdict.reason,
        "age_seconds": round(row.age.total_seconds(), 1) if source.succeeded_at else None,
        "items": source.items,
        "unreadable": source.unreadable,
        "version": source.version,
        "failures": source.failures,
        "last_error": source.error,
        "next_try_at": source.next_try_at.isoformat() if source.next_try_at else None,
    }


def _applications(overlay: Overlay) -> dict[str, Any]:
    """Counted in one query by instance, sync status, health status and shown tone together."""
    current = Application.objects.current(overlay).with_shown_tone(overlay).order_by()
    groups = list(
        current.values_list("instance", "sync_status", "health_status", F("shown_tone")).annotate(Count("pk"))
    )
    of_instance = {instance: [group for group in groups if group[0] == instance] for instance, *_ in groups}
    each = {instance: _application_numbers(of_instance[instance]) for instance in sorted(of_instance)}
    return {**_application_numbers(groups), "instances": each}


def _application_numbers(groups: Iterable[tuple[str, str, str, str, int]]) -> dict[str, Any]:
    rows = list(groups)
    return {
        "total": sum(row[4] for row in rows),
        "sync": summed((sync, count) for _, sync, _, _, count in rows),
        "health": summed((health, count) for _, _, health, _, count in rows),
        "tone": tones((tone, count) for _, _, _, tone, count in rows),
    }


def _alerts(overlay: Overlay) -> dict[str, Any]:
    """Those that have not ended, by Alertmanager, severity, state and shown tone, in one query."""
    firing = Episode.objects.firing().current(overlay).with_shown_tone(overlay).order_by()
    columns = ("alertmanager", "severity", "state", "other_state", F("shown_tone"))
    counted = firing.values_list(*columns).annotate(Count("pk"))
    groups = [(name, severity, other or state, tone, count) for name, severity, state, other, tone, count in counted]
    names = sorted({group[0] for group in groups} | set(_alertmanagers(overlay)))
    each = {name: _alert_numbers(group for group in groups if group[0] == name) for name in names}
    return {**_alert_numbers(groups), "doubts": dict(overlay.doubtful_alertmanagers), "alertmanagers": each}


def _alertmanagers(overlay: Overlay) -> list[str]:
    """Groups of the fleet file: one without alerts is told too."""
    return [source.group for source in overlay.sources.values() if source.kind == "alertmanager"]


def _alert_numbers(groups: Iterable[tuple[str, str, str, str, int]]) -> dict[str, Any]:
    rows = list(groups)
    return {
        "total": sum(row[4] for row in rows),
        "severity": summed((severity, count) for _, severity, _, _, count in rows),
        "state": summed((state, count) for _, _, state, _, count in rows),
        "tone": tones((tone, count) for _, _, _, tone, count in rows),
    }


def _clusters(overlay: Overlay) -> dict[str, Any]:
    rows = [(cluster, shown_verdict(cluster, overlay)) for cluster in overlay.clusters]
    return {
        "total": len(rows),
        "tone": tones((verdict.tone.value, 1) for _, verdict in rows),
        "reachability": summed((reachability(cluster), 1) for cluster, _ in rows),
        "each": [
            {
                "name": cluster.name,
                "role": cluster.role,
                "environment": cluster.environment,
                "tone": verdict.tone.value,
                "reason": verdict.reason,
                "reachability": reachability(cluster),
                "version": cluster.openshift_version or cluster.kubernetes_version,
            }
            for cluster, verdict in rows
        ],
    }


def summed(pairs: Iterable[tuple[str, int]]) -> Numbers:
    """Counts by word, the most first; a word that the upstream does not tell is NOT_TOLD."""
    counts: Counter[str] = Counter()
    for word, count in pairs:
        counts[word or NOT_TOLD] += count
    return dict(counts.most_common())


def tones(pairs: Iterable[tuple[str, int]]) -> Numbers:
    """Counts by tone, all six in order of precedence."""
    return {tone.value: count for tone, count in tone_counts(pairs).items()}
