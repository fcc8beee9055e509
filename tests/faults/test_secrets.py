"""Secrets at every place that has one, and all that comes out is searched for them (F53)."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as of_django
from django.contrib.auth.models import User
from django.core.serializers import serialize
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import Role, SignIn
from apps.accounts.tokens import sealed, unsealed
from apps.core.clock import database_now
from apps.core.logs import LineFormatter
from apps.sources import clients
from apps.sources.models import Source
from stonesoup_portal.broker import broker
from stonesoup_portal.children import bare_environment
from stonesoup_portal.supervisor import environment_for, environment_of_demo
from tests.access_table import ROWS
from tests.conftest import BACKEND, person_with
from tests.faults.leaky import ANSWERS, SEEDS, Parrot, fleet_file, leaks_in, spellings
from tests.faults.processes import ROOT
from tests.faults.stage import TASKS
from tests.fleet_in_force import FleetFileOfTest
from tests.integrations.wire_server import WireServer
from tests.runbooks.source_stage import rule_row

SENT = {
    "argocd-token", "alertmanager-password", "prometheus-token", "kubernetes-token", "kubeconfig-token",
    "tenant-secret", "tenant-token", "site-token",
}  # fmt: skip
PAGES = sorted({row.path for row in ROWS if not row.form and "{" not in row.path and row.route != "stream"})


@pytest.fixture
def parrot() -> Iterator[tuple[Parrot, WireServer]]:
    """An upstream that says back whatever it is told."""
    says = Parrot()
    server = WireServer(says)
    yield says, server
    server.stop()
    for _, client in clients._clients.values():
        client.close()
    clients._clients.clear()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What would stand on standard output, tracebacks too, whatever the level."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(LineFormatter())
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield told
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def seeded(
    db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, parrot: tuple[Parrot, WireServer]
) -> Parrot:
    """The fleet file with all secrets in force, and those of the environment."""
    says, server = parrot
    monkeypatch.setenv("PORTAL_METRICS_TOKEN", SEEDS["metrics-token"])
    settings.SECRET_KEY = SEEDS["secret-key"]
    FleetFileOfTest(tmp_path, settings).put(fleet_file(tmp_path, server.url))
    settings.PORTAL_STATE = tmp_path / "state"
    rule_row(f"{server.url}/raw/a.txt")
    return says


def dump() -> str:
    """Every row of every table."""
    return "\n".join(serialize("json", model._default_manager.all()) for model in apps.get_models())


def shown(roles: Iterable[Role | None]) -> str:
    """Every page as each of them sees it, every source's, and the figures."""
    told = []
    for role in roles:
        client = Client(raise_request_exception=False)
        client.force_login(person_with(f"{role}-looks", role), backend=BACKEND)
        paths = [*PAGES, *(f"/sources/{key}/" for key in Source.objects.values_list("key", flat=True))]
        for path in paths:
            answer = client.get(path)
            told += [f"{path} {answer.status_code}", str(answer.headers), answer.content.decode()]
    figures = Client().get("/metrics", headers={"Authorization": f"Bearer {SEEDS['metrics-token']}"})
    assert figures.status_code == 200
    return "\n".join([*told, figures.content.decode()])


@pytest.mark.parametrize("how", ANSWERS)
def test_what_an_upstream_says_back_is_nowhere_f53(seeded: Parrot, logged: io.StringIO, how: str) -> None:
    seeded.how = how
    for key, kind in Source.objects.values_list("key", "kind"):
        TASKS[kind](key=key)
    assert Source.objects.exclude(error="").count() >= 8
    assert leaks_in(seeded.heard) >= SENT, "they were sent, so they could leak"
    assert leaks_in(shown([None, *Role] if how == ANSWERS[0] else [Role.ADMIN])) == set()
    assert leaks_in(dump()) == set()
    assert leaks_in(logged.getvalue()) == set()


