"""Log lines: one event, one line, whatever an upstream or a person put into it."""

from __future__ import annotations

import logging
import re
import time

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escaped(match: re.Match[str]) -> str:
    """A control character as its Python escape, so that it can be seen and does nothing."""
    return match.group().encode("unicode_escape").decode()


class LineFormatter(logging.Formatter):
    """`2026-11-24T22:41:57Z INFO name: message`; control characters escaped, tracebacks indented under their line."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        """The record as text; only a traceback's own line breaks survive."""
        head, *rest = super().format(record).split("\n")
        if rest and not (record.exc_info or record.stack_info):
            head, rest = "\\n".join([head, *rest]), []
        return "\n    ".join(CONTROL_CHARACTERS.sub(escaped, line) for line in [head, *rest])
