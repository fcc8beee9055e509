"""Regular expressions of people and upstreams: read by RE2, which takes time linear in the text, and never by `re`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

LONGEST_PATTERN = 1000
MOST_MEMORY = 1 << 20
TOO_LARGE = "pattern too large"
# What stands between \Q and \E hides what looks like an escape there.
_ESCAPES = re.compile(r"\\Q.*?(?:\\E|\Z)|\\(.)", re.DOTALL)


class PatternError(ValueError):
    """Not a regular expression that Alertmanager would take; the text says why."""


@lru_cache(maxsize=200)
def pattern_read(value: str) -> Any:
    """A compiled pattern whose `search` finds just the texts that the value fits as a whole, as in Alertmanager.

    Raises PatternError. The value is put between ^(?: and )$ unread, as Alertmanager does it, so that `a)|(b` is one.
    """
    if len(value) > LONGEST_PATTERN:
        raise PatternError(f"a regular expression is longer than {LONGEST_PATTERN:,} letters")
    if "C" in _ESCAPES.findall(value):
        raise PatternError(r"the regular expression holds \C, which Alertmanager does not know")
    try:
        return re2.compile(f"^(?:{value})$", _options())
    except re2.error as error:
        raise PatternError(_words(value, error)) from None


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    return options


def _words(value: str, error: Exception) -> str:
    told = _told(error)
    if told.startswith(TOO_LARGE):
        return "the regular expression is too large"
    try:
        re2.compile(value, _options())
    except re2.error as plainer:
        told = _told(plainer)
    return f"not a regular expression of RE2: {told}"


def _told(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
