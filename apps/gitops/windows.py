"""Whether an Application's sync windows let Argo CD sync it, now and next, computed from its project's `syncWindows`.

The rules are Argo CD's own (`SyncWindows.CanSync` of argo-cd's types): an active deny closes; else an active allow
opens; else any allow that is not active closes; without windows it is open. A window is active from each start of its
schedule until its duration has passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from apps.core.structs import converted
from apps.integrations.argocd.values import SyncWindow

from .models import Application, Project

ALLOW, DENY = "allow", "deny"
MOST_STARTS = 500
HORIZON = timedelta(days=400)
NAMED_SCHEDULES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
DAYS = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
MONTHS = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
_SCHEDULE = re.compile(r"^[0-9A-Z*/,-]{1,100}( [0-9A-Z*/,-]{1,100}){4}$")
_WORDS = re.compile(r"[A-Z]+")
_DURATION_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")
_DURATION = re.compile(rf"^(?:{_DURATION_PART.pattern})+$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
MOST_ALTERNATIVES = 64


class WindowUnreadable(ValueError):
    """A window whose schedule, duration or time zone the portal cannot read; the text says which."""


class WindowState(NamedTuple):
    """What the windows of one Application say at one moment.

    `is_open` is for auto-sync, `allows_manual` for a sync that a person asks for; both None where a window cannot be
    read, and then nothing is known. `reason` is for people, "" without windows. `changes_at` is when `is_open` changes
    next, None if it does not within about a year, or not before hundreds of starts have passed.
    """

    is_open: bool | None
    reason: str = ""
    changes_at: datetime | None = None
    allows_manual: bool | None = True


def window_state(application: Application, project: Project | None, now: datetime) -> WindowState:
    """The state of the sync windows of `application`, whose AppProject is `project`, at `now`."""
    mine = tuple(window for window in windows_of(project) if applies_to(window, application))
    return state_of_windows(mine, now.replace(second=1, microsecond=0)) if mine else WindowState(is_open=True)


def window_closed(application: Application, project: Project | None, now: datetime) -> str:
    """Why auto-sync may not sync `application` now, "" where it may or where the windows cannot be read."""
    mine = [window for window in windows_of(project) if applies_to(window, application)]
    try:
        is_open, reason, _ = _standing(mine, _active_at(mine, now))
    except WindowUnreadable:
        return ""
    return "" if is_open else reason


def windows_of(project: Project | None) -> tuple[SyncWindow, ...]:
    """The windows of an AppProject's row."""
    return converted(project.sync_windows, tuple[SyncWindow, ...]) if project and project.sync_windows else ()


def applies_to(window: SyncWindow, application: Application) -> bool:
    """Whether one of the window's globs names the Application; with `use_and_operator`, one of each list it has."""
    chosen = [
        any(glob_matches(pattern, text) for pattern in patterns)
        for patterns, text in (
            (window.applications, application.name),
            (window.namespaces, application.destination_namespace),
            (window.clusters, application.destination),
        )
        if patterns
    ]
    return bool(chosen) and (all(chosen) if window.use_and_operator else any(chosen))


def glob_matches(pattern: str, text: str) -> bool:
    """Globs as Argo CD has them: *, ?, [a-c], {this,that}."""
    return any(fnmatchcase(text, alternative) for alternative in islice(_alternatives(pattern), MOST_ALTERNATIVES))


@lru_cache(maxsize=512)
def state_of_windows(windows: tuple[SyncWindow, ...], now: datetime) -> WindowState:
    """The state at `now` of the windows that apply to an Application; asked for once a minute, and then kept."""
    try:
        is_open, reason, allows_manual = _standing(windows, _active_at(windows, now))
        return WindowState(is_open, reason, _next_change(windows, now, is_open), allows_manual)
    except WindowUnreadable as problem:
        return WindowState(is_open=None, reason=str(problem), allows_manual=None)


