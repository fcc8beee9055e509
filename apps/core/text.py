"""Upstreams' text, made fit to keep: valid, without NUL, capped with a visible cut mark; and numbers of things."""

from __future__ import annotations

import re
from typing import Any

CUT_MARK = "… [cut]"
ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc\U000e0000-\U000e0fff]"
)


def clean(text: object, limit: int = 2000) -> str:
    """`text` as a str that every database takes: NUL and lone surrogates replaced, at most `limit` characters.

    What is longer ends in a mark that says so. Other odd characters (bidi overrides, zero width) stay: templates
    isolate and show them.
    """
    value = text if isinstance(text, str) else "" if text is None else str(text)
    if len(value) > limit:
        value = value[: limit - len(CUT_MARK)] + CUT_MARK
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def clean_all(value: Any, limit: int = 2000) -> Any:
    """Builtins (dicts, lists, texts, numbers) as JSON columns take them: each text cleaned, tuples as lists."""
    if isinstance(value, dict):
        return {clean(key, limit): clean_all(part, limit) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_all(part, limit) for part in value]
    return clean(value, limit) if isinstance(value, str) else value


def counted(number: int, noun: str) -> str:
    """ "1 resource", "3 resources": of nouns whose plural ends in s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def odd_marked(markup: str) -> str:
    """Escaped text with its odd characters (controls, bidi overrides, zero width) written out instead of obeyed."""
    return ODD.sub(lambda odd: f'<span class="odd">U+{ord(odd.group()):04X}</span>', markup)
