"""What a sync with prune would delete."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page
from apps.actions.known import known_of
from apps.actions.states import Action
from apps.core.text import counted


class PruneGuard(Guard):
    """Lists each resource that prune would delete; where that is not known, nothing is pruned."""

    name = "prune"
    title = "Prune"
    default = Answer.CONFIRM
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """The list is a part of the digest: what was not shown is not deleted."""
        if not case.options.prune:
            return self.passes("prune is off: nothing is deleted")
        doomed, link = known_of(case).doomed(case.options), application_page(case.application)
        if doomed is None:
            return self.says(Answer.REFUSE, "not known what prune would delete: try again once Argo CD answers", link)
        if not doomed:
            return self.passes("prune has nothing to delete at this revision")
        count = counted(len(doomed), "resource")
        return self.speaks(case, f"prune deletes {count}: {', '.join(map(str, doomed))}", link)
