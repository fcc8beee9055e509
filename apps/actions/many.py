"""What the guards need to know of many Applications, read for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db.models import Max, Prefetch, prefetch_related_objects

from apps.fleet.overlay import Overlay
from apps.gitops.models import Application, ApplicationDetail
from apps.sources.fleetfile.schema import FleetFile

from .case import Bulk, Case, Rules
from .digests import digest_of_row
from .freezes import freezes_on
from .known import detail_of
from .models import ActionRequest
from .policies import rules_for
from .preflight import Ask
from .states import HOLDING, Action
from .stepping import Identity, identity_of
from .surroundings import surroundings_of

IDENTITY = ("instance", "namespace", "name")
OWN_TRIES = (Action.SYNC, Action.DRY_RUN)

Latest = dict[tuple[Identity, str], ActionRequest]


def cases_of(asks: Sequence[Ask], *, fleet: FleetFile, overlay: Overlay, rules: Rules, bulk: Bulk) -> list[Case]:
    """The cases of a bulk's members, in their order, without a live look. Eight queries, however many members.

    Each has its own policy, with the limits of `rules`, which are the whole bulk's.
    """
    rows = [ask.application for ask in asks]
    _details_prefetch(rows, are_wanted=any(ask.options.prune for ask in asks))
    around, freezes = surroundings_of(rows, overlay), freezes_on(overlay.now)
    holding, latest = _holding(rows), _latest(rows)
    return [
        Case(
            action=ask.action,
            application=row,
            options=ask.options,
            who=ask.who,
            rules=_own_rules(fleet, ask, rules),
            overlay=overlay,
            now=overlay.now,
            live=None,
            digest=digest_of_row(row, ask.options, detail_of(row, overlay.now)),
            freezes=freezes,
            holding=holding.get(identity_of(row)),
            last=latest.get((identity_of(row), Action.SYNC)),
            dry_run=latest.get((identity_of(row), Action.DRY_RUN)),
            bulk=bulk,
            request_id=ask.request_id,
            around=around,
        )
        for ask, row in zip(asks, rows, strict=True)
    ]


def _own_rules(fleet: FleetFile, ask: Ask, whole: Rules) -> Rules:
    own = rules_for(fleet, action=Action.BULK_SYNC, application=ask.application, options=ask.options)
    return replace(own, most_in_bulk=whole.most_in_bulk, at_once=whole.at_once)


def _details_prefetch(rows: Sequence[Application], *, are_wanted: bool) -> None:
    """Only prune needs them, and they are big."""
    details = ApplicationDetail.objects.defer("around") if are_wanted else ApplicationDetail.objects.none()
    prefetch_related_objects(rows, Prefetch("detail", queryset=details))


def _holding(rows: Iterable[Application]) -> dict[Identity, ActionRequest]:
    """The request that holds each. One query."""
    names = {row.name for row in rows}
    holding = ActionRequest.objects.filter(holds=True, state__in=HOLDING, name__in=names)
    return {identity_of(request): request for request in holding}


def _latest(rows: Iterable[Application]) -> Latest:
    """The last sync and the last dry run of each that Argo CD was told of and that has ended. Two queries."""
    instances, namespaces, names = map(set, zip(*map(identity_of, rows), strict=True))
    ended = ActionRequest.objects.filter(
        instance__in=instances, namespace__in=namespaces, name__in=names, action__in=OWN_TRIES
    ).filter(sent_at__isnull=False, ended_at__isnull=False)
    newest = ended.order_by().values_list(*IDENTITY, "action").annotate(Max("created_at"))
    moments = {((instance, namespace, name), action): at for instance, namespace, name, action, at in newest}
    kept = ended.filter(created_at__in=set(moments.values()))
    keyed = {(identity_of(request), request.action): request for request in kept.order_by("created_at")}
    return {key: request for key, request in keyed.items() if request.created_at == moments.get(key)}
