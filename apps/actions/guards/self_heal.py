"""Auto-sync and self-heal, which go on beside what a person does."""

from __future__ import annotations

from datetime import timedelta

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page
from apps.actions.known import known_of
from apps.actions.states import Action
from apps.core.ages import age_words
from apps.core.verdict.application import OUT_OF_SYNC

TIME_TO_HEAL = timedelta(minutes=1)


class SelfHealGuard(Guard):
    """Says that Argo CD does it by itself; warns where a resync is likely to be no help."""

    name = "self-heal"
    title = "Auto-sync and self-heal"
    default = Answer.WARN
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """Speaks of chosen resources, and of an Application that self-heal has not brought in order."""
        known, link = known_of(case), application_page(case.application)
        if not known.auto_sync:
            return self.passes("auto-sync is off: only people sync it")
        if not known.self_heal:
            return self.passes("auto-sync is on without self-heal: Argo CD syncs it at the next change in Git")
        if case.options.resources:
            words = "auto-sync with self-heal is on: Argo CD syncs the resources that you leave out as well"
            return self.speaks(case, words, link)
        since = case.application.sync_since
        if known.sync_status == OUT_OF_SYNC and since and case.now - since > TIME_TO_HEAL:
            words = f"OutOfSync for {age_words(since, case.now)} although self-heal is on: a resync may change nothing"
            return self.speaks(case, f"{words}; see why first", link)
        return self.passes("auto-sync with self-heal is on: Argo CD repeats this by itself")
