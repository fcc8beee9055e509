"""A handover's text: the facts in it, and what was written by hand."""

from __future__ import annotations

from apps.handover.texts import BEGIN, END, with_facts, without_marks


def block(facts: str) -> str:
    return f"{BEGIN}\n{facts}\n{END}"


def test_a_new_text_is_the_facts_with_room_below() -> None:
    assert with_facts("", "facts\n") == f"{block('facts')}\n\n"


def test_facts_inserted_again_replace_those_in_the_text_and_nothing_else() -> None:
    old = block("old\n\nfacts")
    text = f"above\n\n{old}\n\nbelow"
    assert with_facts(text, "new\n") == f"above\n\n{block('new')}\n\nbelow"


def test_lines_of_a_browser_end_otherwise_and_marks_may_be_indented() -> None:
    text = f"above\r\n  {BEGIN}\r\nold\r\n{END}  \r\nbelow"
    assert with_facts(text, "new") == f"above\n{block('new')}\nbelow"


def test_where_a_mark_is_gone_they_stand_at_the_top_and_nothing_of_the_text_is_lost() -> None:
    expected = f"{block('new')}\n\nabove\nold\nbelow\n"
    for text in (f"above\n{BEGIN}\nold\nbelow", f"above\nold\n{END}\nbelow", f"above\n{END}\nold\n{BEGIN}\nbelow"):
        assert with_facts(text, "new") == expected


def test_only_the_first_facts_are_replaced() -> None:
    assert with_facts(f"{block('one')}\n{block('two')}", "new") == f"{block('new')}\n{block('two')}"


def test_others_read_it_without_the_marks() -> None:
    assert without_marks(f"above\n\n{block('facts')}\n\nbelow\n\n") == "above\n\nfacts\n\nbelow\n"


def test_a_word_about_the_facts_is_no_mark() -> None:
    assert without_marks("<!-- the facts are wrong -->, he said\n") == "<!-- the facts are wrong -->, he said\n"
