"""A provider per test."""

from __future__ import annotations

import pytest

from tests.integrations.conftest import Serve
from tests.integrations.oidc.provider import Flow, Provider


@pytest.fixture
def provider(serve: Serve) -> Provider:
    """Answers properly unless the test bends it."""
    return Provider(serve)


@pytest.fixture
def flow(provider: Provider) -> Flow:
    """A sign-in that is about to come back."""
    return Flow(provider)
