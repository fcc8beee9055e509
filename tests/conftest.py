"""What all tests share: the personas, and loopback as the only network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client
from pytest_django import DjangoDbBlocker
from xdist.scheduler import LoadScopeScheduling

from apps.accounts.models import Person, Role
from apps.actions.append_only import triggers_drop
from apps.actions.models import AuditLine

CHROMIUMS = "browser"
LONGEST_FIRST = (CHROMIUMS, "postgresql", "faults", "stonesoup_portal", "contract")
BACKEND = "apps.accounts.backends.LocalAccountBackend"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Takes --fleet FILE: the contracts are then run on the servers that it names.

    With --allow-actions APPLICATION also those of actions, which sync and terminate that one Application.
    """
    words = "fleet file whose servers tests/contract reads (default: the simulated fleet, and servers that it starts)"
    parser.addoption("--fleet", type=Path, metavar="FILE", help=words)
    words = (
        "the one Application (NAME or INSTANCE/NAMESPACE/NAME) of --fleet that tests/contract may sync and terminate"
    )
    parser.addoption("--allow-actions", metavar="APPLICATION", help=words)


class Together(LoadScopeScheduling):
    """With two processes (`make test`): tests of one file stay together, all of Chromium's in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return CHROMIUMS if folder_of(nodeid) == CHROMIUMS else nodeid.partition("::")[0]


def folder_of(nodeid: str) -> str:
    """The folder below tests/."""
    return nodeid.split("/")[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Which tests go to which process."""
    return Together(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, Chromium beside PostgreSQL: what is short is left for the end, which both reach
    at about the same time."""
    items.sort(key=lambda item: [folder_of(item.nodeid) != folder for folder in LONGEST_FIRST])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what was left out for want of a server or of files, before the closing line."""
    reasons = sorted(
        {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if report.longrepr}
    )
    for reason in reasons:
        terminalreporter.write_line(f"!!! {reason.removeprefix('Skipped: ')}", red=True, bold=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The audit log's triggers are taken away once its tables are made: they would keep tests that commit from emptying
    the tables after themselves. Tests of the triggers make them again, with what the migration makes them with.

    Nor are Django's permissions and content types, which the portal does not use, written anew each time."""
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        triggers_drop(editor, AuditLine._meta.db_table)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine is a failure of the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not ipaddress.ip_address(address[0]).is_loopback:
            pytest.fail(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def person_with(name: str, role: Role | None) -> User:
    """An account with that role (or none)."""
    user = User.objects.create_user(name)
    if role:
        Person.objects.create(user=user, role=role)
    return user


@pytest.fixture
def signed_in(db: None) -> Callable[[Role | None], Client]:
    """A browser in which somebody with that role is signed in."""

    def client_for(role: Role | None) -> Client:
        client = Client()
        client.force_login(person_with(f"{role or 'nobody'}-person", role), backend=BACKEND)
        return client

    return client_for


@pytest.fixture
def viewer(signed_in: Callable[[Role | None], Client]) -> Client:
    """Sees everything."""
    return signed_in(Role.VIEWER)


@pytest.fixture
def responder(signed_in: Callable[[Role | None], Client]) -> Client:
    """Also acts."""
    return signed_in(Role.RESPONDER)


@pytest.fixture
def approver(signed_in: Callable[[Role | None], Client]) -> Client:
    """Also approves."""
    return signed_in(Role.APPROVER)


@pytest.fixture
def admin(signed_in: Callable[[Role | None], Client]) -> Client:
    """Also sees the configuration and errors in full."""
    return signed_in(Role.ADMIN)


@pytest.fixture
def nobody(signed_in: Callable[[Role | None], Client]) -> Client:
    """Signed in, without a role."""
    return signed_in(None)
