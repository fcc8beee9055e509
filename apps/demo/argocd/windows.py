"""Which sync windows of a project are open, and whether they allow a sync by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from apps.demo.world.applications import Application, ArgoInstance, Window

UNITS = {"h": 3_600, "m": 60, "s": 1}


def duration(text: str) -> timedelta:
    """A Go duration such as 1h30m. Raises ValueError or KeyError."""
    seconds, number = 0.0, ""
    for character in text:
        if character in UNITS:
            seconds += float(number) * UNITS[character]
            number = ""
        else:
            number += character
    return timedelta(seconds=seconds)


def is_open(window: Window, now: datetime) -> bool:
    """Whether the schedule opened it within its duration before now."""
    local = now.astimezone(ZoneInfo(window.time_zone))
    opened = next(CronSim(window.schedule, local - duration(window.duration)))
    return opened <= local


def assigned(instance: ArgoInstance, application: Application) -> list[Window]:
    """The windows of its project that match it."""
    windows = instance.projects.get(application.project, ())
    return [each for each in windows if any(fnmatchcase(application.name, glob) for glob in each.applications)]


def can_sync(windows: list[Window], now: datetime, *, by_hand: bool) -> bool:
    """Argo CD's rule: an open deny window wins; where there are allow windows one must be open.

    A sync by hand passes a window that says `manualSync`.
    """
    opened = [each for each in windows if is_open(each, now)]
    denies = [each for each in opened if each.kind == "deny"]
    if denies:
        return by_hand and all(each.manual_sync for each in denies)
    allows = [each for each in windows if each.kind == "allow"]
    if not allows or any(each.kind == "allow" for each in opened):
        return True
    return by_hand and any(each.manual_sync for each in allows)


def windows_document(windows: list[Window], now: datetime) -> dict[str, Any]:
    """What the Application's `syncwindows` answers."""
    opened = [_brief(each) for each in windows if is_open(each, now)]
    found: dict[str, Any] = {"activeWindows": opened} if opened else {}
    found |= {"assignedWindows": [_brief(each) for each in windows]} if windows else {}
    return found | {"canSync": can_sync(windows, now, by_hand=True)}


def _brief(window: Window) -> dict[str, Any]:
    return {
        "kind": window.kind,
        "schedule": window.schedule,
        "duration": window.duration,
        "manualSync": window.manual_sync,
    }
