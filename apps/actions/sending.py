"""Sending one request: its guards once more, `sending` committed, then one call to Argo CD and never a second one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from apps.accounts.access import Verb, refusal_of, role_of
from apps.accounts.seats import is_session_alive
from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamError
from apps.core.text import clean
from apps.gitops.models import Application
from apps.integrations.argocd import ApplicationDetail, ArgoCDClient, Operation, SyncOrder
from apps.integrations.argocd.values import REASON, REQUEST_ID, REQUESTED_BY, TICKET
from apps.sources.clients import SourceNotConfigured, argocd_client
from apps.sources.fleetfile.current import fleet_file_in_force

from .case import Answer, Finding, Who
from .digests import OPERATION, parts_changed
from .judging import moment_text
from .known import Known, doomed_told, known_of
from .models import ActionRequest
from .moves import request_move
from .options import Options, options_of
from .outcomes import LONGEST, answer_of, revision_words
from .preflight import Ask, Preflight, preflight
from .states import Action, State
from .stepping import MOVES_ON

log = logging.getLogger(__name__)

RETRY_LIMIT = 2
APPROVED_BY = "approved-by"
SENDS_WITHIN = 15.0
"""Seconds from beginning to commit `sending` to the call; a process that was held up for longer sends nothing."""
REFRESHES = frozenset({Action.REFRESH, Action.HARD_REFRESH})


class NotToBeSent(Exception):
    """Why a request is not sent, in words for the person; with the guards' answers where they were asked."""

    def __init__(self, words: str, found: Preflight | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.found = found


def request_send(pk: UUID) -> None:
    """Sends the request if it is approved and nothing speaks against it now; writes down what came of it.

    Waits for Argo CD: some seconds for the guards' look, and as long as a call to it may take.
    """
    request = ActionRequest.objects.filter(pk=pk, state=State.APPROVED).first()
    if request is None:
        return
    ActionRequest.objects.filter(pk=pk, state=State.APPROVED).update(looked_at=database_now())  # no message was lost
    action = Action(request.action)
    if action.has_steps:
        request_move(request, to=State.RUNNING, when={State.APPROVED})
        return
    try:
        client = _client(request)
        found = _guards_again(request)
        order = _order(request, found)
    except NotToBeSent as reason:
        guards: dict[str, Any] = {"guards": _guards_kept(reason.found.findings)} if reason.found else {}
        outcome = clean(reason.words, LONGEST)
        request_move(request, to=State.REFUSED, when={State.APPROVED}, words=outcome, outcome=outcome, **guards)
        return
    began = time.monotonic()
    if _sending_begins(request, found):
        _call_and_write(request, client, order, began)


def _client(request: ActionRequest) -> ArgoCDClient:
    try:
        return argocd_client(fleet_file_in_force(), f"argocd/{request.instance}")
    except SourceNotConfigured:
        raise NotToBeSent(f"Argo CD {request.instance} is not in the fleet file any more") from None


def _guards_again(request: ActionRequest) -> Preflight:
    """The preflight of this moment. Raises NotToBeSent where something speaks against it that did not before."""
    ask = _ask_now(request)
    found = preflight(ask, looks=True)
    if found.is_refused:
        raise NotToBeSent("; ".join(each.words for each in found.refusals), found)
    if changed := _changed(request, found):
        raise NotToBeSent(f"Changed since it was asked for: {', '.join(changed)}", found)
    if grown := _grown(request, found.findings):
        raise NotToBeSent(f"Changed since it was asked for: {'; '.join(each.words for each in grown)}", found)
    return found


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
        who=_who_now(request),
        digest=request.digest,
        reason=request.reason,
        ticket=request.ticket,
        typed_name=request.name,
        is_confirmed=True,
    )


def _who_now(request: ActionRequest) -> Who:
    """The person with the role and the scope that they have now."""
    user = User.objects.select_related("person").filter(pk=request.person_id or 0).first()
    if user is None or not user.is_active:
        raise NotToBeSent(f"The account of {request.username} is disabled")
    if refused := refusal_of(user, Verb.ACT, request):
        raise NotToBeSent(refused)
    if request.approver and not is_session_alive(request.session):
        raise NotToBeSent(f"{request.username} has signed out meanwhile: what another approved is sent in their name")
    return Who(user=user, role=role_of(user), session=request.session, address=request.address)


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
    begun = moment_text(known_of(found.case).began_at)
    if not begun:
        raise NotToBeSent("No operation is running there any more", found)
    named = request.operation_seen
    has_changed = named != begun if named else OPERATION in _parts(request.digest, found.case.digest)
    return ["another operation runs now"] if has_changed else []


def _parts(shown: str, now: str) -> list[str]:
    return parts_changed(shown, now) if shown else []


