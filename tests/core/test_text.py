"""Upstreams' text is made fit to keep, and what was cut says so (faults.md, cases 27 and 28)."""

import pytest

from apps.core.text import CUT_MARK, clean, counted


@pytest.mark.parametrize(("given", "kept"), [(None, ""), (12, "12"), ("plain", "plain"), ("a\x00b", "a\ufffdb")])
def test_it_gives_text_that_every_database_takes(given: object, kept: str) -> None:
    assert clean(given) == kept


def test_lone_surrogates_are_replaced() -> None:
    clean("a\ud800b").encode("utf-8")
    assert clean("a\ud800b") == "a?b"


def test_what_is_too_long_ends_in_a_mark_within_the_limit() -> None:
    kept = clean("x" * 1_000_000, 100)
    assert len(kept) == 100
    assert kept.endswith(CUT_MARK)


def test_direction_overrides_stay_for_the_page_to_show() -> None:
    assert clean("a\u202eb") == "a\u202eb"


def test_numbers_of_things_are_said_in_the_singular_and_the_plural() -> None:
    assert [counted(number, "resource") for number in (0, 1, 2)] == ["0 resources", "1 resource", "2 resources"]
