"""Leases in the database: single flight and leadership without a lock that a dead process could keep."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Q

from .clock import database_now
from .models import Lease

BEAT = "beat"
PROCESS = f"{socket.gethostname()}:{os.getpid()}"


def new_holder() -> str:
    """A holder's name, unique for each piece of work, that tells machine and process."""
    return f"{PROCESS}:{uuid.uuid4().hex[:8]}"


def lease_take(*, name: str, holder: str, seconds: float) -> bool:
    """Takes or renews the lease `name` until `seconds` from now; False if another holds it and it has not run out."""
    now = database_now()
    until = now + timedelta(seconds=seconds)
    mine_or_over = Q(holder=holder) | Q(expires_at__lte=now)
    if Lease.objects.filter(mine_or_over, name=name).update(holder=holder, expires_at=until):
        return True
    created = Lease.objects.bulk_create([Lease(name=name, holder=holder, expires_at=until)], ignore_conflicts=True)
    return bool(created) and Lease.objects.filter(name=name, holder=holder).exists()


def lease_give_up(*, name: str, holder: str) -> None:
    """Ends the lease, if `holder` has it still."""
    Lease.objects.filter(name=name, holder=holder).delete()


def lease_is_held(*, name: str) -> bool:
    """Whether anybody holds `name` now."""
    return Lease.objects.filter(name=name, expires_at__gt=database_now()).exists()


def lease_end(*, name: str) -> datetime | None:
    """When the lease ends or ended; None where nobody ever held it. One query."""
    return Lease.objects.filter(name=name).values_list("expires_at", flat=True).first()


@contextmanager
def lease_held(*, name: str, seconds: float) -> Iterator[str | None]:
    """The holder's name while the lease lasts, or None where another has it; given up at the end."""
    holder = new_holder()
    if not lease_take(name=name, holder=holder, seconds=seconds):
        yield None
        return
    try:
        yield holder
    finally:
        lease_give_up(name=name, holder=holder)
