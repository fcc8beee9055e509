"""The person's role and scope."""

from __future__ import annotations

from apps.accounts.access import Verb, refusal_of, role_at, role_called
from apps.actions.case import Answer, Case, Finding, Guard, Rules, Who
from apps.actions.states import Action
from apps.gitops.models import Application


class RoleGuard(Guard):
    """Refuses what the person's role or scope does not allow, or what the policy keeps for a higher role."""

    name = "role"
    title = "Your role and scope"
    default = Answer.REFUSE
    is_fixed = True
    actions = frozenset(Action)

    def look(self, case: Case) -> Finding:
        """Asked anew at the moment of sending."""
        if refusal := role_refusal(case.who, case.application, case.rules):
            return self.speaks(case, refusal)
        role = role_at(case.who.user, case.application)
        called = role_called(role) if role else "somebody"
        return self.passes(f"as {called} you may do this here")


def role_refusal(who: Who, application: Application, rules: Rules) -> str:
    """Why the person's role or scope, or the policy, keeps this from them; "" where they may."""
    if refusal := refusal_of(who.user, Verb.ACT, application):
        return refusal
    least, role = rules.least_role, role_at(who.user, application)
    if role is not None and role.rank >= least.rank:
        return ""
    words = f"the policy {rules.policy} keeps this for {role_called(least)}"
    return f"{words}: you are {role_called(role)}" if role else words
