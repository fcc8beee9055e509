"""What costs much is made once for all who ask at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.core.keeping import Keeper


class Maker:
    """Counts what it makes; can be held up."""

    def __init__(self) -> None:
        self.made = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()

    def __call__(self) -> str:
        self.made += 1
        made = f"made {self.made}"
        self.has_begun.set()
        self.may_go_on.wait(5)
        return made


@pytest.fixture
def maker() -> Maker:
    return Maker()


def got(keeper: Keeper[str], maker: Maker, *, good: float = 60, bearable: float = 60, key: str = "page") -> str:
    return keeper.get(
        key, is_good=lambda _, age: age < good, is_bearable=lambda _, __, worse: worse < bearable, make=maker
    )


def came_true(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def test_a_good_value_is_not_made_again(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    assert [got(keeper, maker) for _ in range(3)] == ["made 1"] * 3


def test_a_value_that_is_not_good_any_more_is_made_again(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    assert [got(keeper, maker, good=0, bearable=0) for _ in range(2)] == ["made 1", "made 2"]


def test_how_long_an_old_value_is_borne_counts_from_when_it_was_last_good(maker: Maker) -> None:
    """Else a page on which nothing happens for long would be too old for everybody the moment that something does."""
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)
    time.sleep(0.2)
    assert got(keeper, maker) == "made 1", "good after all that time"
    maker.may_go_on.clear()
    assert got(keeper, maker, good=0, bearable=0.15) == "made 1"
    maker.may_go_on.set()


def test_a_renewal_judges_by_what_was_known_when_it_was_asked_for_and_prolongs_nothing(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)
    entry = keeper._entry("page")
    assert entry.kept
    good_at = entry.kept.good_at
    time.sleep(0.02)
    assert keeper._good_or_made(entry, lambda *_: True, maker) == "made 1"
    assert entry.kept.good_at == good_at
    got(keeper, maker)
    assert entry.kept.good_at > good_at, "who asks now knows of now"


def test_many_who_ask_at_once_cost_one(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: got(keeper, maker), range(64))) == {"made 1"}


def test_while_a_new_one_is_made_all_get_the_old_one(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)
    maker.may_go_on.clear()
    assert [got(keeper, maker, good=0) for _ in range(5)] == ["made 1"] * 5
    maker.may_go_on.set()
    assert came_true(lambda: got(keeper, maker) == "made 2")
    assert maker.made == 2


def test_a_new_one_that_fails_leaves_the_old_one_and_the_way_free(
    maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)

    def fails() -> str:
        raise ZeroDivisionError

    assert keeper.get("page", is_good=lambda *_: False, is_bearable=lambda *_: True, make=fails) == "made 1"
    assert came_true(lambda: "could not be made anew" in caplog.text)
    assert came_true(lambda: got(keeper, maker, good=0) == "made 2")


def test_what_is_too_old_to_bear_is_waited_for(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)
    maker.may_go_on.clear()
    maker.has_begun.clear()

    def got_newer() -> str:
        return keeper.get("page", is_good=lambda value, _: value != "made 1", is_bearable=lambda *_: False, make=maker)

    with ThreadPoolExecutor(2) as pool:
        making = pool.submit(got_newer)
        assert maker.has_begun.wait(5)
        waiting = pool.submit(got_newer)
        time.sleep(0.1)
        assert not waiting.done()
        maker.may_go_on.set()
        assert {making.result(), waiting.result()} == {"made 2"}


def test_a_maker_that_fails_leaves_the_way_free(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(4)

    def fails() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        keeper.get("page", is_good=lambda *_: True, is_bearable=lambda *_: True, make=fails)
    assert got(keeper, maker) == "made 1"


def test_the_least_used_make_room(maker: Maker) -> None:
    keeper: Keeper[str] = Keeper(2)
    for key in ("a", "b", "a", "c"):
        got(keeper, maker, key=key)
    assert maker.made == 3
    got(keeper, maker, key="a")
    assert maker.made == 3
    got(keeper, maker, key="b")
    assert maker.made == 4


def at_work(maker: Maker, other: Maker) -> Keeper[str]:
    """A keeper of both, whose own thread is busy with the first one's."""
    keeper: Keeper[str] = Keeper(4)
    got(keeper, maker)
    got(keeper, other, key="other")
    maker.may_go_on.clear()
    maker.has_begun.clear()
    assert got(keeper, maker, good=0) == "made 1"
    assert maker.has_begun.wait(5)
    return keeper


def test_who_cannot_bear_the_old_one_does_not_wait_for_what_is_made_before(maker: Maker) -> None:
    other = Maker()
    keeper = at_work(maker, other)
    assert got(keeper, other, good=0, key="other") == "made 1", "the other waits for its turn"
    with ThreadPoolExecutor(1) as pool:
        try:
            assert pool.submit(got, keeper, other, good=0, bearable=0, key="other").result(5) == "made 2"
        finally:
            maker.may_go_on.set()


def test_what_was_made_meanwhile_is_not_made_a_second_time(maker: Maker) -> None:
    other = Maker()
    keeper = at_work(maker, other)

    def get_other(*, bears: bool) -> str:
        return keeper.get("other", is_good=lambda value, _: value == "made 2", is_bearable=lambda *_: bears, make=other)

    assert [get_other(bears=True), get_other(bears=False)] == ["made 1", "made 2"]
    maker.may_go_on.set()
    assert came_true(lambda: not any(entry.is_awaited for entry in keeper._entries.values()))
    assert other.made == 2
