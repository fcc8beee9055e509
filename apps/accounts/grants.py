"""What a person was given: roles, each with where it counts. Several add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from apps.core.structs import converted
from apps.sources.fleetfile.sso import Access

from .models import Person, Role
from .scopes import Scope, Subject, scope_read


@dataclass(frozen=True)
class Grant:
    """A role, and where it counts."""

    role: Role
    scope: Scope = field(default_factory=Scope)

    @property
    def is_everywhere(self) -> bool:
        """Whether it is held to no place."""
        return self.scope == Scope()

    def implies(self, other: Grant) -> bool:
        """Whether whoever has this gains nothing by the other; to see, any role will do."""
        if other.role is Role.VIEWER:
            return True
        return self.role.rank >= other.role.rank and (self.is_everywhere or self.scope == other.scope)

    def as_builtins(self) -> dict[str, Any]:
        """For a person's row."""
        return {"role": self.role.value, **self.scope.as_builtins()}


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()


def grants_of(person: Person | None) -> tuple[Grant, ...]:
    """What the person was given: by groups, or the one role of a local account; nothing without a role."""
    if person is None or person.role not in Role.values:
        return ()
    if person.grants:
        return grants_read(person.grants)
    role = Role(person.role)
    return (Grant(role, Scope() if role is Role.ADMIN else scope_read(person.scope)),)


def grants_read(plain: Any) -> tuple[Grant, ...]:
    """The grants of a person's row; one that cannot be read counts as none."""
    items = plain if isinstance(plain, list) else [plain]
    return tuple(grant for item in items if (grant := _grant_read(item)))


def grants_by(rules: Iterable[Access], groups: Iterable[str]) -> tuple[Grant, ...]:
    """What the rules give to somebody in these groups, in the order of the rules, without what adds nothing."""
    held = frozenset(groups)
    given = dict.fromkeys(grant_of(rule) for rule in rules if rule.group in held)
    return tuple(each for each in given if not any(other.implies(each) for other in _others(each, given)))


def grant_of(rule: Access) -> Grant:
    """What one rule of the fleet file gives."""
    return Grant(Role(rule.role.value), Scope(rule.projects, rule.environments, rule.clusters))


def highest(grants: Iterable[Grant]) -> Role | None:
    """The highest role of all; None without any."""
    return max((grant.role for grant in grants), key=lambda role: role.rank, default=None)


def fitting(grants: Iterable[Grant], subject: Subject) -> list[Grant]:
    """Those that count for the subject."""
    return [grant for grant in grants if not grant.scope.misses(subject)]


def grants_shown(grants: Sequence[Grant], *, is_brief: bool = False) -> str:
    """ "responder for staging and for production, project default", or as the menu has room for it."""
    told = []
    for role in dict.fromkeys(grant.role for grant in sorted(grants, key=lambda grant: -grant.role.rank)):
        scopes = [grant.scope for grant in grants if grant.role is role]
        places = [scope.brief if is_brief else scope.words for scope in scopes]
        joined = ("; " if is_brief else " and for ").join(filter(None, places))
        told.append(f"{role.label} for {joined}" if all(places) else str(role.label))
    return "; ".join(told)


def _others(grant: Grant, given: Iterable[Grant]) -> list[Grant]:
    return [other for other in given if other != grant]


def _grant_read(plain: Any) -> Grant | None:
    try:
        told = converted(plain, _Written)
    except msgspec.ValidationError:
        return None
    if told.role not in Role.values:
        return None
    return Grant(Role(told.role), Scope(told.projects, told.environments, told.clusters))
