"""The one Application that the contracts of actions may touch, and waiting for what they begin there."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from apps.core.errors import UpstreamError, UpstreamRejected
from apps.integrations.argocd import REASON, REQUEST_ID, REQUESTED_BY, Application, ApplicationDetail, SyncOrder
from apps.integrations.argocd.client import ArgoCDClient

T = TypeVar("T")
PATIENCE = 120.0
PAUSE = 0.1
ATTEMPTS = 5
ENDED = {"Succeeded", "Failed", "Error"}


def until(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds once it finds something; a failure when it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"within {PATIENCE:g} s it did not come about that {what}"
        time.sleep(PAUSE)
    return found


def new_order(**changes: Any) -> SyncOrder:
    """An order with a request id of its own."""
    infos = ((REQUEST_ID, str(uuid.uuid4())), (REASON, "contract tests"), (REQUESTED_BY, "pytest"))
    return SyncOrder(**{"infos": infos, "retry_limit": 1, **changes})


def id_of(order: SyncOrder) -> str:
    """Its request id."""
    return dict(order.infos)[REQUEST_ID]


@dataclass(frozen=True)
class Acting:
    """The Application, as it was listed, and the client of its Argo CD."""

    client: ArgoCDClient
    listed: Application
    is_simulated: bool

    @property
    def place(self) -> dict[str, str]:
        """Its namespace and project, as the client's methods take them."""
        return {"namespace": self.listed.namespace, "project": self.listed.project}

    def sync(self, order: SyncOrder) -> ApplicationDetail:
        """Begins a sync."""
        return self.client.sync(self.listed.name, order=order, **self.place)

    def refusal_of(self, order: SyncOrder) -> UpstreamError | None:
        """Why a sync is refused; None where it was begun."""
        try:
            self.sync(order)
        except UpstreamError as error:
            return error
        return None

    def terminate(self) -> None:
        """Ends what runs."""
        self.client.terminate(self.listed.name, **self.place)

    def refusal_to_terminate(self) -> UpstreamRejected | None:
        """Why nothing was terminated; None where it was."""
        try:
            self.terminate()
        except UpstreamRejected as error:
            return error
        return None

    def refresh(self, *, hard: bool) -> ApplicationDetail:
        """Has it compared again."""
        return self.client.refresh(self.listed.name, hard=hard, **self.place)

    def look(self) -> ApplicationDetail:
        """As it is now."""
        return self.client.application(self.listed.name, **self.place)

    def document(self) -> Any:
        """The same as Argo CD wrote it."""
        answer = self.client.http.get(
            "api",
            "v1",
            "applications",
            self.listed.name,
            query=[("appNamespace", self.listed.namespace), ("project", self.listed.project)],
        )
        return answer.decode(dict[str, Any])

    def idle(self) -> ApplicationDetail:
        """As it is once nothing runs there."""

        def at_rest() -> ApplicationDetail | None:
            told = self.look()
            operation = told.application.operation
            return told if operation is None or operation.phase in ENDED else None

        return until(at_rest, "nothing runs")

    def done(self, order: SyncOrder) -> ApplicationDetail:
        """As it is once the operation of this order has ended."""

        def ended() -> ApplicationDetail | None:
            told = self.look()
            operation = told.application.operation
            is_it = operation is not None and operation.request_id == id_of(order) and operation.phase in ENDED
            return told if is_it else None

        return until(ended, "its operation ended")

    def give_up(self, why: str) -> None:
        """Skips what a real Argo CD is too quick for; the simulated one takes its time."""
        assert not self.is_simulated, why
        pytest.skip(f"{self.client.source}: {why}")


def chosen_by(text: str, client: ArgoCDClient) -> list[Application]:
    """The Applications of an Argo CD that NAME or INSTANCE/NAMESPACE/NAME means."""
    *where, name = text.split("/")
    instance = client.source.partition("/")[2]
    return [
        each for each in client.applications().items if each.name == name and where in ([], [instance, each.namespace])
    ]
