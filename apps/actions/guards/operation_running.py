"""An operation that Argo CD is at already."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import action_page, ago, starter_of
from apps.actions.known import known_of
from apps.actions.states import Action
from apps.core.text import counted
from apps.integrations.argocd import Operation


class OperationRunningGuard(Guard):
    """Argo CD has one operation at a time: refuses another one, and to terminate where there is none."""

    name = "operation-running"
    title = "Operation under way"
    default = Answer.REFUSE
    is_fixed = True
    actions = frozenset({Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER, Action.TERMINATE})

    def look(self, case: Case) -> Finding:
        """Take over is offered, unless it is being terminated already."""
        running = known_of(case).running
        if case.action == Action.TERMINATE:
            return self._of_terminate(case, running)
        if running is None:
            return self.passes("no operation is under way")
        words = described(running, case)
        if case.action == Action.TAKE_OVER:
            return self.passes(f"{words}: it is terminated first")
        if running.phase == "Terminating":
            return self.speaks(case, f"{words}: wait for its end")
        words = f"{words}: wait for its end, or take it over (terminate it, then sync)"
        return self.speaks(case, words, action_page(Action.TAKE_OVER, case.application))

    def _of_terminate(self, case: Case, running: Operation | None) -> Finding:
        if running is None:
            return self.speaks(case, "no operation is under way: there is nothing to terminate")
        return self.passes(f"it ends this one: {described(running, case)}")


def described(running: Operation, case: Case) -> str:
    """Which operation, of whom, since when, and how often it was tried again."""
    kind = "a dry run" if running.dry_run else "an operation"
    verb = "being terminated" if running.phase == "Terminating" else "under way"
    since = f", begun {ago(running.started_at, case.now)}" if running.started_at else ""
    tries = running.retry_count
    retries = f", tried again {counted(tries, 'time')}" if tries else ""
    return f"{kind} of {starter_of(running)} is {verb}{since}{retries}"
