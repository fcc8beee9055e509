"""What became of silences that were sent and of which no answer came: looked after every second.

Nothing here sends anything. While the group cannot be read, nothing is concluded.
"""

from __future__ import annotations

from typing import Any

import msgspec

from apps.actions.models import ActionRequest
from apps.actions.moves import request_move
from apps.actions.settling import ANSWERS_LATE, MOST_LOOKS, NARROW_LEASE, columns_keep, is_due
from apps.actions.states import SILENCES, State
from apps.core.clock import database_now
from apps.core.leases import lease_held
from apps.core.text import clean
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile

from .judging import Look, made_of, silence_judged
from .reading import deadline_of_group, group_read_soon, members_told
from .wanted import wanted_of

SENT = frozenset({State.SENDING, State.UNKNOWN})
LATE = "Not known whether it arrived: the portal got no answer. The silences are read until it is known"


def silences_look_after() -> None:
    """One round: calls that were never answered become unknown, and what is unknown is looked for."""
    sent = list(ActionRequest.objects.filter(state__in=SENT, action__in=sorted(SILENCES), sent_at__isnull=False))
    if not sent:
        return
    fleet, now = fleet_file_in_force(), database_now()
    for request in sent:
        if request.state == State.SENDING:
            _late_becomes_unknown(fleet, request)
    due = [each for each in sent if each.state == State.UNKNOWN and is_due(each, now)]
    due.sort(key=lambda request: request.looked_at or request.state_at)
    for group in dict.fromkeys(wanted_of(request).alertmanager for request in due[:MOST_LOOKS]):
        _group_look(fleet, group, [each for each in due if wanted_of(each).alertmanager == group])


def _late_becomes_unknown(fleet: FleetFile, request: ActionRequest) -> None:
    """Whoever sent it has died or is cut off: the call may have arrived, and is never made again."""
    deadline = deadline_of_group(fleet, wanted_of(request).alertmanager)
    if request.sent_at and database_now() - request.sent_at > deadline + ANSWERS_LATE:
        request_move(request, to=State.UNKNOWN, when={State.SENDING}, words=LATE, outcome=LATE)


def _group_look(fleet: FleetFile, group: str, requests: list[ActionRequest]) -> None:
    """Reads one group once for all of its requests; not while another worker does."""
    deadline = deadline_of_group(fleet, group)
    seconds = (4 * deadline + NARROW_LEASE).total_seconds()
    with lease_held(name=f"actions:silences/{group}", seconds=seconds) as holder:
        if not holder:
            return
        asked_at = database_now()
        ActionRequest.objects.filter(pk__in=[each.pk for each in requests]).update(looked_at=asked_at)
        look = Look(told=members_told(fleet, group), asked_at=asked_at, deadline=deadline)
        for request in requests:
            _conclude(request, look)


def _conclude(request: ActionRequest, look: Look) -> None:
    """Writes what is new, if anything is."""
    judgement = silence_judged(request, look)
    columns: dict[str, Any] = {}
    if judgement.operation is not None and judgement.operation != request.operation:
        columns["operation"] = judgement.operation
    if judgement.state is None:
        columns_keep(request, columns)
        return
    if made := made_of(request, look):
        columns["options"] = msgspec.structs.replace(wanted_of(request), made=clean(made.id, 100)).as_builtins()
    words = clean(judgement.words, 1000)
    request_move(request, to=judgement.state, when={State.UNKNOWN}, words=words, outcome=words, **columns)
    group_read_soon(wanted_of(request).alertmanager)
