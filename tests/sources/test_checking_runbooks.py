"""portal_check tries the sources of runbooks too: what works, what does not, and what would mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.sources.checking import SourceCheck, sources_check
from apps.sources.fleetfile import fleet_file_parse
from tests.git_repositories import GitServer, Repository
from tests.integrations.wire_server import reply
from tests.sources.answering import Serve

URLS = ["https://git.example.com/<path>"]


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repositories" / "sop")


@pytest.fixture
def server(upstream: Repository) -> Iterator[GitServer]:
    server = GitServer(upstream.folder.parent)
    yield server
    server.stop()


def checked(**source: Any) -> SourceCheck:
    """The one source of a fleet file, tried."""
    text = json.dumps({"runbooks": [{"name": "sop", "urls": URLS, "deadline": "20s", **source}]})
    return next(sources_check(fleet=fleet_file_parse(text=text)))


def test_a_branch_that_can_be_read_is_ok_and_told_with_its_commit(upstream: Repository, server: GitServer) -> None:
    tip = upstream.commit({"a.md": "1"})
    for url in (str(upstream.folder), f"{server.url}/sop/.git"):
        check = checked(git={"url": url})
        assert check.is_ok
        assert check.seen == (f"branch main is at {tip[:12]}",)
        assert check.line().startswith(f"ok    runbooks/sop: branch main is at {tip[:12]}; ")


def test_what_keeps_from_a_branch_is_told_with_what_would_mend_it(upstream: Repository, server: GitServer) -> None:
    url = f"{server.url}/sop/.git"
    check = checked(git={"url": url})
    assert check.faults[0].what.startswith("it has no branch 'main': it is empty")
    assert check.faults[0].mend.startswith("see whether `runbooks[0].git.branch` is right")
    upstream.commit({"a.md": "1"})
    server.password = "secret"
    check = checked(git={"url": url})
    assert check.faults[0].what.startswith("it asks for a password: ")
    assert check.faults[0].mend == "it wants credentials: name them under `runbooks[0]`"
    check = checked(git={"url": url, "token": "env:NOBODY_HAS_SET_THIS"})
    assert check.faults[0].what.startswith("our credentials cannot be read")
    assert "`runbooks[0].git.token` (env:NOBODY_HAS_SET_THIS)" in check.faults[0].mend
    server.redirects_to = "http://127.0.0.1:9"
    assert "`runbooks[0].git.url` to the address that it redirects to" in checked(git={"url": url}).faults[0].mend


def test_a_hanging_server_is_told_at_the_deadline(upstream: Repository, server: GitServer) -> None:
    server.hangs.set()
    check = checked(git={"url": f"{server.url}/sop/.git"}, deadline="1s")
    assert check.faults[0].what == "no complete answer within 1 s"
    assert "raise `runbooks[0].deadline`" in check.faults[0].mend


def test_a_folder_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").touch()
    assert checked(folder=str(tmp_path), under="docs").line() == "ok    runbooks/sop: is there, and not empty"
    check = checked(folder=str(tmp_path / "nowhere"))
    assert check.faults[0].what.endswith("cannot be read: No such file or directory")
    assert "`runbooks[0].folder`" in check.faults[0].mend


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_a_web_server_that_answers_is_ok_whatever_stands_at_its_root(serve: Serve, status: int) -> None:
    check = checked(http={"base": serve(reply(status=status)).url})
    assert check.is_ok
    assert check.seen == (f"answers ({status})",)


def test_a_web_server_that_refuses_or_is_not_there_is_told(serve: Serve) -> None:
    check = checked(http={"base": serve(reply(status=401)).url})
    assert check.faults[0].what == "refused our credentials (401)"
    assert not checked(http={"base": "http://127.0.0.1:9"}).is_ok