def test_the_check_of_a_fleet_file_shows_no_secret_f53(
    seeded: Parrot, logged: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import call_command

    for how in ("refused", "header", "redirect"):
        seeded.how = how
        with pytest.raises(SystemExit):
            call_command("portal_check", "--fleet", str(of_django.PORTAL_FLEET))
    told = capsys.readouterr()
    assert "argocd" in told.out
    assert leaks_in(told.out + told.err + logged.getvalue()) == set()


def test_a_sign_in_at_a_provider_that_says_secrets_back_shows_none_f53(seeded: Parrot, logged: io.StringIO) -> None:
    client, told = Client(raise_request_exception=False), ""
    for how in ANSWERS:
        seeded.how = how
        for path in ("/accounts/sign-in/", f"/accounts/callback/?code={SEEDS['token-key']}&state=x"):
            answer = client.get(path)
            assert answer.status_code in {400, 503}
            told += answer.content.decode()
    assert leaks_in(told + logged.getvalue() + dump()) == set()


def broken_with(secret: str, form: dict[str, str]) -> None:
    """A bug, in a function that holds secrets."""
    token, headers = secret, {"Authorization": f"Bearer {secret}"}
    raise RuntimeError(f"{len(token)} letters, {len(headers)} header, {len(form)} fields")


def test_a_traceback_shows_no_local_variable_and_no_form_f53(
    viewer: Client, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.raise_request_exception = False
    form = {"username": "x", "password": SEEDS["form-password"]}
    bug = lambda *_, **__: broken_with(SEEDS["local-variable"], form)  # noqa: E731
    monkeypatch.setattr("apps.accounts.views.way_back", bug)
    monkeypatch.setattr("apps.sources.views.standing_now", bug)
    answers = [viewer.get("/sources/"), Client(raise_request_exception=False).post("/accounts/sign-in/", form)]
    assert [answer.status_code for answer in answers] == [500, 500]
    told = logged.getvalue()
    assert told.count(f"RuntimeError: {len(SEEDS['local-variable'])} letters") >= 2
    assert "broken_with" in told
    assert leaks_in(told + "".join(answer.content.decode() for answer in answers)) == set()


AWAY = """
import django; django.setup()
from django.test import Client
print(Client(raise_request_exception=False).get("/readyz", headers={"Host": "127.0.0.1"}).content)
from apps.actions.tasks import send_soon
from uuid import uuid4
send_soon(uuid4())
from stonesoup_portal.celery import queue_depths
print(queue_depths())
from django.contrib.auth.models import User
User.objects.count()
"""


def test_a_database_and_a_broker_that_are_away_are_told_without_their_passwords_f53(tmp_path: Path) -> None:
    told = {
        "PORTAL_DATABASE_URL": f"postgresql://portal:{SEEDS['database-password']}@127.0.0.1:9/portal",
        "PORTAL_BROKER_URL": f"redis://:{SEEDS['broker-password']}@127.0.0.1:9/0",
        "PORTAL_LOG_LEVEL": "DEBUG",
    }
    (tmp_path / "state").mkdir()
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded", "PYTHONPATH": str(ROOT)}
    env |= {"PORTAL_STATE": str(tmp_path / "state"), **told}
    done = subprocess.run(
        [sys.executable, "-c", AWAY], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "OperationalError" in done.stderr
    assert leaks_in(done.stdout + done.stderr) == set()


def test_a_child_that_needs_no_secret_is_told_none_f53(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, secret in SEEDS.items():
        monkeypatch.setenv(f"PORTAL_{place.replace('-', '_').upper()}", secret)
        monkeypatch.setenv(f"{place.replace('-', '_').upper()}", secret)
    with broker(tmp_path, kept := []):
        assert "PATH" in kept[0].environment
        assert leaks_in(str(kept[0].environment) + str(kept[0].command)) == set()
    portal = environment_for(tmp_path, tmp_path / "fleet.yaml", f"redis://:{SEEDS['broker-password']}@x/0")
    assert leaks_in(str(portal)) == set(SEEDS), "the portal's own processes read the secrets that the fleet file names"
    assert leaks_in(str(environment_of_demo(portal)) + str(bare_environment())) == set()


def test_no_secret_is_in_a_command_line_f53(tmp_path: Path) -> None:
    """Everybody on the machine reads those."""
    from stonesoup_portal.supervisor import actions_command, web_command, worker_command

    commands = [web_command(8000), worker_command(tmp_path, 4), actions_command()]
    assert not any("://" in word for command in commands for word in command)


def test_tokens_of_the_provider_are_not_in_the_database_in_clear_f53(viewer: Client) -> None:
    told = sealed(SEEDS["client-secret"]), sealed(SEEDS["form-password"])
    moments = {"began_at": database_now(), "kind": SignIn.Kind.SSO}
    user = User.objects.get()
    row = SignIn.objects.create(session_key="a", user=user, id_token=told[0], refresh_token=told[1], **moments)
    row.refresh_from_db()
    assert (unsealed(row.id_token), unsealed(row.refresh_token)) == (SEEDS["client-secret"], SEEDS["form-password"])
    assert leaks_in(dump() + repr(row) + str(row)) == set()


def test_the_search_finds_what_it_looks_for_f53() -> None:
    for place, secret in SEEDS.items():
        for spelling in spellings(secret):
            assert leaks_in(f"x{spelling}y") == {place}
    assert leaks_in("s33d-") == set()
