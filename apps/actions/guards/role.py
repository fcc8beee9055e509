"""The person's role and scope."""

from __future__ import annotations

from apps.accounts.access import Verb, refusal_of, role_called
from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.states import Action


class RoleGuard(Guard):
    """Refuses what the person's role or scope does not allow, or what the policy keeps for a higher role."""

    name = "role"
    title = "Your role and scope"
    default = Answer.REFUSE
    is_fixed = True
    actions = frozenset(Action)

    def look(self, case: Case) -> Finding:
        """Asked anew at the moment of sending."""
        refusal = refusal_of(case.who.user, Verb.ACT, case.application)
        if refusal:
            return self.speaks(case, refusal)
        least, role = case.rules.least_role, case.who.role
        if role is None or role.rank < least.rank:
            words = f"the policy {case.rules.policy} keeps this for {role_called(least)}"
            return self.speaks(case, f"{words}: you are {role_called(role)}" if role else words)
        return self.passes(f"as {role_called(role)} you may do this here")
