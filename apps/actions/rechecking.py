"""A request once more, just before it is sent: what speaks against it by now, and whether it was sent already."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from apps.accounts.access import Verb, refusal_of, role_of
from apps.accounts.backends import LocalAccountBackend
from apps.accounts.renewing import AT_ACTIONS, SessionLost, session_confirmed
from apps.accounts.seats import is_session_alive
from apps.core.clock import database_now
from apps.gitops.models import Application, SeenOperation
from apps.sources.fleetfile.current import fleet_file_in_force

from .case import Answer, Finding, Rules, Who
from .digests import OPERATION, parts_changed
from .freezes import freezes_on
from .guards.changed import ChangedGuard
from .guards.cool_down import CoolDownGuard
from .guards.freeze import FreezeGuard
from .guards.not_checked import NotCheckedGuard
from .guards.order import OrderGuard
from .guards.replace_force import ReplaceForceGuard
from .guards.role import RoleGuard
from .guards.self_heal import SelfHealGuard
from .judging import moment_text
from .known import known_of
from .models import ActionRequest
from .options import options_of
from .policies import rules_for
from .preflight import Ask, Preflight, preflight
from .states import REFRESHES, Action, State
from .stepping import MOVES_ON
from .waiting import late_words

SENT_BEFORE = "It was sent before: Argo CD has its operation. What came of it is being found out; nothing is sent again"
AT_LAST = (RoleGuard(), FreezeGuard())
WARNS_ANYWAY = frozenset({NotCheckedGuard.name})
"""What the policy lets pass with a warning where Argo CD does not answer, it lets pass now."""
STEPS_WARN_ANYWAY = frozenset({CoolDownGuard.name, OrderGuard.name, SelfHealGuard.name, ReplaceForceGuard.name})
"""What the time until its turn brings with it, and what only Argo CD itself could tell, which is asked at its turn."""


class NotToBeSent(Exception):
    """Why a request is not sent, in words for the person; with the guards' answers where they were asked.

    `state` is where that leaves it.
    """

    def __init__(self, words: str, found: Preflight | None = None, state: State = State.REFUSED) -> None:
        super().__init__(words)
        self.words = words
        self.found = found
        self.state = state


def checked_again(request: ActionRequest) -> Preflight:
    """The preflight of this moment. Raises NotToBeSent where something speaks against it that did not before.

    Waits for the answers of Argo CD, and of the identity provider, for some seconds.
    """
    _not_seen_before(request)
    is_confirmed = is_session_confirmed(request)
    ask = _ask_now(request)
    ask = replace(ask, who=replace(ask.who, is_confirmed=is_confirmed))
    found = preflight(ask, looks=True, rules=_rules_of_its_whole(request, ask))
    if _is_its_own(request.pk, found):
        raise NotToBeSent(SENT_BEFORE, found, State.UNKNOWN)
    if late := late_words(request):
        raise NotToBeSent(late, found, State.NOT_STARTED)
    _not_refused(request, found)
    return found


def checked_at_last(request: ActionRequest, found: Preflight) -> None:
    """Raises NotToBeSent where a freeze, the person's role or scope, or the end of their session holds it by now.

    Belongs to the transaction that permits sending, once it holds the audit log's head. Six queries.
    """
    who, now = who_now(request), database_now()
    case = replace(found.case, who=who, now=now, freezes=freezes_on(now))
    told = {guard.name: guard.look(case) for guard in AT_LAST if case.action in guard.actions}
    refusals = [each.words for each in told.values() if each.answer is Answer.REFUSE]
    if refusals:
        findings = tuple(told.get(each.guard, each) for each in found.findings)
        raise NotToBeSent("; ".join(refusals), replace(found, findings=findings))


# --- whether it was sent already -------------------------------------------------------------------------------------


def _not_seen_before(request: ActionRequest) -> None:
    """Its row may be of a backup that is older than its call."""
    if SeenOperation.objects.filter(request_id=str(request.pk)).exists():
        raise NotToBeSent(SENT_BEFORE, state=State.UNKNOWN)


def _is_its_own(pk: UUID, found: Preflight) -> bool:
    live = found.case.live
    operation = live.detail.application.operation if live and live.detail else None
    return operation is not None and operation.request_id == str(pk)


# --- who asks, for what, under which rules ---------------------------------------------------------------------------


def _ask_now(request: ActionRequest) -> Ask:
    """The same request, of the person as they are now, for the Application as it is known now."""
    application = Application.objects.filter(
        instance=request.instance, namespace=request.namespace, name=request.name
    ).first()
    if application is None:
        raise NotToBeSent("The application is not there any more")
    return Ask(
        request_id=request.pk,
        action=Action(request.action),
        application=application,
        options=options_of(request.options),
        who=who_now(request),
        digest=request.digest,
        reason=request.reason,
        ticket=request.ticket,
        typed_name=request.name,
        is_confirmed=True,
    )


def is_session_confirmed(request: ActionRequest) -> bool:
    """Whether the identity provider stands by the session that asked; False where it cannot be asked now."""
    try:
        return session_confirmed(request.session, at_most=AT_ACTIONS)
    except SessionLost:
        raise NotToBeSent(_left_words(request)) from None


def _left_words(request: ActionRequest) -> str:
    return f"{request.username} has signed out meanwhile: nothing more is sent in their name"


def who_now(request: ActionRequest) -> Who:
    """The person with the role and the scope that they have now; what no session asked for needs none."""
    user = LocalAccountBackend().get_user(request.person_id or 0)
    if user is None:
        raise NotToBeSent(f"The account of {request.username} is disabled")
    if refused := refusal_of(user, Verb.ACT, request):
        raise NotToBeSent(refused)
    if request.session and not is_session_alive(request.session):
        raise NotToBeSent(_left_words(request))
    return Who(user=user, role=role_of(user), session=request.session, address=request.address)


def _rules_of_its_whole(request: ActionRequest, ask: Ask) -> Rules | None:
    """For a step the strictest rules of all that its whole does to this Application."""
    whole = request.parent
    if whole is None:
        return None
    fleet, options = fleet_file_in_force(), options_of(whole.options)
    return rules_for(fleet, action=Action(whole.action), application=ask.application, options=options)


# --- what speaks against it by now -----------------------------------------------------------------------------------


def _not_refused(request: ActionRequest, found: Preflight) -> None:
    if found.is_refused:
        raise NotToBeSent("; ".join(each.words for each in found.refusals), found)
    if found.waits_for_approval and not request.approver:
        policy = found.case.rules.policy
        raise NotToBeSent(f"The policy {policy} wants a second person's approval by now: ask again", found)
    if changed := _changed(request, found) or [each.words for each in _grown(request, found)]:
        raise NotToBeSent(f"Changed since it was asked for: {'; '.join(changed)}", found)


def _changed(request: ActionRequest, found: Preflight) -> list[str]:
    """What is not as the person saw it, in words. A terminate is about the operation alone, a refresh about nothing.

    A step of a bulk or a take over is bound to it but for the parts that move on by themselves until its turn.
    """
    action = Action(request.action)
    if action in REFRESHES:
        return []
    if action is Action.TERMINATE:
        return _terminate_changed(request, found)
    changed = _parts(request.digest, found.case.digest)
    return [part for part in changed if not (request.parent_id and part in MOVES_ON)]


def _terminate_changed(request: ActionRequest, found: Preflight) -> list[str]:
    live = found.case.live
    if live is None or live.detail is None:
        raise NotToBeSent("Argo CD did not tell which operation is running there: it could be another one", found)
    begun = moment_text(known_of(found.case).began_at)
    if not begun:
        raise NotToBeSent("No operation is running there any more", found)
    named = request.operation_seen
    has_changed = named != begun if named else OPERATION in _parts(request.digest, found.case.digest)
    return ["another operation runs now"] if has_changed else []


def _parts(shown: str, now: str) -> list[str]:
    return parts_changed(shown, now) if shown else []


def _grown(request: ActionRequest, found: Preflight) -> list[Finding]:
    """Findings that say more than the person was shown, or than their whole was asked for."""
    shown = {each["guard"]: Answer(each["answer"]).rank for each in request.guards}
    speaking = (each for each in found.spoken if each.answer.rank > shown.get(each.guard, 0))
    return [each for each in speaking if not _is_expected(request, each)]


def _is_expected(request: ActionRequest, each: Finding) -> bool:
    if each.guard == ChangedGuard.name:  # the digests say what changed
        return True
    if each.answer is Answer.WARN and each.guard in WARNS_ANYWAY:
        return True
    if request.parent is None:
        return False
    is_own_doing = each.guard == CoolDownGuard.name and request.parent.action == Action.TAKE_OVER
    return is_own_doing or (each.answer is Answer.WARN and each.guard in STEPS_WARN_ANYWAY)
