"""One matcher: a label's name, an operator and a value, and whether labels meet it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .patterns import pattern_read

TURNED = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class MatcherSyntaxError(ValueError):
    """A matcher, or a line of them, cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """One matcher: a label's name, one of the four operators, and the value, a regular expression for =~ and !~."""

    name: str
    operator: str
    value: str

    @property
    def is_regex(self) -> bool:
        """Whether its value is a regular expression (RE2 syntax)."""
        return self.operator in {"=~", "!~"}

    @property
    def is_negative(self) -> bool:
        """Whether it leaves out what its value fits."""
        return self.operator in {"!=", "!~"}

    @property
    def turned(self) -> LabelMatcher:
        """The matcher that just those labels meet that do not meet this one."""
        return replace(self, operator=TURNED[self.operator])

    def fits(self, value: str) -> bool:
        """Whether a label with this value meets it; a label that is not there has the value "" """
        found = pattern_read(self.value).search(value.encode()) is not None if self.is_regex else value == self.value
        return found is not self.is_negative

    def is_met_by(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it, a label that is not there counting as empty."""
        return self.fits(labels.get(self.name, ""))

    def __str__(self) -> str:
        name = self.name if PLAIN_NAME.fullmatch(self.name) else quoted(self.name)
        return f"{name}{self.operator}{quoted(self.value)}"


def quoted(text: str) -> str:
    """The text in quotes, written so that every Alertmanager reads it back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def are_met(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every matcher."""
    return all(matcher.is_met_by(labels) for matcher in matchers)
