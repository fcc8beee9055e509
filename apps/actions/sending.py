"""Sending one request: its guards once more, `sending` committed, then one call to Argo CD and never a second one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.renewing import SignInNeeded
from apps.core.clock import database_now
from apps.core.connections import connection_let_go, durable_commits
from apps.core.errors import UpstreamError
from apps.core.text import clean
from apps.integrations.argocd import ApplicationDetail, ArgoCDClient, Operation, SyncOrder
from apps.integrations.argocd.values import REASON, REQUEST_ID, REQUESTED_BY, TICKET
from apps.sources.clients import SourceNotConfigured, argocd_client
from apps.sources.fleetfile.current import fleet_file_in_force

from .audit import confirmation_told, head_locked
from .case import Finding
from .guards import GUARDS
from .in_name import acting_client, acts_as_person
from .judging import COMPARED_BEFORE, moment_text, operation_begun
from .known import RUNNING, Known, doomed_told, known_of
from .models import ActionRequest
from .moves import request_move
from .options import Options, options_of
from .outcomes import LONGEST, TAKEN, answer_of, taken_words
from .preflight import Preflight
from .rechecking import NotToBeSent, checked_again, checked_at_last
from .services import guards_told
from .states import REFRESHES, Action, State

log = logging.getLogger(__name__)

RETRY_LIMIT = 2
APPROVED_BY = "approved-by"
SENDS_WITHIN = 15.0
"""Seconds from beginning to commit `sending` to the call; a process that was held up for longer sends nothing."""


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
        with acting_client(fleet_file_in_force(), request.instance, request.session) as client:
            found = checked_again(request)
            order = _order(request, found)
            began = time.monotonic()
            if _sending_begins(request, found):
                _call_and_write(request, client, order, began)
    except NotToBeSent as reason:
        _not_sent(request, reason)
    except SourceNotConfigured:
        _not_sent(request, NotToBeSent(f"Argo CD {request.instance} is not in the fleet file any more"))
    except SignInNeeded as needed:
        _not_sent(request, NotToBeSent(str(needed)))


def _not_sent(request: ActionRequest, reason: NotToBeSent) -> None:
    columns: dict[str, Any] = {"outcome": clean(reason.words, LONGEST)}
    if reason.found:
        columns["guards"] = _guards_kept(request, reason.found.findings)
    if reason.state is State.UNKNOWN:
        columns["sent_at"] = database_now()
    request_move(request, to=reason.state, when={State.APPROVED}, words=columns["outcome"], **columns)


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
    """Commits `sending`, on disk: whoever does it, and nobody else, may make the call.

    What may have changed during the wait for Argo CD is read once more, under the lock of the audit log: a freeze that
    stands in it before this line holds the request. Raises NotToBeSent.
    """
    known: Known = known_of(found.case)
    with durable_commits(), transaction.atomic():
        locked = ActionRequest.objects.select_for_update().filter(pk=request.pk, state=State.APPROVED)
        session = locked.values_list("session", flat=True).first()
        if session is None:
            return False
        request.session = session
        head_locked()
        checked_at_last(request, found)
        return request_move(
            request,
            to=State.SENDING,
            what={**doomed_told(found.case), **confirmation_told(found.case.who)},
            when={State.APPROVED},
            sent_at=database_now(),
            looked_at=None,
            operation_seen=moment_text(known.began_at),
            **_comparison_before(request, found),
            digest=request.digest or found.case.digest,
            guards=_guards_kept(request, found.findings),
        )


def _comparison_before(request: ActionRequest, found: Preflight) -> dict[str, Any]:
    """Of a refresh, which comparison stands there before it is sent, as far as Argo CD told."""
    live = found.case.live
    if Action(request.action) not in REFRESHES or live is None or live.detail is None:
        return {}
    return {"operation": {COMPARED_BEFORE: moment_text(live.detail.reconciled_at)}}


def _guards_kept(request: ActionRequest, findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The answers of this moment, and what else was written down with those of the moment of asking."""
    told = guards_told(findings)
    names = {guard.name for guard in GUARDS}
    return [*told, *(each for each in request.guards if each["guard"] not in names)]


def _call_and_write(request: ActionRequest, client: ArgoCDClient, order: SyncOrder | None, began: float) -> None:
    """The one call, unless this process stood still since `began` (monotonic); and what was answered."""
    connection_let_go()
    if time.monotonic() - began > SENDS_WITHIN:
        answer_write(request, State.NOT_STARTED, "Nothing was sent: the portal was held up for too long")
        return
    try:
        told = _call(request, client, order)
    except UpstreamError as error:
        _failed(request, error)
        return
    _accepted(request, told)


def _failed(request: ActionRequest, error: UpstreamError) -> None:
    """What a call that failed leaves; where another operation runs, one look tells whose it is.

    It may be the request's own: where something on the way made the call twice, the second one is refused.
    """
    fleet = fleet_file_in_force()
    person = request.username if acts_as_person(fleet, request.instance) else ""
    state, words = answer_of(error, person=person)
    is_taken = state is State.REFUSED and TAKEN in error.message.lower()
    told = _looked_at(request, argocd_client(fleet, f"argocd/{request.instance}")) if is_taken else None
    running = told.application.operation if told else None
    if running and running.request_id == str(request.pk):
        _accepted(request, told)
        return
    if running and running.phase in RUNNING:
        words = taken_words(running)
    answer_write(request, state, words, answer=clean(error.message, LONGEST))


def _looked_at(request: ActionRequest, client: ArgoCDClient) -> ApplicationDetail | None:
    try:
        return client.application(request.name, namespace=request.namespace, project=request.project)
    except UpstreamError:
        return None


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
        answer_write(request, State.SUCCEEDED, "Refreshed")
        return
    operation: Operation | None = told.application.operation if told else None
    sent = clean(operation.revision, 300) if operation else ""
    kept = operation_begun(operation, told) if operation and told and operation.request_id == str(request.pk) else None
    answer_write(request, State.ACCEPTED, "", revision_sent=sent, operation=kept)


def answer_write(request: ActionRequest, state: State, words: str, **columns: Any) -> None:
    """The answer, also where it comes so late that it has been called unknown meanwhile."""
    outcome = clean(words, LONGEST)
    kept = {"outcome": outcome, **columns}
    if not request_move(request, to=state, when={State.SENDING, State.UNKNOWN}, words=outcome, **kept):
        log.warning("the answer to request %s came after its end: %s", request.pk, outcome or state.label)
