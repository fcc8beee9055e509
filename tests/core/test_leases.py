"""Leases: one holder at a time, taken over when they run out (faults.md, case 58)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from apps.core.clock import database_now
from apps.core.leases import lease_give_up, lease_held, lease_is_held, lease_take
from apps.core.models import Lease

pytestmark = pytest.mark.database


@pytest.mark.django_db
def test_a_lease_has_one_holder_who_may_renew_it() -> None:
    assert lease_take(name="read:a", holder="one", seconds=30)
    assert not lease_take(name="read:a", holder="two", seconds=30)
    assert lease_take(name="read:a", holder="one", seconds=30)
    assert lease_take(name="read:b", holder="two", seconds=30)


@pytest.mark.django_db
def test_a_lease_that_ran_out_is_taken_over_and_its_old_holder_cannot_renew() -> None:
    lease_take(name="follow:a", holder="dead", seconds=30)
    Lease.objects.update(expires_at=database_now() - timedelta(seconds=1))
    assert not lease_is_held(name="follow:a")
    assert lease_take(name="follow:a", holder="alive", seconds=30)
    assert not lease_take(name="follow:a", holder="dead", seconds=30)


@pytest.mark.django_db
def test_only_its_holder_gives_a_lease_up() -> None:
    lease_take(name="a", holder="one", seconds=30)
    lease_give_up(name="a", holder="two")
    assert lease_is_held(name="a")
    lease_give_up(name="a", holder="one")
    assert not lease_is_held(name="a")


def fail_while_holding(name: str) -> None:
    with lease_held(name=name, seconds=30) as holder, lease_held(name=name, seconds=30) as second:
        assert holder is not None
        assert second is None
        raise ZeroDivisionError


@pytest.mark.django_db
def test_a_held_lease_is_given_up_also_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        fail_while_holding("a")
    assert not lease_is_held(name="a")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_it_at_once_one_gets_it() -> None:
    def want(number: int) -> bool:
        try:
            return lease_take(name="raced", holder=f"holder {number}", seconds=30)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(want, range(8)))
    assert won.count(True) == 1
