"""What the contracts of all kinds have in common: strangers' credentials, and what each call costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.integrations.http import Endpoint
from apps.integrations.listing import Listing
from apps.integrations.upstream import UpstreamClient

NOBODYS_TOKEN = "not-a-token"
DAY = timedelta(days=1).total_seconds()


def stranger(client: UpstreamClient, token: str = NOBODYS_TOKEN) -> Endpoint:
    """The client's endpoint with a token that nobody gave, or with none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return replace(client.http.endpoint, headers=lambda: headers, renew=None, client_certificate=None)


def skip_without_credentials(client: UpstreamClient) -> None:
    """Leaves out what is about refusing credentials where the fleet file gives none."""
    endpoint = client.http.endpoint
    if not endpoint.headers() and endpoint.client_certificate is None:
        pytest.skip(f"{client.source}: the fleet file gives no credentials for it")


def everything_is_readable(client: UpstreamClient, listing: Listing[Any]) -> None:
    """Nothing of a list was left out for its shape."""
    assert listing.unreadable == (), f"{client.source}: {listing.unreadable[:3]}"


def facts_are_told(client: UpstreamClient) -> None:
    """The last call's facts make sense."""
    facts = client.last
    assert facts is not None, f"{client.source}: the call left no facts"
    assert facts.status == 200
    assert facts.latency > 0
    assert facts.wire_bytes > 0
    assert facts.body_bytes > 0
    assert facts.skew is None or abs(facts.skew) < DAY, f"{client.source}: its clock is {facts.skew} s ahead of ours"
