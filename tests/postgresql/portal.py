"""A portal in one process on PostgreSQL that does what its standard input says, and prints what came of it as JSON.

Each line is a verb and what it is about: `page /alerts/`, `read alertmanager/appsre/0`, `episodes`, `health <name>`.
A follower of each Argo CD instance runs beside.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from apps.accounts.models import Person, Role  # noqa: E402
from apps.alerts.models import Episode  # noqa: E402
from apps.alerts.tasks import read_alertmanager  # noqa: E402
from apps.fleet.alignment import align_with_fleet_file  # noqa: E402
from apps.gitops.models import Application  # noqa: E402
from apps.gitops.shepherd import Shepherd  # noqa: E402

Said = dict[str, Any]


def viewer() -> User:
    """The account of somebody who sees everything."""
    user, _ = User.objects.get_or_create(username="vera")
    Person.objects.update_or_create(user=user, defaults={"role": Role.VIEWER})
    return user


class Portal:
    """Its verbs."""

    def __init__(self) -> None:
        self.browser = Client(raise_request_exception=False, headers={"host": "127.0.0.1"})

    def begin(self) -> None:
        """Tables, sources, a signed-in viewer, followers."""
        call_command("migrate", verbosity=0)
        align_with_fleet_file()
        self.browser.force_login(viewer(), backend="apps.accounts.backends.LocalAccountBackend")
        threading.Thread(target=Shepherd(stop=threading.Event()).run, daemon=True).start()

    def page(self, path: str) -> Said:
        """A page as a browser gets it."""
        began = time.monotonic()
        answer = self.browser.get(path)
        body = answer.content.decode()
        told = {"status": answer.status_code, "retry_after": answer.headers.get("Retry-After"), "body": body}
        return {**told, "seconds": time.monotonic() - began}

    def read(self, key: str) -> Said:
        """One round of a collector."""
        read_alertmanager(key=key)
        return {}

    def episodes(self, _: str) -> Said:
        """How many alerts are known."""
        return {"count": Episode.objects.count()}

    def health(self, name: str) -> Said:
        """The health of an Application of production."""
        rows = Application.objects.filter(instance="production", name=name)
        return {"health": rows.values_list("health_status", flat=True).first()}


def main() -> None:
    portal = Portal()
    portal.begin()
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201
    for line in sys.stdin:
        verb, _, subject = line.strip().partition(" ")
        does: Callable[[str], Said] = getattr(portal, verb)
        print(json.dumps(does(subject)), flush=True)  # noqa: T201
        connection.close()


if __name__ == "__main__":
    main()
