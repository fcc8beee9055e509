"""Authorisation: one function that views, templates, guards and workers ask."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from .models import Person, Role
from .scopes import Scope, Subject, scope_read


class Verb(StrEnum):
    """What a person may want to do."""

    SEE = "see"
    SEE_CONFIGURATION = "see configuration"
    ACT = "act"
    APPROVE = "approve"
    FREEZE = "freeze, and end one's own freeze"
    UNFREEZE = "end somebody else's freeze"

    @property
    def changes_something(self) -> bool:
        """Whether a person's scope counts for it."""
        return self not in {Verb.SEE, Verb.SEE_CONFIGURATION}


LEAST_ROLE = {
    Verb.SEE: Role.VIEWER,
    Verb.SEE_CONFIGURATION: Role.ADMIN,
    Verb.ACT: Role.RESPONDER,
    Verb.APPROVE: Role.APPROVER,
    Verb.FREEZE: Role.RESPONDER,
    Verb.UNFREEZE: Role.APPROVER,
}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's role; None for nobody, for an account without one, and for a disabled account."""
    if not isinstance(user, User) or not user.is_active:
        return None
    person: Person | None = getattr(user, "person", None)
    return Role(person.role) if person and person.role in Role.values else None


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """Where the person's role counts; everywhere for an admin."""
    person: Person | None = getattr(user, "person", None)
    return Scope() if person is None or person.role == Role.ADMIN else scope_read(person.scope)


def may(user: AbstractBaseUser | AnonymousUser, verb: Verb, subject: Subject | None = None) -> bool:
    """Whether the person may do this (to that subject): no role, no access.

    Without a subject the role alone is asked about: whether there is anything to which they may do it.
    """
    return not refusal_of(user, verb, subject)


def refusal_of(user: AbstractBaseUser | AnonymousUser, verb: Verb, subject: Subject | None = None) -> str:
    """Why the person may not do this, as it is said to them; "" where they may."""
    role, least = role_of(user), LEAST_ROLE[verb]
    if role is None:
        return "You have no role in this portal"
    if role.rank < least.rank:
        return f"Your role is {role.label}: {role_called(least)} may do this"
    if subject is None or not verb.changes_something:
        return ""
    scope = scope_of(user)
    missed = scope.misses(subject)
    return f"You are {role.label} for {scope.words}: this is {missed}" if missed else ""


def role_called(role: Role) -> str:
    """ "a responder", "an approver"."""
    return f"{'an' if role.label[0] in 'aeiou' else 'a'} {role.label}"


def person_shown(user: AbstractBaseUser | AnonymousUser) -> dict[str, str]:
    """Name, and role with its scope in words, as the frame shows them; nothing for nobody and without a role."""
    role = role_of(user)
    if role is None or not isinstance(user, User):
        return {}
    return {"name": user.get_short_name() or user.get_username(), "role": role_shown(role, scope_of(user))}


def role_shown(role: Role, scope: Scope) -> str:
    """ "responder for staging"."""
    return f"{role.label} for {scope.words}" if scope.words else str(role.label)
