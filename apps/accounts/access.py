"""Authorisation: one function that views, templates and workers ask."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from .models import Person, Role


class Verb(StrEnum):
    """What a person may want to do, of what is there to be done today."""

    SEE = "see"
    SEE_CONFIGURATION = "see configuration"


LEAST_ROLE = {Verb.SEE: Role.VIEWER, Verb.SEE_CONFIGURATION: Role.ADMIN}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's role; None for nobody, for an account without one, and for a disabled account."""
    if not isinstance(user, User) or not user.is_active:
        return None
    person: Person | None = getattr(user, "person", None)
    return Role(person.role) if person and person.role in Role.values else None


def may(user: AbstractBaseUser | AnonymousUser, verb: Verb) -> bool:
    """Whether the person may do this: no role, no access."""
    role = role_of(user)
    return role is not None and role.rank >= LEAST_ROLE[verb].rank


def person_shown(user: AbstractBaseUser | AnonymousUser) -> dict[str, str]:
    """Name and role in words, as the frame shows them; nothing for nobody, and for an account without a role."""
    role = role_of(user)
    if role is None or not isinstance(user, User):
        return {}
    return {"name": user.get_short_name() or user.get_username(), "role": str(role.label)}
