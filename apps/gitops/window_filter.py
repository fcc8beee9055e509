"""Applications by the state of their sync windows: computed in Python, and only where a project has windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from django.db.models import Q

from apps.integrations.argocd.values import SyncWindow

from .models import Application, ApplicationQuerySet, Project
from .windows import WindowState, applies_to, state_of_windows, window_state, windows_of

Windows = tuple[SyncWindow, ...]
PROJECT_NOT_READ = WindowState(is_open=None, reason="its project has not been read", allows_manual=None)
COLUMNS = ("pk", "instance", "project", "name", "destination_namespace", "destination")


class WindowWord(StrEnum):
    """What a window's state is called in an address and in a file."""

    OPEN = "open"
    CLOSED = "closed"
    NONE = "none"
    NOT_KNOWN = "not-known"


WINDOW_TITLES: Mapping[str, str] = {
    WindowWord.OPEN: "open",
    WindowWord.CLOSED: "closed",
    WindowWord.NONE: "no window",
    WindowWord.NOT_KNOWN: "not known",
}


def window_shown(application: Application, project: Project | None, now: datetime) -> WindowState:
    """The state of an Application's windows as pages show it: not known while its project has not been read."""
    return PROJECT_NOT_READ if project is None else window_state(application, project, now)


def word_of(state: WindowState) -> WindowWord:
    """The state in one word."""
    if state.is_open is None:
        return WindowWord.NOT_KNOWN
    if not state.is_open:
        return WindowWord.CLOSED
    return WindowWord.OPEN if state.reason else WindowWord.NONE


def in_window_state(applications: ApplicationQuerySet, words: Iterable[str], now: datetime) -> Q:
    """Those of `applications` whose windows stand as one of the words says at `now`. Two queries."""
    projects = list(Project.objects.all())
    keys = keys_by_word(applications, projects, now)
    known, fits = _of_projects(projects), Q(pk__in=[])
    with_windows = [key for word in (WindowWord.OPEN, WindowWord.CLOSED, WindowWord.NOT_KNOWN) for key in keys[word]]
    for word in words:
        if word == WindowWord.NONE:
            fits |= known & ~Q(pk__in=with_windows)
        elif word == WindowWord.NOT_KNOWN:
            fits |= ~known | Q(pk__in=keys[WindowWord.NOT_KNOWN])
        else:
            fits |= Q(pk__in=keys[WindowWord(word)])
    return fits


def keys_by_word(
    applications: ApplicationQuerySet, projects: Iterable[Project], now: datetime
) -> Mapping[WindowWord, list[int]]:
    """The primary keys of the Applications of projects that have windows, by their windows' state. One query."""
    keys: dict[WindowWord, list[int]] = {word: [] for word in WindowWord}
    windows = {(each.instance, each.name): windows_of(each) for each in projects if each.sync_windows}
    names = {name for _, name in windows}
    minute = now.replace(second=1, microsecond=0)
    for key, instance, project, *who in applications.filter(project__in=names).order_by().values_list(*COLUMNS):
        mine = _applying(windows.get((instance, project), ()), *who)
        keys[word_of(state_of_windows(mine, minute)) if mine else WindowWord.NONE].append(key)
    return keys


@lru_cache(maxsize=20_000)
def _applying(windows: Windows, name: str, namespace: str, destination: str) -> Windows:
    """Those of a project's windows that apply to the Application of this name and destination."""
    who = Application(name=name, destination_namespace=namespace, destination=destination)
    return tuple(window for window in windows if applies_to(window, who))


def _of_projects(projects: Iterable[Project]) -> Q:
    """Applications of these projects."""
    names: dict[str, list[str]] = {}
    for project in projects:
        names.setdefault(project.instance, []).append(project.name)
    fits = Q(pk__in=[])
    for instance, mine in names.items():
        fits |= Q(instance=instance, project__in=mine)
    return fits
