"""The order in which a change reaches everybody: environment by environment, ring by ring."""

from __future__ import annotations

from apps.actions.case import Answer, Case, Finding, Guard
from apps.actions.evidence import application_page, some_of
from apps.actions.known import known_of
from apps.actions.models import ActionRequest
from apps.actions.places import Places, places_of
from apps.actions.states import Action
from apps.actions.stepping import identity_of
from apps.actions.surroundings import siblings_of
from apps.core.tones import Tone
from apps.core.verdict.application import SYNCED
from apps.gitops.models import Application, shown_verdict
from apps.sources.fleetfile.current import fleet_file_in_force


class OrderGuard(Guard):
    """Warns where the same component is not well, or not at this revision yet, where the change comes first."""

    name = "order"
    title = "Environments and rings"
    default = Answer.WARN
    actions = frozenset({Action.SYNC, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """An Application of production alone is no reason to speak."""
        places = places_of(fleet_file_in_force(), case.overlay.clusters)
        before = _before(case, places)
        wrong = [(row, told) for row in before if (told := _objection(row, case))]
        if wrong := _without_its_own(wrong, case):
            words = some_of([f"{row.name}{place_words(row)}: {told}" for row, told in wrong])
            return self.speaks(
                case, f"where the change comes first it is not well yet: {words}", application_page(wrong[0][0])
            )
        if before:
            return self.passes(f"well in all {len(before)} places where the change comes first")
        return self.passes("no other place comes before this one")


def _without_its_own(wrong: list[tuple[Application, str]], case: Case) -> list[tuple[Application, str]]:
    """Without the members of the bulk that this is a step of: that waits for them itself, wave by wave."""
    if not wrong or case.request_id is None:
        return wrong
    members = ActionRequest.objects.filter(parent__steps=case.request_id)
    own = set(members.values_list("instance", "namespace", "name"))
    return [(row, told) for row, told in wrong if identity_of(row) not in own]


def place_words(row: Application) -> str:
    """ " (staging)"."""
    return f" ({row.environment})" if row.environment else ""


def _before(case: Case, places: Places) -> list[Application]:
    rows = siblings_of(case, places.environments_until(case.application.environment))
    return [row for row in rows if places.is_before(row, case.application)]


def _objection(row: Application, case: Case) -> str:
    """What is wrong with one that comes first, in words; "" for nothing."""
    verdict = shown_verdict(row, case.overlay)
    if verdict.tone != Tone.WELL:
        return verdict.reason or verdict.tone.value
    return "not at this revision yet" if _is_behind(row, case) else ""


def _is_behind(row: Application, case: Case) -> bool:
    """Revisions are compared where both follow the same branch; one that moved later than ours is ahead of it."""
    ours, revision = case.application, known_of(case).revision
    if (row.repo_url, row.target_revision) != (ours.repo_url, ours.target_revision) or not revision:
        return False
    if row.sync_status != SYNCED or row.sync_revision == revision:
        return False
    is_ahead = row.revision_since and ours.revision_since and row.revision_since > ours.revision_since
    return not (is_ahead and revision == ours.sync_revision)
