"""Freezes of the portal."""

from __future__ import annotations

from django.urls import reverse

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import moment_and_wait
from apps.actions.freezes import freezes_covering
from apps.sources.fleetfile.current import fleet_file_in_force


class FreezeGuard(Guard):
    """Refuses what a freeze covers; refreshing and terminating change nothing that it holds."""

    name = "freeze"
    title = "Freeze"
    default = Answer.REFUSE
    is_fixed = True

    def look(self, case: Case) -> Finding:
        """The freeze that ends last is named."""
        covering = freezes_covering(case.freezes, case.application, fleet_file_in_force()) if case.freezes else []
        if not covering:
            return self.passes("no freeze covers it")
        longest = max(covering, key=lambda freeze: freeze.ends_at)
        words = (
            f"frozen: {longest.words}, by {longest.by} until {moment_and_wait(longest.ends_at, case.now)}:"
            f" {longest.reason} (Argo CD's own auto-sync goes on)"
        )
        return self.speaks(case, words, reverse("actions:freeze-list"))
