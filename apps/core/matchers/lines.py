"""A line of several matchers, split into single ones: at commas and spaces outside quotes, braces around it allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .matcher import LabelMatcher, MatcherSyntaxError
from .single import OPERATOR, SPACES, matcher_read

LONGEST_LINE = 2000
MOST_MATCHERS = 20
_LONGEST_SHOWN = 60

_RUN = rf'(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\\["\\]|[^{SPACES},"])+'
_NAME = rf"\"(?:[^\"\\]|\\.)*\"|[^{SPACES},=!~{{}}\"]+"
_PIECE = re.compile(rf"(?:{_NAME})?[{SPACES}]*(?:{OPERATOR})[{SPACES}]*(?:{_RUN})?|{_RUN}", re.DOTALL)
_SEPARATOR = re.compile(rf"[{SPACES}]*(,?)[{SPACES}]*")


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a line that cannot be read: where it begins (letters counted from 1), what it is, and why."""

    place: int
    text: str
    why: str

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _LONGEST_SHOWN else f"{self.text[:_LONGEST_SHOWN]}…"
        return f"letter {self.place}: {f'“{text}”: ' if text else ''}{self.why}"


@dataclass(frozen=True, slots=True)
class LineRead:
    """What could be read of a line, each matcher once, and what could not."""

    matchers: tuple[LabelMatcher, ...] = ()
    faults: tuple[Fault, ...] = ()


def line_read(line: str) -> LineRead:
    """The matchers of a line and its faults; a line too long or with too many matchers is one fault and no matcher."""
    if len(line) > LONGEST_LINE:
        return LineRead(faults=(Fault(1, "", f"the line is longer than {LONGEST_LINE:,} letters"),))
    matchers, faults = [], []
    for place, piece in _pieces(line):
        try:
            matchers.append(matcher_read(piece))
        except MatcherSyntaxError as error:
            faults.append(Fault(place + 1, piece, str(error) if piece else "nothing stands before the comma"))
    if len(matchers) > MOST_MATCHERS:
        return LineRead(faults=(Fault(1, "", f"the line holds more than {MOST_MATCHERS} matchers"),))
    return LineRead(tuple(dict.fromkeys(matchers)), tuple(faults))


def lines_read(lines: Iterable[str]) -> LineRead:
    """The matchers of several lines, each read on its own; all must be met, so they are as those of one line."""
    reads = [line_read(line) for line in lines]
    matchers = tuple(dict.fromkeys(matcher for read in reads for matcher in read.matchers))
    faults = tuple(fault for read in reads for fault in read.faults)
    if len(matchers) > MOST_MATCHERS:
        return LineRead(faults=(*faults, Fault(1, "", f"the lines hold more than {MOST_MATCHERS} matchers")))
    return LineRead(matchers, faults)


def matchers_read(line: str) -> tuple[LabelMatcher, ...]:
    """The matchers of a line like `alertname="Watchdog", team!=build`, all of which can be read.

    Raises MatcherSyntaxError, for an empty line too: no matcher at all would match every alert.
    """
    read = line_read(line)
    if read.faults:
        raise MatcherSyntaxError(str(read.faults[0]))
    if not read.matchers:
        raise MatcherSyntaxError("holds no matcher")
    return read.matchers


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    """(where it begins, text) of what stands between separators; an empty text where a comma has nothing before it."""
    position, end = _inside_braces(line)
    while position < end:
        piece = _PIECE.match(line, position, end)
        if piece:
            yield position, piece[0]
        elif line[position] == ",":
            yield position, ""
        position = _after_separator(line, piece.end() if piece else position, end)


def _after_separator(line: str, position: int, end: int) -> int:
    separator = _SEPARATOR.match(line, position, end)
    return separator.end() if separator else end


def _inside_braces(line: str) -> tuple[int, int]:
    """Where what stands in the line begins and ends, without spaces and a pair of braces around it."""
    start, end = _stripped(line, 0, len(line))
    if end - start >= 2 and line[start] == "{" and line[end - 1] == "}":
        start, end = _stripped(line, start + 1, end - 1)
    return start, end


def _stripped(line: str, start: int, end: int) -> tuple[int, int]:
    while start < end and line[start] in SPACES:
        start += 1
    while start < end and line[end - 1] in SPACES:
        end -= 1
    return start, end
