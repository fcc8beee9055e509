"""A handover's text: what was written by hand, around the facts between two lines that mark them. Pure."""

from __future__ import annotations

import re

BEGIN = '<!-- the facts: "Insert the facts again" replaces what stands between this line and the next such line -->'
END = "<!-- end of the facts -->"
BEGINS = re.compile(r"\s*<!-- the facts\b.*-->\s*\Z")
ENDS = re.compile(r"\s*<!-- end of the facts -->\s*\Z")


def with_facts(text: str, facts: str) -> str:
    """The text with these facts in the place of those in it. Where no two lines mark any, they stand at its top."""
    lines = text.replace("\r\n", "\n").split("\n")
    block = [BEGIN, *facts.strip("\n").split("\n"), END]
    found = marked(lines)
    if found:
        first, last = found
        return "\n".join([*lines[:first], *block, *lines[last + 1 :]])
    rest = "\n".join(line for line in lines if not is_mark(line)).strip("\n")
    return "\n".join([*block, "", *([rest] if rest else []), ""])


def without_marks(text: str) -> str:
    """The text as others read it."""
    return "\n".join(line for line in text.split("\n") if not is_mark(line)).strip("\n") + "\n"


def marked(lines: list[str]) -> tuple[int, int] | None:
    """The numbers of the two lines that mark the facts; None where there are not two."""
    first = next((number for number, line in enumerate(lines) if BEGINS.match(line)), None)
    if first is None:
        return None
    last = next((number for number in range(first + 1, len(lines)) if ENDS.match(lines[number])), None)
    return None if last is None else (first, last)


def is_mark(line: str) -> bool:
    """Whether a line is one of the two."""
    return bool(BEGINS.match(line) or ENDS.match(line))
