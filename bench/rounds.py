"""Rounds of the collectors, in a process with the portal's environment: `python -m bench.rounds CONTROL_URL [CHANGES]`.

Prints one JSON line: for each kind of source, over a round of all its sources, CPU seconds, bytes on the wire, and rows
of entity tables written, after nothing changed and after 1 % of the Applications did; then queries of each page.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stonesoup_portal.settings.embedded")

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402

from apps.accounts.models import Person, Role  # noqa: E402
from apps.alerts.tasks import read_alertmanager, read_rules  # noqa: E402
from apps.core.metrics import UPSTREAM_BYTES  # noqa: E402
from apps.fleet.alignment import align_with_fleet_file  # noqa: E402
from apps.fleet.tasks import read_cluster  # noqa: E402
from apps.gitops.tasks import read_applications, read_inventory  # noqa: E402
from apps.runbooks.tasks import read_source as read_runbooks  # noqa: E402
from apps.sources.models import Source  # noqa: E402
from bench.pages import pages_of  # noqa: E402
from bench.servers import Fleet  # noqa: E402

TASKS: dict[str, Callable[[str], None]] = {
    "argocd": read_applications,
    "argocd_inventory": read_inventory,
    "alertmanager": read_alertmanager,
    "prometheus": read_rules,
    "kubernetes": read_cluster,
    "runbooks": read_runbooks,
}
ENTITY = re.compile(r'(?:INSERT (?:OR IGNORE )?INTO|UPDATE|DELETE FROM) "(gitops|alerts|fleet|timeline|runbooks)_\w+"')
Round = dict[str, float]


def round_of(kind: str) -> Round:
    """One round over all sources of a kind."""
    keys = list(Source.objects.filter(kind=kind, is_archived=False).values_list("key", flat=True))
    reset_queries()
    already = bytes_so_far()
    cpu, wall = time.process_time(), time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        for key in keys:
            TASKS[kind](key)
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    failed = list(Source.objects.filter(kind=kind, failures__gt=0).values_list("key", "error"))
    assert not failed, failed
    wrote = [query["sql"] for query in captured.captured_queries if ENTITY.search(query["sql"])]
    print(kind, *(statement[:200] for statement in wrote[:3]), sep="\n  ", file=sys.stderr)
    return {**spent, "writes": len(wrote), "bytes": bytes_so_far() - already, "sources": len(keys)}


def bytes_so_far() -> float:
    """Bytes that answers took on the wire in this process, of all sources together."""
    samples = [sample for family in UPSTREAM_BYTES.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


def rounds(kinds: Iterable[str]) -> dict[str, Round]:
    """A round of each kind."""
    return {kind: round_of(kind) for kind in kinds}


def viewer() -> User:
    """The account of somebody who sees everything."""
    user, _ = User.objects.get_or_create(username="vera")
    Person.objects.update_or_create(user=user, defaults={"role": Role.VIEWER})
    return user


def queries_of_pages() -> dict[str, int]:
    """Queries of each page, when it is made (not kept) for a signed-in viewer, the second time."""
    counts = {}
    with override_settings(ALLOWED_HOSTS=["*"], PAGES_KEPT_SECONDS=0.0):
        browser = Client()
        browser.force_login(viewer(), backend="apps.accounts.backends.LocalAccountBackend")
        for name, path in pages_of().items():
            browser.get(f"/{path}")
            with CaptureQueriesContext(connection) as captured:
                answer = browser.get(f"/{path}")
            assert answer.status_code == 200, (name, answer.status_code)
            counts[name] = len(captured)
    return counts


def main() -> None:
    """Fills the database, then measures."""
    fleet = Fleet(Path(os.environ["PORTAL_FLEET"]), sys.argv[1])
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    align_with_fleet_file()
    order = ["argocd_inventory", "kubernetes", "argocd", "alertmanager", "prometheus", "runbooks"]
    told: dict[str, object] = {"first": rounds(order)}
    rounds(order)
    told["unchanged"] = rounds(order)
    if len(sys.argv) > 2:
        fleet.ask("POST", "/world/change", {"count": int(sys.argv[2])})
        told["changed"] = rounds(["argocd"])
    told["queries"] = queries_of_pages()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
