"""Matchers in Alertmanager's syntax: `slo="true"`, `team!=build`, several joined by commas and all of them to hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OPERATORS = ("=~", "!~", "!=", "=")
_NAME_AND_OPERATOR = re.compile(r"\s*([^\s=!~{},\"'`\\]{1,200})\s*(=~|!~|!=|=)\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^\s,{}\"'`\\=!~]*")
_SEPARATOR = re.compile(r"\s*(,\s*|$)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class MatcherSyntaxError(ValueError):
    """A line of matchers cannot be read; the text says where and why."""


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """One matcher: a label's name, one of OPERATORS, and the value, which is a regular expression for =~ and !~."""

    name: str
    operator: str
    value: str

    @property
    def is_regex(self) -> bool:
        """Whether its value is a regular expression (RE2 syntax)."""
        return self.operator in {"=~", "!~"}

    def is_met_by(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it, a label that is not there counting as empty; ValueError for =~ and !~."""
        if self.is_regex:
            raise ValueError(f"{self}: regular expressions are not evaluated here")
        return (labels.get(self.name, "") == self.value) is (self.operator == "=")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{escaped}"'


def matchers_read(line: str) -> tuple[LabelMatcher, ...]:
    """The matchers of a line like `alertname="Watchdog", team!=build` (braces around it allowed).

    Raises MatcherSyntaxError, for an empty line too: no matcher at all would match every alert.
    """
    text = line.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    matchers, position = [], 0
    while position < len(text):
        matcher, position = _matcher_at(text, position)
        matchers.append(matcher)
    if not matchers:
        raise MatcherSyntaxError("holds no matcher")
    return tuple(matchers)


def are_met(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every matcher; equality matchers only, as in `LabelMatcher.is_met_by`."""
    return all(matcher.is_met_by(labels) for matcher in matchers)


def _matcher_at(text: str, position: int) -> tuple[LabelMatcher, int]:
    """The matcher that begins at `position`, and where the next one begins."""
    head = _NAME_AND_OPERATOR.match(text, position)
    if head is None:
        raise MatcherSyntaxError(f'expected name, operator and value, like team="build", at {text[position:][:40]!r}')
    value, position = _value_at(text, head.end())
    end = _SEPARATOR.match(text, position)
    if end is None:
        raise MatcherSyntaxError(f"expected a comma or the end at {text[position:][:40]!r}")
    return LabelMatcher(head[1], head[2], value), end.end()


def _value_at(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        bare = _BARE.match(text, position)
        return (bare[0], bare.end()) if bare else ("", position)
    quoted = _QUOTED.match(text, position)
    if quoted is None:
        raise MatcherSyntaxError(f"the quote is not closed: {text[position:][:40]!r}")
    return re.sub(r"\\(.)", _unescaped, quoted[1], flags=re.DOTALL), quoted.end()


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
