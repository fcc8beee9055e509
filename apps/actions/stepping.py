"""A step of a request of several: how it is planned, begun, refused, and left undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import IntegrityError

from apps.core.ages import moment_words
from apps.core.clock import database_now
from apps.core.text import clean
from apps.gitops.models import Application

from .audit import audit_note, who_told
from .case import Who
from .digests import OPERATION, PARTS, REVISION, digest_of_row
from .models import ActionRequest
from .moves import PORTAL, request_move, request_told
from .options import Options, options_of
from .states import Action, State

WHO_AND_WHY = ("person_id", "username", "role", "session", "address", "reason", "ticket", "policy")
WHERE = ("instance", "namespace", "name", "project", "environment", "cluster")
MOVES_ON = frozenset({REVISION, OPERATION})
UNKNOWN_HERE = "The portal does not know this application any more"

Identity = tuple[str, str, str]


def step_planned(
    parent: ActionRequest,
    *,
    of: Application | ActionRequest,
    action: Action,
    position: int,
    wave: int,
    options: Options | None = None,
    digest: str = "",
    guards: Sequence[dict[str, str]] = (),
) -> ActionRequest:
    """A step, not saved: who and why are the parent's, where is `of`'s. In a bulk it holds its Application.

    `guards` are the answers that the person saw: what they are measured by at its turn.
    """
    return ActionRequest(
        parent=parent,
        position=position,
        wave=wave,
        action=action.value,
        holds=parent.action == Action.BULK_SYNC,
        subject=of.name,
        options=(options or Options()).as_builtins(),
        digest=digest,
        revision_seen=of.revision_seen if isinstance(of, ActionRequest) else of.sync_revision,
        guards=list(guards),
        state=State.PLANNED.value,
        created_at=parent.created_at,
        state_at=parent.created_at,
        **{name: getattr(parent, name) for name in WHO_AND_WHY},
        **{name: getattr(of, name) for name in WHERE},
    )


def step_begin(
    parent: ActionRequest,
    step: ActionRequest,
    row: Application | None,
    *,
    shown: str,
    moves_on: Collection[str] = MOVES_ON,
) -> bool:
    """Planned → approved, bound to what the person saw; where it cannot be, it is refused in words."""
    if row is None:
        return step_refuse(step, UNKNOWN_HERE)
    told: dict[str, Any] = {
        "digest": digest_carried(shown, digest_of_row(row, options_of(step.options)), moves_on),
        "revision_seen": row.sync_revision,
        "approver": parent.approver,
        "approved_at": database_now(),
    }
    try:
        return request_move(step, to=State.APPROVED, when={State.PLANNED}, **told)
    except IntegrityError:
        return step_refuse(step, _held_words(step))


def digest_carried(shown: str, now: str, moves_on: Collection[str]) -> str:
    """What the person saw, but for the parts `moves_on`, in which it is to be as it is now: that Git and Argo CD
    move on is to be expected of what takes its time; that prune would delete other things is not."""
    before, after = shown.split("."), now.split(".")
    if not len(before) == len(after) == len(PARTS):
        return now
    pairs = zip(PARTS, before, after, strict=True)
    return ".".join(new if part in moves_on else old for part, old, new in pairs)


def step_refuse(step: ActionRequest, words: str) -> bool:
    """False, so that whoever begins a step can return it."""
    request_move(step, to=State.REFUSED, when={State.PLANNED}, outcome=words, words=words)
    return False


def _held_words(step: ActionRequest) -> str:
    other = ActionRequest.objects.holding(*identity_of(step)).exclude(pk=step.pk).first()
    if other is None:
        return "Another request held it a moment ago: ask again"
    label, state = Action(other.action).label, State(other.state).label
    return f"{label} by {other.username}, asked for at {moment_words(other.created_at)}, holds it: {state}"


def steps_leave(parent: ActionRequest, *, why: str, who: str = PORTAL, by: Who | None = None) -> int:
    """Leaves undone what has not begun, with one line in the audit log that names it all; returns how many.

    Belongs to a transaction that holds the parent's row. A few queries, however many steps.
    """
    planned = parent.steps.filter(state=State.PLANNED)
    left = list(planned.order_by("position").values_list("name", "cluster"))
    if not left:
        return 0
    now = database_now()
    planned.update(state=State.LEFT, state_at=now, ended_at=now, session="", outcome=clean(why, 1000))
    named = [" on ".join(filter(None, place)) for place in left]
    what = {"left": named, **({"by": who_told(by)} if by else {})}
    who, words = by.username if by else who, f"{len(left)} left undone: {why}"
    audit_note(event="left", request=parent, who=who, words=words, what=what)
    request_told(parent)
    return len(left)


def applications_of(requests: Iterable[ActionRequest]) -> dict[Identity, Application]:
    """The Applications of some requests as they are now, by identity. One query."""
    wanted = {identity_of(request) for request in requests}
    columns = zip(*wanted, strict=True)
    filters = dict(zip(("instance__in", "namespace__in", "name__in"), columns, strict=True)) if wanted else {}
    rows = Application.objects.filter(**filters) if filters else Application.objects.none()
    return {identity: row for row in rows if (identity := identity_of(row)) in wanted}


def identity_of(thing: ActionRequest | Application) -> Identity:
    """(instance, namespace, name)."""
    return (thing.instance, thing.namespace, thing.name)
