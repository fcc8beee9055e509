"""What became of requests that were sent, and of those that wait too long: looked after every second.

Nothing here sends anything. While Argo CD cannot be asked, nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamError, UpstreamNotFound, UpstreamNotInstalled, UpstreamUnavailable
from apps.core.leases import lease_held, lease_take
from apps.core.text import clean
from apps.gitops.models import SeenOperation
from apps.integrations.argocd import ApplicationDetail
from apps.sources.clients import SourceNotConfigured, argocd_client
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile

from .digests import UID, digest_of_detail, parts_changed
from .judging import END_SEEN_AT, UNANSWERED, Judgement, Sight, gone_judged, judged
from .models import ActionRequest
from .moves import request_move, request_told
from .options import options_of
from .outcomes import LONGEST
from .states import REFRESHES, SILENCES, Action, State
from .stepping import applications_of, identity_of
from .waiting import unapproved_words

SENT = frozenset({State.ACCEPTED, State.RUNNING, State.UNKNOWN})
FOLLOWED = frozenset({Action.SYNC, Action.DRY_RUN, Action.TERMINATE, *REFRESHES})
MOST_LOOKS = 10
LOST_AFTER = timedelta(seconds=3)
SENT_AGAIN_AFTER = timedelta(seconds=5)
MOST_LOST = 100
ANSWERS_LATE = timedelta(seconds=10)
DEFAULT_DEADLINE = timedelta(seconds=10)
NARROW_LEASE = timedelta(seconds=5)
EXPIRY_EVERY = timedelta(seconds=10)
MOST_EXPIRED = 100
OFTEN = timedelta(seconds=1)
PACE = ((timedelta(seconds=30), OFTEN), (timedelta(minutes=10), timedelta(seconds=4)))
"""So long after it was sent it is looked at so often; later, each SLOW."""
SLOW = timedelta(seconds=15)


def requests_look_after() -> None:
    """One round: calls that were never answered, approvals that never came, and operations under way.

    Waits for each Argo CD that has something under way, for as long as a call to it may take.
    """
    fleet = fleet_file_in_force()
    _late_become_unknown(fleet)
    _approvals_expire(fleet)
    instances = ActionRequest.objects.filter(state__in=SENT, action__in=FOLLOWED).order_by("instance")
    for instance in list(instances.values_list("instance", flat=True).distinct()):
        _instance_look(fleet, instance)


def requests_lost() -> list[UUID]:
    """Approved requests whose message seems to be lost, to be sent for again; the same one every few seconds."""
    now = database_now()
    again = Q(looked_at=None) | Q(looked_at__lt=now - SENT_AGAIN_AFTER)
    lost = ActionRequest.objects.filter(again, state=State.APPROVED, state_at__lt=now - LOST_AFTER)
    keys = list(lost.order_by("state_at").values_list("pk", flat=True)[:MOST_LOST])
    if keys:
        ActionRequest.objects.filter(pk__in=keys, state=State.APPROVED).update(looked_at=now)
    return keys


def deadline_of(fleet: FleetFile, instance: str) -> timedelta:
    """How long one call to the Argo CD instance may take."""
    return next((each.deadline for each in fleet.argocd if each.name == instance), DEFAULT_DEADLINE)


# --- what waits too long ---------------------------------------------------------------------------------------------


def _late_become_unknown(fleet: FleetFile) -> None:
    """Whoever sent them has died or is cut off: the call may have arrived, and is never made again."""
    now = database_now()
    late = ActionRequest.objects.filter(state=State.SENDING, sent_at__lt=now - ANSWERS_LATE)
    for request in late.exclude(action__in=sorted(SILENCES)):  # those are apps.actions.silences.settling's
        if request.sent_at and now - request.sent_at > deadline_of(fleet, request.instance) + ANSWERS_LATE:
            _become_unknown(request)


def _become_unknown(request: ActionRequest) -> None:
    words = "Not known whether it began: the portal got no answer. Argo CD is asked until it is known"
    request_move(request, to=State.UNKNOWN, when={State.SENDING}, words=words, outcome=words)


def _approvals_expire(fleet: FleetFile) -> None:
    """What nobody approved within the time that its policy gives."""
    now = database_now()
    due = Q(looked_at=None) | Q(looked_at__lt=now - EXPIRY_EVERY)
    waiting = list(ActionRequest.objects.filter(due, state=State.WAITING).order_by("created_at")[:MOST_EXPIRED])
    if not waiting:
        return
    ActionRequest.objects.filter(pk__in=[each.pk for each in waiting]).update(looked_at=now)
    for request in waiting:
        if words := unapproved_words(fleet, request):
            request_move(request, to=State.EXPIRED, when={State.WAITING}, words=words, outcome=words)


# --- what is under way -----------------------------------------------------------------------------------------------


def _instance_look(fleet: FleetFile, instance: str) -> None:
    """Asks one Argo CD for the Applications of some requests; not while another worker does."""
    due = _due(instance)
    if not due:
        return
    name, seconds = f"actions:{instance}", (deadline_of(fleet, instance) + NARROW_LEASE).total_seconds()
    with lease_held(name=name, seconds=seconds) as holder:
        for request in due if holder else ():
            if not lease_take(name=name, holder=holder or "", seconds=seconds) or not _look(fleet, request):
                return


def _due(instance: str) -> list[ActionRequest]:
    """Those whose turn it is, the ones not looked at for longest first."""
    now = database_now()
    rows = list(ActionRequest.objects.filter(state__in=SENT, action__in=FOLLOWED, instance=instance))
    due = [request for request in rows if is_due(request, now)]
    due += _told_anew([request for request in rows if request not in due])
    due.sort(key=lambda request: request.looked_at or request.state_at)
    return due[:MOST_LOOKS]


def is_due(request: ActionRequest, now: datetime) -> bool:
    """Whether it is to be looked at by the clock: each second at first and at the end, slower in between."""
    if request.looked_at is None:
        return True
    if END_SEEN_AT in (request.operation or {}):
        return now - request.looked_at >= OFTEN
    age = now - (request.sent_at or request.state_at)
    pace = next((pace for until, pace in PACE if age < until), SLOW)
    return now - request.looked_at >= pace


def _told_anew(requests: Sequence[ActionRequest]) -> list[ActionRequest]:
    """Those of whose Application something changed since the last look, as the stream or a list told."""
    rows = applications_of(requests)
    changed = []
    for request in requests:
        row = rows.get(identity_of(request))
        if row and row.seen_at and request.looked_at and row.seen_at > request.looked_at:
            changed.append(request)
    return changed


def _look(fleet: FleetFile, request: ActionRequest) -> bool:
    """Asks for its Application and writes down what follows; False where Argo CD itself fails."""
    asked_at, row = database_now(), applications_of([request]).get(identity_of(request))
    ActionRequest.objects.filter(pk=request.pk).update(looked_at=asked_at)
    connection_let_go()
    try:
        told = _asked(fleet, request, row.project if row else request.project)
    except (SourceNotConfigured, UpstreamError) as error:
        if row is None and isinstance(error, UpstreamNotFound) and not isinstance(error, UpstreamNotInstalled):
            _conclude(request, gone_judged(request, asked_at, deadline_of(fleet, request.instance)))
        else:
            _keep_unanswered(request, asked_at)
        return not isinstance(error, UpstreamUnavailable)
    _conclude(request, judged(request, _sight(fleet, request, told, asked_at)), told)
    return True


def _asked(fleet: FleetFile, request: ActionRequest, project: str) -> ApplicationDetail:
    client = argocd_client(fleet, f"argocd/{request.instance}")
    return client.application(request.name, namespace=request.namespace, project=project)


def _sight(fleet: FleetFile, request: ActionRequest, told: ApplicationDetail, asked_at: datetime) -> Sight:
    now = digest_of_detail(told, options_of(request.options), request.instance)
    seen = SeenOperation.objects.filter(request_id=request.pk).values_list("phase", flat=True).first()
    return Sight(
        told=told,
        asked_at=asked_at,
        deadline=deadline_of(fleet, request.instance),
        seen=seen,
        is_reborn=bool(request.digest) and UID in parts_changed(request.digest, now),
    )


def _conclude(request: ActionRequest, judgement: Judgement, told: ApplicationDetail | None = None) -> None:
    """Writes what is new, if anything is."""
    columns: dict[str, Any] = {}
    kept = request.operation if judgement.operation is None else judgement.operation
    kept = kept and {name: told for name, told in kept.items() if name != UNANSWERED}
    if kept != request.operation:
        columns["operation"] = kept
    operation = told.application.operation if told else None
    sent = clean(operation.revision, 300) if operation and operation.request_id == str(request.pk) else ""
    if sent and sent != request.revision_sent:
        columns["revision_sent"] = sent
    state = judgement.state
    if state is None:
        columns_keep(request, columns)
        return
    if state.is_final or request.state == State.UNKNOWN:
        columns["outcome"] = clean(judgement.words, LONGEST)
    request_move(request, to=state, when={State(request.state)}, words=columns.get("outcome", ""), **columns)


def _keep_unanswered(request: ActionRequest, asked_at: datetime) -> None:
    """Since when nobody could say how it stands: after a while a person may set it aside."""
    kept = request.operation or {}
    if UNANSWERED not in kept:
        columns_keep(request, {"operation": {**kept, UNANSWERED: asked_at.isoformat()}})


def columns_keep(request: ActionRequest, columns: dict[str, Any]) -> None:
    """Writes columns of a request that stays in its state, and tells the pages."""
    if not columns:
        return
    with transaction.atomic():
        if ActionRequest.objects.filter(pk=request.pk, state=request.state).update(**columns):
            request_told(request)