def _standing(windows: Sequence[SyncWindow], actives: Sequence[SyncWindow]) -> tuple[bool, str, bool]:
    """(auto-sync may, why, a person may) while `actives` of `windows` are active."""
    denies = [window for window in actives if window.kind == DENY]
    if denies:
        return False, f"a deny window is active{_described(denies)}", all(window.manual_sync for window in denies)
    if any(window.kind == ALLOW for window in actives):
        return True, f"an allow window is active{_described(actives)}", True
    allows = [window for window in windows if window.kind == ALLOW]
    if allows:
        return False, f"no allow window is active{_described(allows)}", all(window.manual_sync for window in allows)
    return True, "no deny window is active" if windows else "", True


def _active_at(windows: Iterable[SyncWindow], now: datetime) -> list[SyncWindow]:
    return [window for window in windows if is_active(window, now)]


def is_active(window: SyncWindow, now: datetime) -> bool:
    """Whether a start of the window lies less than its duration before `now`. Raises WindowUnreadable."""
    start = next(_starts(window, now - duration_of(window)), None)
    return start is not None and start < now


def duration_of(window: SyncWindow) -> timedelta:
    """Its duration, written as Go does ("1h30m"). Raises WindowUnreadable."""
    if not _DURATION.match(window.duration):
        raise WindowUnreadable(f"a window's duration {window.duration!r} cannot be read")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(window.duration))
    return timedelta(seconds=min(seconds, HORIZON.total_seconds()))


def _starts(window: SyncWindow, after: datetime) -> Iterator[datetime]:
    """The window's starts later than `after`, in order, in UTC. Raises WindowUnreadable at the first."""
    try:
        zone = ZoneInfo(window.time_zone or "UTC")
        for start in CronSim(_five_fields(window.schedule), after.astimezone(zone)):
            yield start.astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise WindowUnreadable(f"a window's time zone {window.time_zone!r} is not known") from problem
    except CronSimError as problem:
        raise WindowUnreadable(f"a window's schedule {window.schedule!r} cannot be read") from problem


def _five_fields(schedule: str) -> str:
    """The schedule as the five fields of cron that Argo CD takes, checked so far that nothing else gets through."""
    fields = NAMED_SCHEDULES.get(schedule.strip(), schedule).upper().replace("?", "*")
    fields = " ".join(fields.split())
    if not _SCHEDULE.match(fields) or not (DAYS | MONTHS).issuperset(_WORDS.findall(fields)):
        raise CronSimError("not the five fields of cron")
    return fields


def _next_change(windows: Sequence[SyncWindow], now: datetime, is_open: bool) -> datetime | None:
    """The first moment after `now` from which `_standing` says otherwise; None beyond what was looked at."""
    spans = [_spans(window, now) for window in windows]
    known_until = min((until for _, until in spans), default=now)
    edges = sorted({edge for of_window, _ in spans for span in of_window for edge in span})
    for edge in edges:
        if now < edge < known_until:
            actives = [window for window, (known, _) in zip(windows, spans, strict=True) if _holds(known, edge)]
            if _standing(windows, actives)[0] is not is_open:
                return edge
    return None


def _spans(window: SyncWindow, now: datetime) -> tuple[list[tuple[datetime, datetime]], datetime]:
    """When the window is active from `now` on, as (begin, end) with no gap within, and until when that is known."""
    duration, spans, until = duration_of(window), list[tuple[datetime, datetime]](), now + HORIZON
    for count, start in enumerate(_starts(window, now - duration), start=1):
        if start > until:
            break
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], start + duration)
        else:
            spans.append((start, start + duration))
        if count == MOST_STARTS:
            return spans, spans[-1][1]
    return spans, until


def _holds(spans: Iterable[tuple[datetime, datetime]], moment: datetime) -> bool:
    return any(begin <= moment < end for begin, end in spans)


def _described(windows: Iterable[SyncWindow]) -> str:
    told = next((window.description for window in windows if window.description), "")
    return f" ({told})" if told else ""


def _alternatives(pattern: str) -> Iterator[str]:
    """`pattern` with each {this,that} replaced by one of its alternatives in turn."""
    found = _ALTERNATIVES.search(pattern)
    if found is None:
        yield pattern
        return
    for choice in found[1].split(","):
        yield from _alternatives(pattern[: found.start()] + choice + pattern[found.end() :])
