"""Whether Applications that a list lacks are gone, or only not shown to us any more (decision 1).

Argo CD answers an account that may list nothing with an empty list and 200. So when Applications drop to zero, or by
half and more, altogether or within a project, nothing of it is removed until Argo CD says that we may see such an
Application and, asked for one by name, that it does not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.core.errors import UpstreamError, UpstreamNotFound, UpstreamNotInstalled
from apps.integrations.argocd import ArgoCDClient

Key = tuple[str, str]
MOST_PROJECTS_ASKED = 10


@dataclass(frozen=True)
class Absence:
    """What the list lacks of what was known: what is `gone` for sure, and what is `doubted`."""

    gone: frozenset[Key] = frozenset()
    doubted: frozenset[Key] = frozenset()
    is_big: bool = False


def is_big_drop(before: int, after: int) -> bool:
    """To zero, or by half and more."""
    return after < before and after * 2 <= before


def absence_of(*, client: ArgoCDClient, known: Mapping[Key, str], listed: Iterable[Key]) -> Absence:
    """Sorts what is lacking into gone and doubted, asking Argo CD where that takes asking.

    `known` is key → project of what was known when the list was asked for. Asks at most three questions a project.
    """
    present = set(listed)
    missing = {key: project for key, project in known.items() if key not in present}
    if not missing:
        return Absence()
    is_big = is_big_drop(len(known), len(known) - len(missing))
    doubtful = set(missing.values()) if is_big else _emptied_projects(known, missing)
    confirmed = {
        project
        for project in sorted(doubtful)[:MOST_PROJECTS_ASKED]
        if _is_gone(client, project, *min(key for key, of in missing.items() if of == project))
    }
    doubted = frozenset(key for key, project in missing.items() if project in doubtful - confirmed)
    return Absence(gone=frozenset(missing) - doubted, doubted=doubted, is_big=is_big)


def _emptied_projects(known: Mapping[Key, str], missing: Mapping[Key, str]) -> set[str]:
    before, lacking = Counter(known.values()), Counter(missing.values())
    return {project for project, count in lacking.items() if is_big_drop(before[project], before[project] - count)}


def _may_get(client: ArgoCDClient, *names: str) -> bool:
    """Rights name an Application of Argo CD's own namespace project/name, of another one project/namespace/name."""
    return client.can_i("applications", "get", "/".join(names))


def _is_gone(client: ArgoCDClient, project: str, namespace: str, name: str) -> bool:
    """Whether we may get this Application, and there is none. An answer that is neither proves nothing."""
    try:
        if not (_may_get(client, project, name) or _may_get(client, project, namespace, name)):
            return False
        client.application(name, namespace=namespace, project=project)
    except UpstreamNotInstalled:
        return False
    except UpstreamNotFound:
        return True
    except UpstreamError:
        return False
    return False
