"""Bulks as people ask for them, for the tests of requests of several steps."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from apps.actions.bulk import BulkAsk, bulk_preflight, bulk_submit
from apps.actions.case import Who
from apps.actions.models import ActionRequest
from apps.actions.moves import request_move
from apps.actions.options import Options
from apps.actions.states import State
from apps.gitops.models import Application
from tests.rows import application_row

FLEET = """
environments:
  - {name: staging, rings: [1]}
  - {name: production, rings: [3, 2]}
clusters:
  - {name: prd-late, role: member, environment: production, ring: 2}
  - {name: prd-member, role: member, environment: production, ring: 3}
  - {name: prd-host, role: host, environment: production, ring: 3}
  - {name: prd-hub, role: control-plane, environment: production}
  - {name: stg-member, role: member, environment: staging, ring: 1}
"""
CAREFUL = (
    FLEET
    + """
policies:
  - name: two-at-once
    match: {actions: [bulk-sync]}
    at_once: 2
    reason: false
"""
)


def applications(count: int, cluster: str = "stg-member", **fields: Any) -> tuple[Application, ...]:
    """So many Applications on one cluster; their environment is told by its name."""
    environment = "staging" if cluster.startswith("stg") else "production"
    place = {"cluster": cluster, "environment": environment, **fields}
    return tuple(
        application_row(f"app{number:03}-{cluster}", set_name=f"app{number:03}", **place) for number in range(count)
    )


def ask_for(rows: tuple[Application, ...], who: Who, **fields: Any) -> BulkAsk:
    """What a person sends who has seen what they ask for, and gave all that could be wanted."""
    first = BulkAsk(request_id=uuid4(), who=who, applications=rows, options=fields.pop("options", Options()))
    seen = bulk_preflight(first)
    given = {"reason": "drift", "is_confirmed": True, "digest": seen.digest, "typed_name": seen.typed_name}
    return BulkAsk(
        **{
            "request_id": first.request_id,
            "who": who,
            "applications": rows,
            "options": first.options,
            **given,
            **fields,
        }
    )


def bulk_of(rows: tuple[Application, ...], who: Who, **fields: Any) -> ActionRequest:
    """A bulk that was written down."""
    request = bulk_submit(ask_for(rows, who, **fields)).request
    assert request is not None
    return request


def states(request: ActionRequest) -> list[str]:
    """Of its steps, in their order."""
    return list(request.steps.order_by("position").values_list("state", flat=True))


def settle(
    request: ActionRequest, position: int, to: State = State.SUCCEEDED, outcome: str = "", **columns: Any
) -> None:
    """What the worker and Argo CD make of a step that has begun."""
    step = request.steps.get(position=position)
    assert request_move(step, to=to, outcome=outcome, **columns), step.state


def again(request: ActionRequest) -> ActionRequest:
    """As the database has it now."""
    return ActionRequest.objects.get(pk=request.pk)
