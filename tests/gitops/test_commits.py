"""Commits: each read once, by way of an Application that somebody looks at, and what fails is put off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core.clock import database_now
from apps.core.topics import version_of
from apps.gitops.commits import FIRST_WAIT, LONGEST_WAIT, MOST_TRIES, TOPIC, commits_of, commits_want
from apps.gitops.details import AT_ONCE, MOST_A_MINUTE, ask_for_details, details_read
from apps.gitops.models import Application, ApplicationDetail, Commit
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from tests.gitops.argocd_server import ArgoCDServer, application
from tests.pages import HOSTILE

pytestmark = pytest.mark.database

REPO = "https://git.example.com/infra"
NOW_RUN = "a" * 40


@pytest.fixture(autouse=True)
def answering(fleet: FleetFile) -> None:
    """The instance answers."""
    Source.objects.filter(key="argocd/production").update(succeeded_at=database_now())


def row(name: str = "build-m01", **fields: Any) -> Application:
    """An Application that runs NOW_RUN."""
    defaults = {"project": "default", "tone": "well", "repo_url": REPO, "sync_revision": NOW_RUN}
    return Application.objects.create(instance="production", namespace="argocd", name=name, **{**defaults, **fields})


def told(argocd: ArgoCDServer, name: str = "build-m01", history: tuple[str, ...] = ()) -> None:
    """Argo CD has the Application, with these revisions in its history, the newest last."""
    value = application(name)
    value["status"]["history"] = [{"id": number, "revision": revision} for number, revision in enumerate(history)]
    argocd.put(value)


def asked(argocd: ArgoCDServer) -> list[str]:
    """The revisions asked for, in order, by their first letter."""
    return [path.split("/")[6][0] for path in argocd.asked if path.endswith("/metadata")]


def look(application: Application) -> None:
    """Somebody opens the page again, a minute later."""
    ApplicationDetail.objects.update(read_at=database_now() - timedelta(minutes=2))
    ask_for_details(application=application)
    details_read()


def test_the_compared_one_comes_first_then_the_history_newest_first(argocd: ArgoCDServer) -> None:
    told(argocd, history=("b" * 40, "c" * 40, NOW_RUN))
    look(row())
    assert asked(argocd) == ["a", "c", "b"]
    commit = commits_of([(REPO, NOW_RUN)])[REPO, NOW_RUN]
    assert (commit.author, commit.title, commit.tags) == ("Alex", "Change aaaaaaa", ["v1"])
    assert commit.date is not None
    assert commit.message.endswith("more of it")


def test_each_is_asked_for_once_whoever_runs_it(argocd: ArgoCDServer) -> None:
    for name in ("build-m01", "build-m02"):
        told(argocd, name)
        look(row(name))
    look(Application.objects.get(name="build-m01"))
    assert asked(argocd) == ["a"]


def test_what_the_others_of_its_set_run_is_read_too(argocd: ArgoCDServer) -> None:
    told(argocd)
    row("build-m02", set_name="build", sync_revision="d" * 40)
    row("build-m03", set_name="build", sync_revision="d" * 40)
    row("other", set_name="other", sync_revision="e" * 40)
    look(row(set_name="build"))
    assert asked(argocd) == ["a", "d"]


def test_of_what_nobody_looks_at_no_commit_is_read(argocd: ArgoCDServer) -> None:
    told(argocd)
    row(tone="critical")
    details_read()
    assert ApplicationDetail.objects.get().read_at
    assert asked(argocd) == []


def test_what_is_no_resolved_commit_is_never_asked_for(argocd: ArgoCDServer) -> None:
    told(argocd, history=("HEAD", "main", "1.2.3", ""))
    look(row())
    assert asked(argocd) == ["a"]


def test_a_few_a_time_and_no_more_in_a_minute_than_is_right(argocd: ArgoCDServer) -> None:
    told(argocd, history=tuple(f"{number:040}" for number in range(20)))
    look(row())
    assert len(asked(argocd)) == AT_ONCE
    for _ in range(20):
        details_read()
    assert len(asked(argocd)) == 21
    commits_want((Application.objects.get(), f"{number:040x}") for number in range(100, 160))
    for _ in range(20):
        details_read()
    assert len(asked(argocd)) == MOST_A_MINUTE - 1  # and the Application itself


def test_a_failure_is_remembered_and_put_off_longer_each_time(argocd: ArgoCDServer) -> None:
    told(argocd)
    argocd.broken_commits = {NOW_RUN}
    look(row())
    for _ in range(3):
        details_read()
    assert asked(argocd) == ["a"]
    commit = Commit.objects.get()
    assert (commit.tries, commit.read_at) == (1, None)
    assert "unknown revision" in commit.error
    assert commit.retry_at is not None
    assert commit.tried_at is not None
    assert commit.retry_at - commit.tried_at == FIRST_WAIT
    Commit.objects.update(retry_at=database_now(), tries=7)
    details_read()
    again = Commit.objects.get()
    assert again.retry_at is not None
    assert again.tried_at is not None
    assert again.retry_at - again.tried_at == min(FIRST_WAIT * 2**7, LONGEST_WAIT)
    Commit.objects.update(retry_at=database_now(), tries=MOST_TRIES)
    details_read()
    assert asked(argocd) == ["a", "a"]


def test_when_the_server_fails_the_rest_waits(argocd: ArgoCDServer) -> None:
    told(argocd, history=("b" * 40, "c" * 40))
    argocd.broken_commits = {NOW_RUN}
    look(row())
    assert asked(argocd) == ["a"]
    details_read()
    assert asked(argocd) == ["a", "c", "b"]


def test_a_commit_that_came_tells_the_pages(argocd: ArgoCDServer) -> None:
    told(argocd)
    commits_want([(row(), NOW_RUN)])
    before = version_of([TOPIC])
    details_read()
    assert version_of([TOPIC]) > before
    now = version_of([TOPIC])
    details_read()
    assert version_of([TOPIC]) == now


def test_a_commit_outlives_its_application_and_is_wanted_through_another(argocd: ArgoCDServer) -> None:
    first = row()
    commits_want([(first, NOW_RUN)])
    first.delete()
    details_read()
    assert asked(argocd) == []
    told(argocd, "build-m02")
    commits_want([(row("build-m02"), NOW_RUN)])
    details_read()
    assert asked(argocd) == ["a"]
    Application.objects.all().delete()
    assert commits_of([(REPO, NOW_RUN)])


def test_f27_long_and_odd_texts_are_kept_bounded(argocd: ArgoCDServer) -> None:
    told(argocd)
    argocd.commit = lambda _: ({"author": "a" * 9000, "message": HOSTILE * 9000, "tags": ["t\x00"] * 900}, 200)  # type: ignore[method-assign]
    long = "https://git.example.com/" + "é" * 970
    commits_want([(row(repo_url=long), NOW_RUN)])
    details_read()
    commit = commits_of([(long, NOW_RUN)])[long, NOW_RUN]
    assert (len(commit.author), len(commit.message), len(commit.tags)) == (200, 1000, 20)
    assert commit.date is None
