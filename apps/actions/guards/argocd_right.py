"""The portal's own right at Argo CD."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.looking import right_to
from apps.actions.states import Action


class ArgoCDRightGuard(Guard):
    """Refuses where Argo CD says that the portal's account may not, or the person in whose name it is asked."""

    name = "argocd-right"
    title = "The portal's right at Argo CD"
    default = Answer.REFUSE
    is_fixed = True
    actions = frozenset(action for action in Action if action.is_sent) | {Action.TAKE_OVER}

    def look(self, case: Case) -> Finding:
        """What could not be asked is told by the guard for that."""
        verb, project = right_to(case.action), case.application.project
        if case.live is not None and case.live.nameless:
            return self.speaks(case, case.live.nameless)
        if case.live is None or case.live.may_act is None:
            return self.passes("Argo CD was not asked whether the portal may")
        is_person = case.live.is_as_person
        whose = f"{case.who.username}, in whose own name it is asked" if is_person else "the portal's account"
        if not case.live.may_act:
            words = f"Argo CD does not allow it to {whose} (applications, {verb}, in project {project})"
            return self.speaks(case, words)
        return self.passes(f"Argo CD allows it to {whose}")
