"""What Argo CD could not be asked."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page
from apps.actions.states import Action


class NotCheckedGuard(Guard):
    """Speaks where the live look came back with less than it asked for, and refuses what Argo CD has not any more."""

    name = "not-checked"
    title = "What could not be checked"
    default = Answer.WARN
    actions = frozenset(action for action in Action if action.is_sent) | {Action.TAKE_OVER}

    def look(self, case: Case) -> Finding:
        """Without a live look (the preview of a bulk) Argo CD is asked later, at each one's turn."""
        live, row = case.live, case.application
        if live is None:
            return self.passes("Argo CD is asked at its turn")
        if live.is_missing:
            words = f"Argo CD has no Application {row.name} in project {row.project}: it was deleted or moved"
            return self.says(Answer.REFUSE, words, application_page(row))
        if live.problems:
            return self.speaks(case, "; ".join(live.problems))
        return self.passes("Argo CD answered all that it was asked")