def _grown(request: ActionRequest, findings: Iterable[Finding]) -> list[Finding]:
    """Findings that want more than the person gave: a guard that asks for a confirmation, and did not before.

    A step has been confirmed with its whole, of which the guards of this one Application told nothing yet.
    """
    if request.parent_id:
        return []
    before = {each["guard"]: Answer(each["answer"]).rank for each in request.guards}
    return [each for each in findings if each.answer is Answer.CONFIRM and before.get(each.guard, 0) < each.answer.rank]


def _order(request: ActionRequest, found: Preflight) -> SyncOrder | None:
    """What a sync is asked to do; None for what is no sync."""
    action, options = Action(request.action), options_of(request.options)
    if not action.is_sync_like:
        return None
    return SyncOrder(
        prune=options.prune,
        dry_run=action is Action.DRY_RUN,
        force=options.force,
        resources=tuple((each.group, each.kind, each.namespace, each.name) for each in options.resources),
        sync_options=_sync_options(options, found),
        infos=_infos(request),
        retry_limit=0 if action is Action.DRY_RUN else RETRY_LIMIT,
    )


def _sync_options(options: Options, found: Preflight) -> tuple[str, ...]:
    """The application's own options with those asked for; none where it keeps its own (decision 15)."""
    added = [("Replace", options.replace), ("ApplyOutOfSyncOnly", options.apply_out_of_sync_only)]
    wanted = {name: f"{name}=true" for name, is_on in added if is_on}
    if not wanted:
        return ()
    live = found.case.live
    if live is None or live.detail is None:
        raise NotToBeSent("Argo CD did not tell the application's own sync options, which would be lost", found)
    own = {each.partition("=")[0]: each for each in live.detail.application.sync_options}
    return tuple({**own, **wanted}.values())


def _infos(request: ActionRequest) -> tuple[tuple[str, str], ...]:
    told = {
        REQUEST_ID: str(request.pk),
        REQUESTED_BY: request.username,
        APPROVED_BY: request.approver,
        REASON: request.reason,
        TICKET: request.ticket,
    }
    return tuple((name, value) for name, value in told.items() if value)


def _sending_begins(request: ActionRequest, found: Preflight) -> bool:
    """Commits `sending`: whoever does it, and nobody else, may make the call."""
    known: Known = known_of(found.case)
    return request_move(
        request,
        to=State.SENDING,
        what=doomed_told(found.case),
        when={State.APPROVED},
        sent_at=database_now(),
        looked_at=None,
        operation_seen=moment_text(known.began_at),
        digest=request.digest or found.case.digest,
        guards=_guards_kept(found.findings),
    )


def _guards_kept(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"guard": each.guard, "answer": each.answer.value, "words": each.words, "link": each.link} for each in findings
    ]


def _call_and_write(request: ActionRequest, client: ArgoCDClient, order: SyncOrder | None, began: float) -> None:
    """The one call, unless this process stood still since `began` (monotonic); and what was answered."""
    connection_let_go()
    if time.monotonic() - began > SENDS_WITHIN:
        _write(request, State.NOT_STARTED, "Nothing was sent: the portal was held up for too long")
        return
    try:
        told = _call(request, client, order)
    except UpstreamError as error:
        state, words = answer_of(Action(request.action), error)
        _write(request, state, words, answer=clean(error.message, LONGEST))
        return
    _accepted(request, told)


def _call(request: ActionRequest, client: ArgoCDClient, order: SyncOrder | None) -> ApplicationDetail | None:
    action, where = Action(request.action), {"namespace": request.namespace, "project": request.project}
    if order is not None:
        return client.sync(request.name, **where, order=order)
    if action is Action.TERMINATE:
        client.terminate(request.name, **where)
        return None
    return client.refresh(request.name, **where, hard=action is Action.HARD_REFRESH)


def _accepted(request: ActionRequest, told: ApplicationDetail | None) -> None:
    """Argo CD took it: an operation is followed from here on, a refresh has ended with it."""
    if Action(request.action) in REFRESHES:
        _write(request, State.SUCCEEDED, "Refreshed")
        return
    operation: Operation | None = told.application.operation if told else None
    sent = clean(operation.revision, 300) if operation else ""
    _write(request, State.ACCEPTED, revision_words(request.revision_seen, sent), revision_sent=sent)


def _write(request: ActionRequest, state: State, words: str, **columns: Any) -> None:
    """The answer, also where it comes so late that it has been called unknown meanwhile."""
    outcome = clean(words, LONGEST)
    kept = {"outcome": outcome, **columns}
    if not request_move(request, to=state, when={State.SENDING, State.UNKNOWN}, words=outcome, **kept):
        log.warning("the answer to request %s came after its end: %s", request.pk, outcome or state.label)
