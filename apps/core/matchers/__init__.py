"""Matchers in Alertmanager's language: `slo="true"`, `cluster=~"stone-.*"`, several on a line (ADR 011)."""

from .lines import Fault, LineRead, line_read, lines_read, matchers_read
from .matcher import LabelMatcher, MatcherSyntaxError, are_met
from .single import matcher_read

__all__ = [
    "Fault",
    "LabelMatcher",
    "LineRead",
    "MatcherSyntaxError",
    "are_met",
    "line_read",
    "lines_read",
    "matcher_read",
    "matchers_read",
]
