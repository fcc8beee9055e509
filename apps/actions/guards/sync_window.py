"""Argo CD's sync windows."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page, moment_and_wait
from apps.actions.surroundings import project_of
from apps.gitops.windows import WindowState, window_state


class SyncWindowGuard(Guard):
    """Refuses where a window lets nobody sync by hand, by Argo CD's word, else as computed from the project."""

    name = "sync-window"
    title = "Sync window"
    default = Answer.REFUSE
    is_fixed = True

    def look(self, case: Case) -> Finding:
        """When it opens next is computed: Argo CD does not tell it."""
        row, link = case.application, application_page(case.application)
        computed = window_state(row, project_of(case), case.now)
        allowed = case.live.windows.can_sync if case.live and case.live.windows else computed.allows_manual
        if allowed is None:
            return self.says(Answer.WARN, f"not known whether a sync window is in the way: {computed.reason}", link)
        if not allowed:
            return self.speaks(
                case, f"blocked by sync window{_why(computed)}{_until(case, computed, 'it opens')}", link
            )
        if computed.is_open is False:
            words = f"a sync by hand is allowed; auto-sync is not now{_why(computed)}"
            return self.passes(words + _until(case, computed, "again"), link)
        return self.passes("no sync window is in the way")


def _why(computed: WindowState) -> str:
    return f": {computed.reason}" if computed.reason and not computed.is_open else ""


def _until(case: Case, computed: WindowState, word: str) -> str:
    if computed.is_open or computed.changes_at is None:
        return ""
    return f"; {word} {moment_and_wait(computed.changes_at, case.now)}"
