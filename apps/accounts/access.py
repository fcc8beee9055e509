"""Authorisation: one function that views, templates, guards and workers ask."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from .grants import Grant, fitting, grants_of, grants_shown, highest
from .models import Person, Role
from .scopes import Subject


class Verb(StrEnum):
    """What a person may want to do."""

    SEE = "see"
    SEE_CONFIGURATION = "see configuration"
    ACT = "act"
    ACKNOWLEDGE = "acknowledge"
    ANNOTATE = "write notes"
    APPROVE = "approve"
    FREEZE = "freeze, and end one's own freeze"
    UNFREEZE = "end somebody else's freeze"
    END_SESSIONS = "see and end other people's sessions"
    OPEN_WALLS = "make and revoke keys of the Wall"

    @property
    def changes_something(self) -> bool:
        """Whether a person's scope counts for it."""
        return self not in {Verb.SEE, Verb.SEE_CONFIGURATION, Verb.END_SESSIONS, Verb.OPEN_WALLS}


LEAST_ROLE = {
    Verb.SEE: Role.VIEWER,
    Verb.SEE_CONFIGURATION: Role.ADMIN,
    Verb.ACT: Role.RESPONDER,
    Verb.ACKNOWLEDGE: Role.RESPONDER,
    Verb.ANNOTATE: Role.RESPONDER,
    Verb.APPROVE: Role.APPROVER,
    Verb.FREEZE: Role.RESPONDER,
    Verb.UNFREEZE: Role.APPROVER,
    Verb.END_SESSIONS: Role.ADMIN,
    Verb.OPEN_WALLS: Role.ADMIN,
}


def grants_held(user: AbstractBaseUser | AnonymousUser) -> tuple[Grant, ...]:
    """What the person was given; nothing for nobody, for an account without a role, and for a disabled account."""
    if not isinstance(user, User) or not user.is_active:
        return ()
    person: Person | None = getattr(user, "person", None)
    return grants_of(person)


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's highest role, wherever it counts; None without any."""
    return highest(grants_held(user))


def role_at(user: AbstractBaseUser | AnonymousUser, subject: Subject) -> Role | None:
    """The person's highest role that counts for the subject; None without any."""
    return highest(fitting(grants_held(user), subject))


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
    missed = outside_of(user, verb, subject)
    return f"You are {granted_words(user, verb)}: this is {missed}" if missed else ""


def outside_of(user: AbstractBaseUser | AnonymousUser, verb: Verb, subject: Subject) -> str:
    """What of the subject lies outside of where the person may do this, in words; "" where it lies within.

    It is enough that one of what they were given has the role and fits.
    """
    enough = [grant for grant in grants_held(user) if grant.role.rank >= LEAST_ROLE[verb].rank]
    if not enough:
        return "outside of it"
    missed = [grant.scope.misses(subject) for grant in enough]
    return ", ".join(dict.fromkeys(missed)) if all(missed) else ""


def granted_words(user: AbstractBaseUser | AnonymousUser, verb: Verb) -> str:
    """ "approver for staging": what lets the person do this somewhere."""
    return grants_shown([grant for grant in grants_held(user) if grant.role.rank >= LEAST_ROLE[verb].rank])


def role_called(role: Role) -> str:
    """ "a responder", "an approver"."""
    return f"{'an' if role.label[0] in 'aeiou' else 'a'} {role.label}"


def person_shown(user: AbstractBaseUser | AnonymousUser) -> dict[str, str]:
    """Name, and roles with their scopes in words, as the frame shows them; nothing for nobody and without a role."""
    grants = grants_held(user)
    if not grants or not isinstance(user, User):
        return {}
    shown = grants_shown(grants, is_brief=True)
    return {"name": user.get_short_name() or user.get_username(), "role": shown}
