"""What a copy tells of a branch, whatever happens to the branch, and that nothing is ever checked out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.core.errors import UpstreamError, UpstreamNotFound
from apps.integrations.git import EntryKind, GitCopy
from apps.integrations.git import repository as repositories
from tests.git_repositories import GitServer, Repository

Refreshed = Callable[..., GitCopy]


def held(copy: GitCopy, under: str = "") -> dict[str, bytes]:
    """The files and what they hold."""
    return {entry.path: content for entry, content in copy.contents(copy.entries(under))}


@pytest.mark.parametrize("filters", [True, False])
def test_files_are_read_over_http_and_from_a_path(
    upstream: Repository, server: GitServer, refreshed: Refreshed, filters: bool
) -> None:
    server.filters = filters
    tip = upstream.commit({"README.md": "# one\n", "docs/äö ü.md": "zwei", "docs/empty.md": ""})
    for url in (upstream.url, f"{server.url}/sop/.git"):
        copy = refreshed(url)
        assert copy.commit == tip
        assert held(copy) == {"README.md": b"# one\n", "docs/äö ü.md": b"zwei", "docs/empty.md": b""}
        assert held(copy, "docs/") == {"docs/äö ü.md": b"zwei", "docs/empty.md": b""}
        assert held(copy, "nowhere/") == {}


def test_an_unchanged_branch_is_not_fetched_again(
    upstream: Repository, server: GitServer, refreshed: Refreshed
) -> None:
    upstream.commit({"a.md": "1"})
    refreshed(f"{server.url}/sop/.git")
    server.asked.clear()
    assert held(refreshed(f"{server.url}/sop/.git")) == {"a.md": b"1"}
    assert not [line for line in server.asked if "fetch" in line or server.asked.count(line) > 1]


@pytest.mark.parametrize("over_http", [True, False])
def test_a_branch_is_followed_forward_forced_and_emptied(
    upstream: Repository, server: GitServer, refreshed: Refreshed, over_http: bool
) -> None:
    url = f"{server.url}/sop/.git" if over_http else upstream.url
    first = upstream.commit({"a.md": "1"})
    refreshed(url)
    upstream.commit({"a.md": "2", "b.md": "2"})
    assert held(refreshed(url)) == {"a.md": b"2", "b.md": b"2"}
    upstream.git("reset", "--quiet", "--hard", first)
    upstream.commit({"c.md": "3"})
    assert held(refreshed(url)) == {"a.md": b"1", "c.md": b"3"}
    upstream.git("checkout", "--quiet", "--orphan", "other")
    upstream.git("rm", "--quiet", "-r", "--force", ".")
    upstream.commit()
    upstream.git("branch", "--force", "main", "other")
    assert held(refreshed(url)) == {}


def test_links_and_modules_are_told_and_never_followed(
    upstream: Repository, refreshed: Refreshed, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "repositories" / "other")
    other.commit({"inside.md": "x"})
    upstream.commit({"a.md": "1"})
    (upstream.folder / "link.md").symlink_to("/etc/passwd")
    upstream.git("submodule", "--quiet", "add", other.url, "vendor")
    upstream.commit()
    copy = refreshed(upstream.url)
    kinds = {entry.path: entry.kind for entry in copy.entries()}
    assert kinds == {
        ".gitmodules": EntryKind.FILE,
        "a.md": EntryKind.FILE,
        "link.md": EntryKind.LINK,
        "vendor": EntryKind.MODULE,
    }
    assert set(held(copy)) == {".gitmodules", "a.md"}
    assert not list(copy.folder.rglob("*.md"))


@pytest.mark.parametrize("filters", [True, False])
def test_a_file_of_10_mb_stays_at_a_server_that_can_leave_it_out(
    upstream: Repository, server: GitServer, refreshed: Refreshed, filters: bool
) -> None:
    server.filters = filters
    content = b"".join(index.to_bytes(8, "big") for index in range(1_250_000))
    upstream.commit({"big.md": content, "a.md": "1", "just.md": b"x" * repositories.LARGEST_FILE})
    copy = refreshed(f"{server.url}/sop/.git")
    sizes = {entry.path: entry.size for entry in copy.entries()}
    assert sizes == {"a.md": 1, "big.md": None if filters else 10_000_000, "just.md": repositories.LARGEST_FILE}
    assert set(held(copy)) == {"a.md", "just.md"} | (set() if filters else {"big.md"})


def test_who_changed_a_file_last_is_told_where_history_reaches(
    upstream: Repository, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "GENERATIONS", 3)
    upstream.commit({"old.md": "1", "a.md": "1"}, moment="2026-01-01T10:00:00Z")
    upstream.commit({"edge.md": "1"}, moment="2026-01-02T10:00:00Z")
    of_a = upstream.commit({"a.md": "2"}, moment="2026-01-03T10:00:00Z", author="Ada \x01 Ω")
    upstream.commit({"b.md": "2"}, moment="2026-01-04T10:00:00Z")
    changes = refreshed(upstream.url).changes(["old.md", "edge.md", "a.md", "b.md", "nowhere.md"])
    assert set(changes) == {"a.md", "b.md"}
    assert (changes["a.md"].commit, changes["a.md"].by) == (of_a, "Ada \x01 Ω")
    assert changes["a.md"].at == datetime(2026, 1, 3, 10, tzinfo=UTC)


def test_a_file_whose_merge_was_mended_by_hand_was_changed_by_the_merge(
    upstream: Repository, refreshed: Refreshed
) -> None:
    upstream.commit({"a.md": "base"})
    upstream.git("checkout", "--quiet", "-b", "side")
    upstream.commit({"a.md": "side", "s.md": "s"})
    upstream.git("checkout", "--quiet", "main")
    upstream.commit({"a.md": "main"})
    upstream.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    merge = upstream.commit({"a.md": "both"})
    changes = refreshed(upstream.url).changes(["a.md", "s.md"])
    assert changes["a.md"].commit == merge


def test_without_filters_nobody_is_said_to_have_changed_anything(
    upstream: Repository, server: GitServer, refreshed: Refreshed
) -> None:
    server.filters = False
    upstream.commit({"a.md": "1"})
    upstream.commit({"b.md": "1"})
    assert refreshed(f"{server.url}/sop/.git").changes(["a.md", "b.md"]) == {}


def test_a_copy_that_was_lost_broken_or_left_locked_is_made_anew(upstream: Repository, refreshed: Refreshed) -> None:
    upstream.commit({"a.md": "1"})
    copy = refreshed(upstream.url)
    shutil.rmtree(copy.folder)
    assert held(refreshed(upstream.url)) == {"a.md": b"1"}
    (copy.folder / "shallow.lock").touch()
    (copy.folder / "config.lock").touch()
    upstream.commit({"a.md": "2"})
    assert held(refreshed(upstream.url)) == {"a.md": b"2"}
    for pack in (copy.folder / "objects" / "pack").glob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"no pack")
    assert held(refreshed(upstream.url)) == {"a.md": b"2"}


def test_a_copy_of_another_repository_is_not_taken_for_it(
    upstream: Repository, refreshed: Refreshed, tmp_path: Path
) -> None:
    upstream.commit({"a.md": "1"})
    refreshed(upstream.url)
    other = Repository(tmp_path / "repositories" / "other")
    other.commit({"b.md": "1"})
    assert held(refreshed(other.url)) == {"b.md": b"1"}


def test_a_branch_that_is_not_there_is_told(upstream: Repository, refreshed: Refreshed) -> None:
    with pytest.raises(UpstreamNotFound, match="it has no branch 'main': it is empty, or our account may see nothing"):
        refreshed(upstream.url)
    upstream.commit({"a.md": "1"})
    with pytest.raises(UpstreamNotFound, match=r"it has no branch 'next'\Z"):
        refreshed(upstream.url, branch="next")


def test_a_repository_that_is_too_large_is_told(
    upstream: Repository, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"a.md": "1"})
    monkeypatch.setattr(repositories, "LARGEST", 10)
    with pytest.raises(UpstreamError, match="it is larger than"):
        refreshed(upstream.url)
