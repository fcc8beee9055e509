"""Which silences requests of this portal made: a comment is anybody's words, the row of a request is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from apps.actions.models import ActionRequest
from apps.actions.states import SILENCES, Action, State
from apps.alerts.comments import request_named
from apps.alerts.matching import matchers_of
from apps.alerts.models import Silence
from apps.core.matchers import LabelMatcher

from .wanted import TENANT_LABEL, Wanted, wanted_of

MAKING = SILENCES - {Action.SILENCE_EXPIRE}


def makers_of(silences: Iterable[Silence]) -> Mapping[int, ActionRequest]:
    """By the key of a silence's row the request that made it, where one did. One query, none where nothing is named."""
    named = {each: UUID(told) for each in silences if (told := request_named(each.comment))}
    if not named:
        return {}
    found = ActionRequest.objects.filter(pk__in=set(named.values()), action__in=sorted(MAKING))
    requests = found.only("action", "options", "state").in_bulk()
    made = ((silence, requests.get(key)) for silence, key in named.items())
    return {silence.pk: request for silence, request in made if request and has_made(request, silence)}


def has_made(request: ActionRequest, silence: Silence) -> bool:
    """Whether its own row names this silence; while nobody knows what it made, whether it asked for the same."""
    wanted = wanted_of(request)
    if wanted.alertmanager != silence.alertmanager:
        return False
    if wanted.made:
        return wanted.made == silence.silence_id
    state = State(request.state)
    return (state is State.NOT_KNOWN or not state.is_final) and is_alike(wanted, matchers_of(silence))


def is_alike(wanted: Wanted, matchers: Iterable[LabelMatcher]) -> bool:
    """Whether these are the matchers that were asked for, but for the one that Observatorium adds."""
    asked, told = set(wanted.labels), set(matchers)
    return asked <= told and all(each.name == TENANT_LABEL for each in told - asked)
