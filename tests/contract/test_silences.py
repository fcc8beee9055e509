"""What the portal relies on where it silences: on the simulated fleet, on Debian's Alertmanager, or on servers allowed.

`pytest tests/contract --fleet FILE --allow-actions APPLICATION` makes silences of an alert that nobody has, for some
minutes, and expires them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.errors import UpstreamDenied, UpstreamNotFound, UpstreamRejected
from apps.integrations.alertmanager import AlertmanagerClient, Matcher, Silence, SilenceOrder

MINUTES = timedelta(minutes=10)
NOBODYS_ID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def allowed(request: pytest.FixtureRequest) -> None:
    """Nothing is silenced on servers that somebody names, unless they say that it may be."""
    given, may = request.config.getoption("--fleet"), request.config.getoption("--allow-actions")
    if given and not may:
        pytest.skip(f"nothing is silenced on {given}: --allow-actions says that it may be")


class Own:
    """Silences of this test alone, of an alert that nobody has."""

    def __init__(self, client: AlertmanagerClient) -> None:
        self.client, self.alert, self.made = client, f"PortalContract-{uuid.uuid4()}", list[str]()

    def order(self, **changes: Any) -> SilenceOrder:
        """For ten minutes from now."""
        now = datetime.now(UTC)
        told = {
            "matchers": (Matcher("alertname", self.alert),),
            "starts_at": now,
            "ends_at": now + MINUTES,
            "created_by": "pytest",
            "comment": f"contract tests [request {uuid.uuid4()}]",
        }
        return SilenceOrder(**{**told, **changes})

    def post(self, order: SilenceOrder) -> str:
        """Its id."""
        silence = self.client.silence_post(order)
        self.made.append(silence)
        return silence

    def told(self, silence: str) -> Silence:
        """As the list tells it, where it is at once: the member that took it knows it."""
        return next(each for each in self.client.silences().items if each.id == silence)

    def end(self) -> None:
        """Expires all of them."""
        for silence in self.made:
            self.client.silence_expire(silence)


@pytest.fixture
def own(alertmanager: AlertmanagerClient) -> Iterator[Own]:
    found = Own(alertmanager)
    yield found
    found.end()


def test_a_silence_is_told_at_once_as_it_was_asked_for(own: Own) -> None:
    matchers = (
        Matcher("alertname", own.alert),
        Matcher("a", "x.*", is_regex=True),
        Matcher("b", 'say "no"\\', is_equal=False),
        Matcher("c", "y|z", is_regex=True, is_equal=False),
    )
    order = own.order(matchers=matchers)
    told = own.told(own.post(order))
    assert set(matchers) <= set(told.matchers)
    assert (told.created_by, told.comment, told.state) == (order.created_by, order.comment, "active")
    assert told.ends_at
    assert abs(told.ends_at - order.ends_at) < timedelta(seconds=1)


def test_the_same_asked_twice_is_two_silences(own: Own) -> None:
    order = own.order()
    assert own.post(order) != own.post(order), "it does not look at the request's id: that is the portal's matter"


def test_one_that_is_expired_stays_so_and_is_told_for_a_while(own: Own) -> None:
    silence = own.post(own.order())
    own.client.silence_expire(silence)
    own.client.silence_expire(silence)
    told = own.told(silence)
    assert told.state == "expired"
    assert told.ends_at
    assert told.ends_at <= datetime.now(UTC) + timedelta(minutes=1)


def test_one_that_begins_later_is_pending(own: Own) -> None:
    now = datetime.now(UTC)
    silence = own.post(own.order(starts_at=now + MINUTES, ends_at=now + 2 * MINUTES))
    assert own.told(silence).state == "pending"


def test_one_that_nobody_knows_is_not_found(alertmanager: AlertmanagerClient) -> None:
    with pytest.raises((UpstreamNotFound, UpstreamDenied)):
        alertmanager.silence_expire(NOBODYS_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"matchers": (Matcher("x", "(", is_regex=True),)},
        {"matchers": ()},
        {"ends_at": datetime(2020, 1, 1, tzinfo=UTC), "starts_at": datetime(2019, 1, 1, tzinfo=UTC)},
    ],
    ids=["no expression", "no matcher", "over"],
)
def test_what_is_no_silence_is_rejected(own: Own, changes: dict[str, Any]) -> None:
    with pytest.raises(UpstreamRejected):
        own.post(own.order(**changes))


def test_matchers_that_fit_everything_are_rejected(own_alertmanager: AlertmanagerClient) -> None:
    """Behind Observatorium the tenant's own matcher stands beside them: there the portal alone refuses them."""
    own = Own(own_alertmanager)
    with pytest.raises(UpstreamRejected, match="at least one matcher must not match the empty string"):
        own.post(own.order(matchers=(Matcher("x", ".*", is_regex=True),)))


def test_it_is_changed_in_place_while_matchers_and_start_stay(own_alertmanager: AlertmanagerClient) -> None:
    own = Own(own_alertmanager)
    silence = own.post(own.order())
    told = own.told(silence)
    assert told.starts_at
    longer = own.order(
        id=silence, matchers=told.matchers, starts_at=told.starts_at, ends_at=told.starts_at + 2 * MINUTES
    )
    assert own.post(longer) == silence
    assert own.told(silence).comment == longer.comment
    own.end()


def test_with_other_matchers_it_is_a_new_one_and_the_old_one_is_expired(own_alertmanager: AlertmanagerClient) -> None:
    own = Own(own_alertmanager)
    silence = own.post(own.order())
    told = own.told(silence)
    assert told.starts_at
    other = own.order(id=silence, starts_at=told.starts_at, matchers=(*told.matchers, Matcher("more", "x")))
    replaced = own.post(other)
    assert replaced != silence
    assert (own.told(silence).state, own.told(replaced).state) == ("expired", "active")
    own.end()


def test_behind_observatorium_no_id_is_taken_and_the_tenants_matcher_is_added(
    hidden_alertmanager: AlertmanagerClient,
) -> None:
    own = Own(hidden_alertmanager)
    silence = own.post(own.order())
    assert len(own.told(silence).matchers) == 2
    with pytest.raises(UpstreamRejected, match="updates to silence by ID not allowed"):
        own.post(own.order(id=silence))
    own.end()
