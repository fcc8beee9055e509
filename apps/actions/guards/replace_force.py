"""Replace and force."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page
from apps.actions.states import Action
from apps.core.text import clean

REPLACING = frozenset({"replace=true", "force=true"})


class ReplaceForceGuard(Guard):
    """Speaks where resources are replaced, or deleted and made anew, rather than changed."""

    name = "replace-force"
    title = "Replace and force"
    default = Answer.CONFIRM
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """By the options; and, as a warning, by the Application's own, which hold whatever was chosen."""
        options = case.options
        if options.force:
            return self.speaks(case, "force deletes resources and makes them anew where a change is not possible")
        if options.replace:
            return self.speaks(case, "replace overwrites resources as a whole, with what others have set in them")
        if own := _own(case):
            words = f"the Application's own sync options ({', '.join(own)}) replace resources as a whole"
            return self.says(Answer.WARN, words, application_page(case.application))
        return self.passes("resources are changed, not replaced")


def _own(case: Case) -> list[str]:
    """Those of the Application's own options that replace or force, by Argo CD's answer: the row has them not."""
    if case.live is None or case.live.detail is None:
        return []
    told = case.live.detail.application.sync_options
    return [clean(each, 50) for each in told if each.replace(" ", "").lower() in REPLACING]
