"""The time since the last try."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import ago
from apps.actions.states import Action, State
from apps.core.ages import duration_words


class CoolDownGuard(Guard):
    """Warns where the last sync by the portal ended only just now."""

    name = "cool-down"
    title = "Time since the last try"
    default = Answer.WARN
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """A dry run is no try."""
        last = case.last
        if last is None or last.ended_at is None:
            return self.passes("the portal has not synced it before")
        state, link = State(last.state).label, last.get_absolute_url()
        words = f"the last sync by the portal ended {ago(last.ended_at, case.now)}: {state}"
        if case.now - last.ended_at >= case.rules.cool_down:
            return self.passes(words, link)
        return self.speaks(case, f"{words}. Give it {duration_words(case.rules.cool_down)} to take effect", link)
