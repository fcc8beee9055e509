"""How clusters and sources stood over time, by the timeline's lines and the rows as they are now."""

from __future__ import annotations

from datetime import datetime

from apps.sources.kept import kept_since
from apps.sources.models import Source, SourceState
from apps.timeline.standing import (
    ASLEEP,
    FAILING,
    NEVER,
    OK,
    Lines,
    Present,
    cluster_steps,
    reach_steps,
    source_steps,
)
from apps.timeline.steps import Steps, Window

from .models import Cluster
from .overlay import Overlay
from .shown import keys_of_tellers
from .standing import reachability


def reach_of(cluster: Cluster, lines: Lines, overlay: Overlay, window: Window) -> Steps[str]:
    """How a cluster was reached in a window, as far as that was known."""
    steps = cluster_steps(
        window, lines.get(("cluster", cluster.name), ()), Present(reachability(cluster), cluster.reached_at)
    )
    return reach_steps(steps, [steps_of_source(key, lines, overlay, window) for key in keys_of_tellers(cluster)])


def steps_of_source(key: str, lines: Lines, overlay: Overlay, window: Window) -> Steps[str]:
    """How reading a source went in a window."""
    return source_steps(window, lines.get(("source", key), ()), present_of(overlay.sources.get(key), overlay.now))


def present_of(source: Source | None, now: datetime) -> Present:
    """How a source stands now, as its row tells."""
    kept = kept_since(now)
    if source is None:
        return Present(ASLEEP, kept_since=kept)
    if source.succeeded_at is None:
        return Present(NEVER, kept_since=kept)
    if source.failures:
        return Present(FAILING, source.failing_since, source.first_read_at, kept)
    is_stale = source.state(now) is SourceState.STALE
    state, since = (ASLEEP, source.succeeded_at) if is_stale else (OK, None)
    return Present(state, since, source.first_read_at, kept)
