"""A log line stays one line, whatever an upstream put into it (faults.md, case 29)."""

import logging
import sys

from apps.core.logs import LineFormatter


def line_of(message: str, *, with_traceback: bool = False) -> str:
    error = sys.exc_info() if with_traceback else None
    return LineFormatter().format(logging.LogRecord("portal", logging.INFO, "", 0, message, (), error))


def test_line_breaks_in_a_message_are_escaped() -> None:
    line = line_of("cluster a\r\n2026-01-01T00:00:00Z INFO portal: forged")
    assert "\n" not in line
    assert "\r" not in line
    assert "forged" in line


def test_terminal_and_direction_controls_are_escaped() -> None:
    line = line_of("\x1b[2J\u202eevil\u2028next")
    assert line.isprintable()


def test_a_traceback_keeps_its_lines_under_the_message() -> None:
    try:
        int("two\nlines")
    except ValueError:
        told = line_of("it failed", with_traceback=True)
    first, *rest = told.split("\n")
    assert first.endswith("it failed")
    assert all(line.startswith("    ") for line in rest)
