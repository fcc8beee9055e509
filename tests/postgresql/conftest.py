"""What is marked `database` is tried on PostgreSQL beside all other tests, begun once it is known to be wanted."""

from __future__ import annotations

import contextlib

import pytest

from tests.postgresql.marked import MarkedRun

WAITING_FOR_IT = "marked_run"
RUN = pytest.StashKey[MarkedRun]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begins the run where a test that waits for it was chosen; what hinders it is told by that test."""
    is_wanted = any(WAITING_FOR_IT in getattr(item, "fixturenames", ()) for item in session.items)
    if is_wanted and not session.config.option.collectonly:
        with contextlib.suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
            session.config.stash[RUN] = MarkedRun()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves nothing behind where nobody waited."""
    if run := config.stash.get(RUN, None):
        run.end()


@pytest.fixture
def marked_run(request: pytest.FixtureRequest) -> MarkedRun:
    """The run that goes on beside; where it could not begin, beginning it tells why."""
    stash = request.config.stash
    if RUN not in stash:
        stash[RUN] = MarkedRun()
    return stash[RUN]
