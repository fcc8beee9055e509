"""A repository to read, a server of it, and a folder for the copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.integrations.git import GitCopy, GitRemote
from tests.git_repositories import GitServer, Repository


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    """A repository without a commit."""
    return Repository(tmp_path / "repositories" / "sop")


@pytest.fixture
def server(upstream: Repository) -> Iterator[GitServer]:
    """What serves it, at /sop/.git."""
    server = GitServer(upstream.folder.parent)
    yield server
    server.stop()


@pytest.fixture
def refreshed(tmp_path: Path) -> Callable[..., GitCopy]:
    """Refreshes the copy of a branch of a URL."""

    def refresh(url: str, *, seconds: float = 20.0, branch: str = "main", **options: object) -> GitCopy:
        remote = GitRemote(source="runbooks/sop", url=url, branch=branch, **options)  # type: ignore[arg-type]
        return GitCopy.refreshed(remote, tmp_path / "copy", seconds=seconds)

    return refresh
