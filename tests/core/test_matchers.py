"""Lines of matchers, as Alertmanager writes them."""

from __future__ import annotations

import pytest

from apps.core.matchers import LabelMatcher, MatcherSyntaxError, are_met, matchers_read


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('slo="true"', [("slo", "=", "true")]),
        ("slo=true", [("slo", "=", "true")]),
        ("{slo=true}", [("slo", "=", "true")]),
        ('  a = "b" ,c!="d", ', [("a", "=", "b"), ("c", "!=", "d")]),
        ('a=~"b|c",d!~e.*', [("a", "=~", "b|c"), ("d", "!~", "e.*")]),
        ('a="with, a comma and {braces}"', [("a", "=", "with, a comma and {braces}")]),
        (r'a="a \"quote\", a \\ and a \n"', [("a", "=", 'a "quote", a \\ and a \n')]),
        ("a=", [("a", "=", "")]),
        ('grüße="ja"', [("grüße", "=", "ja")]),
    ],
)
def test_it_reads_what_alertmanager_writes(line: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(matcher.name, matcher.operator, matcher.value) for matcher in matchers_read(line)] == expected


@pytest.mark.parametrize("line", ["", "  ", "{}", "a", "=b", 'a="b', 'a="b" c="d"', "a=b c", "a==b", 'a="b"}', ",a=b"])
def test_it_refuses_a_line_that_it_cannot_read(line: str) -> None:
    with pytest.raises(MatcherSyntaxError):
        matchers_read(line)


@pytest.mark.parametrize("value", ["", "plain", 'a "quote"', "back\\slash", "two\nlines", "a,b={c}"])
def test_a_matcher_written_out_reads_as_itself(value: str) -> None:
    matcher = LabelMatcher("name", "!=", value)
    assert matchers_read(str(matcher)) == (matcher,)


@pytest.mark.parametrize(
    ("line", "is_met"),
    [
        ('slo="true"', True),
        ('slo!="true"', False),
        ('slo="true", team="build"', False),
        ('team=""', True),
        ('team!="build"', True),
        ('slo!=""', True),
    ],
)
def test_all_matchers_must_hold_and_a_missing_label_is_empty(line: str, is_met: bool) -> None:
    assert are_met(matchers_read(line), {"slo": "true"}) is is_met


def test_it_does_not_pretend_to_evaluate_regular_expressions() -> None:
    with pytest.raises(ValueError, match="not evaluated"):
        are_met(matchers_read("a=~b"), {"a": "b"})
