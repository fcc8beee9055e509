"""Whether an alert is supported: it is when it links a runbook that can be opened."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.links import safe_link


@dataclass(frozen=True, slots=True)
class Support:
    """The runbook's address, "" where there is none to open, and the verdict in words."""

    runbook: str
    words: str


def support_of(runbook_url: str) -> Support:
    """The verdict on an alert that links this runbook."""
    runbook = safe_link(runbook_url)
    return Support(runbook, "supported" if runbook else "not supported: no runbook")
