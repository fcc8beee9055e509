"""What the last dry run said."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import ago
from apps.actions.known import known_of
from apps.actions.options import Options, options_of
from apps.actions.states import Action, State


class DryRunGuard(Guard):
    """Warns where the last dry run at this revision failed."""

    name = "dry-run"
    title = "Last dry run"
    default = Answer.WARN
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """A dry run of another revision, or of other options or resources, says nothing of this one."""
        last = case.dry_run
        if last is None or not last.ended_at or (last.revision_sent or last.revision_seen) != known_of(case).revision:
            return self.passes("no dry run at this revision")
        link, when = last.get_absolute_url(), ago(last.ended_at, case.now)
        if _tried(options_of(last.options)) != _tried(case.options):
            return self.passes(f"the last dry run at this revision, {when}, was of other options or resources", link)
        if last.state == State.FAILED:
            why = f": {last.outcome or last.answer}" if last.outcome or last.answer else ""
            return self.speaks(case, f"the dry run at this revision failed {when}{why}", link)
        return self.passes(f"the dry run at this revision, {when}: {State(last.state).label}", link)


def _tried(options: Options) -> tuple[object, ...]:
    """What of the options makes one try another one."""
    return (options.prune, options.force, options.replace, frozenset(options.resources))
