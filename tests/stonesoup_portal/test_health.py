"""/healthz, /readyz and /metrics answer without sign-in; a database that is away is said, not thrown (F33)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from apps.core.clock import database_now
from apps.core.leases import lease_take
from apps.sources.models import Source


@pytest.fixture
def database_is_down(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def go_down() -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OperationalError("connection refused: password=hunter2")

        monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)

    return go_down


def test_healthz_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_tells_whether_anything_reads(client: Client) -> None:
    assert client.get("/readyz").json()["reading"] is False
    lease_take(name="beat", holder="tick", seconds=30)
    assert client.get("/readyz").json()["reading"] is True


@pytest.mark.django_db
def test_readyz_is_503_while_the_database_is_away_f33(client: Client, database_is_down: Callable[[], None]) -> None:
    database_is_down()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer"


@pytest.mark.django_db
def test_a_page_without_a_database_says_when_to_come_back_f33(
    viewer: Client, database_is_down: Callable[[], None]
) -> None:
    viewer.raise_request_exception = False
    database_is_down()
    answer = viewer.get("/sources/")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    text = answer.content.decode()
    assert "hunter2" not in text
    assert "Traceback" not in text


@pytest.mark.django_db
def test_metrics_tell_each_sources_age_and_state(client: Client) -> None:
    told_at = database_now() - timedelta(seconds=40)
    Source.objects.create(key="argocd/production", kind="argocd", group="production", succeeded_at=told_at)
    Source.objects.create(key="argocd/gone", kind="argocd", group="gone", is_archived=True, succeeded_at=told_at)
    text = client.get("/metrics").content.decode()
    age = next(line for line in text.splitlines() if line.startswith("portal_source_age_seconds{"))
    assert 'source="argocd/production"' in age
    assert 40 <= float(age.rsplit(" ", 1)[1]) < 60
    assert 'portal_source_state{source="argocd/production",state="fresh"} 1.0' in text
    assert "argocd/gone" not in text


@pytest.mark.django_db
def test_metrics_are_for_loopback_or_the_token(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    monkeypatch.setenv("PORTAL_METRICS_TOKEN", "let me in")
    assert client.get("/metrics").status_code == 403
    bearer = {"Authorization": "Bearer let me in"}
    assert client.get("/metrics", headers=bearer, REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.django_db
def test_metrics_are_not_given_to_whom_a_proxy_on_this_machine_sends_on(client: Client) -> None:
    for header in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"):
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.django_db
def test_a_token_of_odd_letters_is_refused_like_any_other(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_METRICS_TOKEN", "right")
    assert client.get("/metrics", headers={"Authorization": "Bearer r\u00efght"}).status_code == 403


@pytest.mark.django_db
def test_metrics_survive_a_process_that_died_while_it_made_its_file(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counter_1.db").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert client.get("/metrics").status_code == 200
