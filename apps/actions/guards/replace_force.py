"""Replace and force."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.states import Action


class ReplaceForceGuard(Guard):
    """Speaks where resources are replaced, or deleted and made anew, rather than changed."""

    name = "replace-force"
    title = "Replace and force"
    default = Answer.CONFIRM
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """By the options alone."""
        options = case.options
        if options.force:
            return self.speaks(case, "force deletes resources and makes them anew where a change is not possible")
        if options.replace:
            return self.speaks(case, "replace overwrites resources as a whole, with what others have set in them")
        return self.passes("resources are changed, not replaced")
