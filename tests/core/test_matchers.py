"""Lines of matchers: what is read, what is refused, how it is said. Real servers: tests/alerts."""

from __future__ import annotations

import time

import pytest

from apps.core.matchers import LabelMatcher, MatcherSyntaxError, are_met, line_read, matcher_read, matchers_read
from apps.core.matchers.lines import LONGEST_LINE, MOST_MATCHERS
from apps.core.matchers.patterns import LONGEST_PATTERN


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('slo="true"', [("slo", "=", "true")]),
        ("slo=true", [("slo", "=", "true")]),
        ("{slo=true}", [("slo", "=", "true")]),
        ('  a = "b" ,c!="d", ', [("a", "=", "b"), ("c", "!=", "d")]),
        ('a=~"b|c",d!~e.*', [("a", "=~", "b|c"), ("d", "!~", "e.*")]),
        ('a="b" c="d"', [("a", "=", "b"), ("c", "=", "d")]),
        ("a=b\u00a0c=d", [("a", "=", "b"), ("c", "=", "d")]),
        ('a="with, a comma and {braces}"', [("a", "=", "with, a comma and {braces}")]),
        (r'a="a \"quote\", a \\ and a \n"', [("a", "=", 'a "quote", a \\ and a \n')]),
        ("a=", [("a", "=", "")]),
        ("a==b", [("a", "=", "=b")]),
        ("a=b,a=b", [("a", "=", "b")]),
        ('grüße="ja"', [("grüße", "=", "ja")]),
        ('"k8s.pod name"!="a", b=c', [("k8s.pod name", "!=", "a"), ("b", "=", "c")]),
    ],
)
def test_it_reads_what_alertmanager_writes(line: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(matcher.name, matcher.operator, matcher.value) for matcher in matchers_read(line)] == expected


@pytest.mark.parametrize(
    "line", ["", "  ", "{}", "a", "=b", 'a="b', "a=b c", 'a="b"}', '{a="b"', ",a=b", "a=b,,c=d", "a=~(", 'a="b"c=d']
)
def test_it_refuses_a_line_that_it_cannot_read(line: str) -> None:
    with pytest.raises(MatcherSyntaxError):
        matchers_read(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("severity=critical stone", "letter 19: “stone”: there is no operator"),
        ("severity=critical, =x", "letter 20: “=x”: there is no label's name"),
        ('  team="build', 'letter 3: “team="build”: a quote stands alone'),
        ("a=b,,c=d", "letter 5: nothing stands before the comma"),
        ('a=~"(?=b)"', "not a regular expression of RE2: invalid perl operator: (?="),
        ("{a=b", "letter 1: “{a=b”: a brace"),
        ('"a.b"="\\x00"', "it names the character NUL"),
        ('"a.b"=~"\\000"', "it names the character NUL"),
        ('"a\\u0000"=b', "it names the character NUL"),
        ("a.b!=~", "letter 1: “a.b!=~”: the label's name has letters that need quotes"),
        ("a=~" + "x" * (LONGEST_PATTERN + 1), "longer than 1,000 letters"),
        ('a=~"(\\\\pL{100}){9}"', "too large"),
    ],
)
def test_it_says_where_and_why(line: str, said: str) -> None:
    [fault] = line_read(line).faults
    assert said in str(fault)
    assert len(str(fault)) < 250


def test_what_can_be_read_of_a_line_is_read() -> None:
    read = line_read('severity=critical, stone, team="build"')
    assert list(map(str, read.matchers)) == ['severity="critical"', 'team="build"']
    assert [fault.text for fault in read.faults] == ["stone"]


@pytest.mark.parametrize(
    "line", ["a=" + "x" * LONGEST_LINE, " ".join(f"a{number}=b" for number in range(MOST_MATCHERS + 1))]
)
def test_a_line_that_asks_for_too_much_is_refused_as_a_whole(line: str) -> None:
    read = line_read(line)
    assert read.matchers == ()
    assert len(read.faults) == 1


@pytest.mark.parametrize(
    "value", ["", "plain", 'a "quote"', "back\\slash", "two\nlines", "a,b={c}", "\\", "\r", "\\n", "ü"]
)
@pytest.mark.parametrize("name", ["name", "a:b", "k8s.pod", "123", "größe", 'a"b', "a\\b", "a b", "{}", "two\nlines"])
def test_a_matcher_written_out_reads_as_itself(name: str, value: str) -> None:
    matcher = LabelMatcher(name, "!=", value)
    assert matcher_read(str(matcher)) == matcher
    assert matchers_read(f"{matcher} x=y")[0] == matcher


@pytest.mark.parametrize(
    ("line", "is_met"),
    [
        ('slo="true"', True),
        ('slo!="true"', False),
        ('slo="true", team="build"', False),
        ('team=""', True),
        ('team!="build"', True),
        ('slo!=""', True),
        ('slo=~"t.*", team!~"b.*"', True),
        ("slo=~t", False),
        ("team=~.+", False),
    ],
)
def test_all_matchers_must_hold_and_a_missing_label_is_empty(line: str, is_met: bool) -> None:
    assert are_met(matchers_read(line), {"slo": "true"}) is is_met


@pytest.mark.parametrize("operator", ["=", "!=", "=~", "!~"])
def test_turned_round_it_is_met_by_just_the_others(operator: str) -> None:
    matcher = LabelMatcher("a", operator, "b")
    for labels in ({"a": "b"}, {"a": "c"}, {}):
        assert matcher.is_met_by(labels) is not matcher.turned.is_met_by(labels)
    assert matcher.turned.turned == matcher


def test_a_pattern_that_python_takes_ages_for_takes_no_time() -> None:
    began = time.monotonic()
    [matcher] = matchers_read('a=~"(x+x+)+y"')
    assert not matcher.is_met_by({"a": "x" * 4000})
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    ("pattern", "fits"), [("Gr.{2}e", True), ("gr..e", False), ("Grüß.", True), ("Gr.{4}e", False)]
)
def test_a_pattern_counts_letters_and_not_bytes(pattern: str, fits: bool) -> None:
    assert LabelMatcher("a", "=~", pattern).fits("Grüße") is fits
