"""What changed since the page was shown."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.digests import OPERATION, UID, parts_changed
from apps.actions.evidence import application_page
from apps.actions.states import Action


class ChangedGuard(Guard):
    """Speaks where what the person saw is not so any more: it is shown again before anything is sent."""

    name = "changed"
    title = "Changes since you looked"
    default = Answer.WARN
    actions = frozenset({Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER, Action.TERMINATE})

    def look(self, case: Case) -> Finding:
        """Names the parts that differ."""
        if not case.digest_shown:
            return self.passes("nothing was shown before")
        changed = changes_of(case)
        if changed:
            words = f"changed since you looked: {', '.join(changed)}"
            return self.speaks(case, words, application_page(case.application))
        return self.passes("nothing has changed since you looked")


def changes_of(case: Case) -> list[str]:
    """What is not so any more of what the person saw, as far as the action is about it, in words."""
    if not case.digest_shown or case.action not in ChangedGuard.actions:
        return []
    changed = parts_changed(case.digest_shown, case.digest)
    return [part for part in changed if case.action != Action.TERMINATE or part in {UID, OPERATION}]
