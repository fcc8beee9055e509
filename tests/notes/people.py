"""Who says something in the tests, and of what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from apps.accounts.models import Person, Role
from apps.core.clock import database_now
from apps.notes.models import Acknowledgement, Subjects
from apps.notes.services import acknowledgement_begin
from apps.notes.things import Thing, thing_found
from tests.rows import episode_row

ALERT = "appsre/00000000000000aa"


def person(name: str = "remy", role: Role = Role.RESPONDER, **scope: list[str]) -> User:
    """An account, with a scope where one is given."""
    user = User.objects.create_user(name)
    Person.objects.create(user=user, role=role, scope=scope)
    return user


def alert_thing(**fields: Any) -> Thing:
    """A firing alert of appsre, as a thing."""
    episode_row(alertmanager="appsre", fingerprint=ALERT.partition("/")[2], **fields)
    return thing_found(Subjects.ALERT, ALERT)


def acknowledged(thing: Thing, who: User, *, minutes: float = 60, note: str = "on it") -> Acknowledgement:
    """That somebody is at it for so long."""
    until = in_minutes(minutes)
    return acknowledgement_begin(who=who, thing=thing, note=note, until=until, request_id=uuid4())


def in_minutes(minutes: float) -> datetime:
    """A moment ahead of the database's now."""
    return database_now() + timedelta(minutes=minutes)
