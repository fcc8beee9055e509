"""Another request of the portal for the same Application."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import ago
from apps.actions.states import Action, State


class ActiveRequestGuard(Guard):
    """Refuses a second request that starts an operation while the first has not ended (decision 17)."""

    name = "active-request"
    title = "Other requests"
    default = Answer.REFUSE
    is_fixed = True

    def look(self, case: Case) -> Finding:
        """Names the one that is active, with the way to it."""
        other = case.holding
        if other is None:
            return self.passes("nobody else has asked for a sync of it")
        what, state = Action(other.action).label.lower(), State(other.state).label
        person = "you" if other.username == case.who.username else other.username
        words = f"already asked for: {what} by {person}, {ago(other.created_at, case.now)} ({state})"
        return self.speaks(case, words, other.get_absolute_url())
