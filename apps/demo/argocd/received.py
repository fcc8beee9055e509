"""What a simulated Argo CD was asked to do and how it answered: what a test compares a client's own story with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from apps.demo.agenda import fine_moment
from apps.demo.http import Reply, Request
from apps.demo.world.applications import ArgoInstance, Operation

KEPT = 50_000
REQUEST_ID = "portal.request-id"


@dataclass(slots=True)
class Entry:
    """One sync or terminate that came in.

    `status` and `message` are of the answer that was made, None and empty where a fault stood in its place and nothing
    was done; a `fault` beside a status spoiled the answer on its way. `operation` is what it began, or ended.
    """

    at: datetime
    action: str
    application: str
    request_id: str
    is_dry_run: bool
    fault: str
    status: int | None = None
    message: str = ""
    operation: Operation | None = None

    def document(self) -> dict[str, Any]:
        """For the control endpoint. `ends` is the request id of the operation that a terminate ended.

        `outcome` is the phase in which the operation ended, empty while it runs and where none was touched.
        """
        of_operation = _request_id(self.operation.infos) if self.operation else ""
        return {
            "at": fine_moment(self.at),
            "action": self.action,
            "application": self.application,
            "request_id": self.request_id,
            "ends": of_operation if self.action == "terminate" else "",
            "dry_run": self.is_dry_run,
            "fault": self.fault,
            "status": self.status,
            "message": self.message,
            "outcome": self.operation.outcome if self.operation else "",
        }


class Received:
    """The syncs and terminates of one instance, oldest first."""

    def __init__(self, instance: ArgoInstance, now: Callable[[], datetime]) -> None:
        self._instance = instance
        self._now = now
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._latest: Request | None = None

    def note_request(self, request: Request, fault: str) -> None:
        """Write a request down, if it is one of those, before it is answered; with a fault if that answers it."""
        match request.method, request.segments[2:]:
            case "POST", ("applications", name, "sync"):
                body = request.fields()
                request_id, is_dry_run = _request_id(body.get("infos")), bool(body.get("dryRun"))
                entry = Entry(self._now(), "sync", name, request_id, is_dry_run, fault)
            case "DELETE", ("applications", name, "operation"):
                entry = Entry(self._now(), "terminate", name, "", is_dry_run=False, fault=fault)
            case _:
                return
        self._entries.append(entry)
        self._latest = request

    def note_answer(self, request: Request, reply: Reply) -> None:
        """Write down how the last request that came in was answered, if it is this one."""
        if request is not self._latest:
            return
        entry = self._entries[-1]
        entry.status, self._latest = reply.status, None
        if reply.status != 200:
            entry.message = _message(reply)
        else:
            entry.operation = self._instance.applications[entry.application].operation

    def documents(self) -> list[dict[str, Any]]:
        """All of them."""
        return [entry.document() for entry in self._entries]

    def clear(self) -> None:
        """Start from nothing."""
        self._entries.clear()
        self._latest = None


def _request_id(infos: Any) -> str:
    pairs = [each for each in infos if isinstance(each, dict)] if isinstance(infos, list) else []
    return next((str(each.get("value", "")) for each in pairs if each.get("name") == REQUEST_ID), "")


def _message(reply: Reply) -> str:
    try:
        return str(msgspec.json.decode(reply.body)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):  # a refusal in plain text
        return reply.body.decode(errors="replace").strip()
