"""Addresses of lists: what they ask for, and words for what they cannot have."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from apps.core.lists import Asked, Page, Sort


def asked(query: str) -> Asked:
    return Asked(QueryDict(query))


def test_good_addresses_ask_without_a_word() -> None:
    wanted = asked("tone=critical&tone=warning&tone=critical&auto=no&q=+has+&sort=-since&page=2")
    assert wanted.choices("tone", ["critical", "warning", "well"]) == ("critical", "warning")
    assert wanted.flag("auto") is False
    assert wanted.text("q") == "has"
    assert wanted.sort(["tone", "since"], default="tone") == Sort("since", is_descending=True)
    assert wanted.page(101) == Page(2, 101)
    assert wanted.problems == []


def test_an_address_without_anything_asks_for_nothing() -> None:
    empty = asked("")
    assert (empty.choice("tone", ["well"]), empty.flag("auto"), empty.text("q")) == ("", None, "")
    assert str(empty.sort(["tone"], default="-tone")) == "-tone"
    assert empty.page(0) == Page(1, 0)
    assert empty.problems == []


def test_an_unknown_word_is_left_out_and_told() -> None:
    wanted = asked("tone=purple&tone=well")
    assert wanted.choices("tone", ["well"]) == ("well",)
    assert wanted.problems == ["There is no tone “purple”: that filter is left out."]


def test_all_asks_for_no_filter() -> None:
    wanted = asked("environment=all")
    assert wanted.choice("environment", ["production"]) == ""
    assert wanted.problems == []


@pytest.mark.parametrize("told", ["0", "-1", "x", "1e3", "²", "99999999999999999999", "1.5", " 2"])
def test_what_is_no_page_number_is_page_one(told: str) -> None:
    wanted = asked("")
    wanted.query = QueryDict(mutable=True)
    wanted.query["page"] = told
    assert wanted.page(1000).number == 1
    assert "is not a page number" in wanted.problems[0]


def test_a_page_past_the_end_is_the_last_one() -> None:
    wanted = asked("page=12")
    assert wanted.page(250) == Page(5, 250)
    assert wanted.problems == ["There is no page 12: the last one, page 5, is shown."]


def test_an_unknown_order_is_the_usual_one() -> None:
    wanted = asked("sort=-password")
    assert wanted.sort(["name"], default="name") == Sort("name")
    assert wanted.problems == ["Cannot sort by “-password”: there are name."]


def test_long_and_odd_words_are_cut() -> None:
    wanted = asked(f"q={'x' * 500}&tone={'y' * 500}")
    wanted.query = wanted.query.copy()
    wanted.query["z"] = "a\x00b\ud800"
    assert wanted.text("q") == "x" * 200
    assert wanted.choice("tone", ["well"]) == ""
    assert wanted.text("z") == "a\ufffdb?"
    assert all(len(problem) < 200 for problem in wanted.problems)
    assert len(wanted.problems) == 2


@pytest.mark.parametrize(
    ("page", "first", "last", "before", "after"),
    [
        (Page(1, 0), 0, 0, None, None),
        (Page(1, 50), 1, 50, None, None),
        (Page(2, 125), 51, 100, 1, 3),
        (Page(3, 125), 101, 125, 2, None),
    ],
)
def test_pages(page: Page, first: int, last: int, before: int | None, after: int | None) -> None:
    assert (page.first, page.last, page.before, page.after) == (first, last, before, after)
    assert len(range(250)[page.rows]) >= last - first
