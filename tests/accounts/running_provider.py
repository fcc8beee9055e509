"""Fixtures: the demo's provider in a process of its own, one for each module of tests, and a portal that it tells."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from tests.accounts.provider import Provider, listener, provider_running

Portal = tuple[str, "queue.SimpleQueue[str]"]


@pytest.fixture(scope="module")
def listening() -> Iterator[Portal]:
    """The origin of a portal, and the logout tokens that it was told."""
    with listener() as portal:
        yield portal


@pytest.fixture(scope="module")
def running(listening: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The process."""
    with provider_running(tmp_path_factory.mktemp("provider"), listening[0]) as provider:
        yield provider


@pytest.fixture
def portal(listening: Portal) -> str:
    """The portal's origin."""
    return listening[0]


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The process, in which nobody is signed in or disabled yet."""
    yield running
    running.everybody_back()


@pytest.fixture
def told_of(listening: Portal) -> queue.SimpleQueue[str]:
    """The logout tokens that this test has the portal told."""
    while not listening[1].empty():
        listening[1].get()
    return listening[1]
