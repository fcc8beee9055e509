"""Authorisation: one function that views, templates and workers ask."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from .models import Person, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Verb(StrEnum):
    """What a person may want to do, of what is there to be done today."""

    SEE = "see"
    SEE_CONFIGURATION = "see configuration"


LEAST_ROLE = {Verb.SEE: Role.VIEWER, Verb.SEE_CONFIGURATION: Role.ADMIN}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's role; None for nobody, for an account without one, and for a disabled account."""
    if not user.is_authenticated or not getattr(user, "is_active", False):
        return None
    try:
        return Role(user.person.role)  # type: ignore[union-attr]
    except (Person.DoesNotExist, ValueError):
        return None


def may(user: AbstractBaseUser | AnonymousUser, verb: Verb) -> bool:
    """Whether the person may do this: no role, no access."""
    role = role_of(user)
    return role is not None and role.rank >= LEAST_ROLE[verb].rank
