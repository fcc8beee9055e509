"""Where a person's role counts: projects, environments and clusters by globs, as their row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from apps.core.structs import converted


class Subject(Protocol):
    """What something is done to: an Application, a request, a `Place`."""

    @property
    def project(self) -> str:
        """Its Argo CD project, "" for none."""

    @property
    def environment(self) -> str:
        """Its environment, "" for none that is known."""

    @property
    def cluster(self) -> str:
        """Its cluster's name in the fleet file, "" for none that is known."""


@dataclass(frozen=True)
class Place:
    """A subject that is no row: what a freeze is about. All empty: everything there is."""

    project: str = ""
    environment: str = ""
    cluster: str = ""


class Scope(Struct, frozen=True, forbid_unknown_fields=True):
    """Globs, of which one of each list that is not empty must fit; without any, everywhere."""

    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """ "staging, projects a and b"; "" for everywhere."""
        named = (("project", self.projects), ("cluster", self.clusters))
        others = [f"{noun}{'s' if len(globs) > 1 else ''} {_listed(globs)}" for noun, globs in named if globs]
        return ", ".join(filter(None, [_listed(self.environments), *others]))

    @property
    def brief(self) -> str:
        """ "production: default, monitoring", as the menu has room for it; "" for everywhere."""
        if not (self.environments and self.projects):
            return self.words
        clusters = Scope(clusters=self.clusters).words
        inside = f"{_listed(self.environments)}: {', '.join(self.projects)}"
        return f"{inside} ({clusters})" if clusters else inside

    def misses(self, subject: Subject) -> str:
        """What of the subject lies outside, in words ("in production"); "" where it lies within."""
        if not _fits(self.environments, subject.environment):
            return f"in {subject.environment}" if subject.environment else _unnamed(subject, "environment")
        if not _fits(self.projects, subject.project):
            return f"in the project {subject.project}" if subject.project else _unnamed(subject, "project")
        if not _fits(self.clusters, subject.cluster):
            return f"on the cluster {subject.cluster}" if subject.cluster else _unnamed(subject, "cluster")
        return ""

    def as_builtins(self) -> dict[str, list[str]]:
        """For a person's row."""
        return {name: list(globs) for name, globs in msgspec.structs.asdict(self).items() if globs}


NOWHERE = Scope(environments=("a scope that cannot be read",))
"""That of a row that holds something else: no environment has such a name."""


def scope_read(plain: Any) -> Scope:
    """The scope of a person's row; one that cannot be read fits nothing."""
    try:
        return converted(plain or {}, Scope)
    except msgspec.ValidationError:
        return NOWHERE


def _fits(globs: Sequence[str], name: str) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _unnamed(subject: Subject, noun: str) -> str:
    if not (subject.project or subject.environment or subject.cluster):
        return "about everything"
    return f"of no known {noun}"


def _listed(globs: Sequence[str]) -> str:
    *most, last = globs or ("",)
    return f"{', '.join(most)} and {last}" if most else last
