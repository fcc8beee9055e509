"""An Application that is being deleted."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import ago, application_page
from apps.actions.known import known_of


class DeletingGuard(Guard):
    """Refuses: Argo CD syncs nothing that is being deleted."""

    name = "deleting"
    title = "Deletion"
    default = Answer.REFUSE
    is_fixed = True

    def look(self, case: Case) -> Finding:
        """Since when it was first seen so, where that is known."""
        if not known_of(case).is_deleting:
            return self.passes("it is not being deleted")
        since = case.application.deleting_since
        words = f"the Application is being deleted{f', seen so first {ago(since, case.now)}' if since else ''}"
        return self.speaks(case, words, application_page(case.application))
