"""How much a bulk touches."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.states import Action
from apps.core.text import counted

MANY_APPLICATIONS, MANY_CLUSTERS = 20, 3


class BlastRadiusGuard(Guard):
    """Speaks of a big bulk, and refuses one that is bigger than the policy allows."""

    name = "blast-radius"
    title = "How much it touches"
    default = Answer.CONFIRM
    actions = frozenset({Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER, Action.BULK_SYNC})

    def look(self, case: Case) -> Finding:
        """A member at its turn is one Application: its bulk was looked at as a whole before."""
        bulk, most = case.bulk, case.rules.most_in_bulk
        if bulk is None:
            return self.passes("one Application")
        size = counted(bulk.applications, "Application")
        if bulk.applications > most:
            return self.says(Answer.REFUSE, f"{size} at once: the policy {case.rules.policy} allows {most}")
        clusters, waves = counted(bulk.clusters, "cluster"), counted(bulk.wave_count, "wave")
        words = f"{size} on {clusters}, in {waves}; it stops at the first failure"
        is_big = bulk.applications >= MANY_APPLICATIONS or bulk.clusters >= MANY_CLUSTERS
        return self.speaks(case, words) if is_big else self.passes(words)
