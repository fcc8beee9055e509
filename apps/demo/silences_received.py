"""What a simulated Alertmanager was asked to silence, and how it answered: a client's story is compared with it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec

from apps.demo.agenda import fine_moment
from apps.demo.http import Reply, Request

KEPT = 50_000
REQUEST_ID = re.compile(r"\[request ([0-9a-f-]{36})\]\s*$")


@dataclass(slots=True)
class Entry:
    """One silence that was asked for, changed or expired.

    `silence` is the id that it named ("" for a new one), `made` the id that was told; `status` is of the answer that
    was made, None where a fault stood in its place and nothing was done; a `fault` beside a status spoiled the answer.
    """

    at: str
    action: str
    silence: str
    request_id: str
    fault: str
    status: int | None = None
    made: str = ""


class SilencesReceived:
    """The POSTs and DELETEs of one server, oldest first."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._latest: Request | None = None

    def note_request(self, request: Request, fault: str) -> None:
        """Write a request down, if it is one of those, before it is answered; with a fault if that answers it."""
        match request.method, request.segments:
            case "POST", (*_, "silences"):
                told = request.fields()
                found = REQUEST_ID.search(str(told.get("comment", "")))
                entry = ("silence", str(told.get("id") or ""), found[1] if found else "")
            case "DELETE", (*_, "silence", silence_id):
                entry = ("expire", silence_id, "")
            case _:
                return
        self._entries.append(Entry(fine_moment(self._now()), *entry, fault))
        self._latest = request

    def note_answer(self, request: Request, reply: Reply) -> None:
        """Write down how the last request that came in was answered, if it is this one."""
        if request is not self._latest:
            return
        entry, self._latest = self._entries[-1], None
        entry.status = reply.status
        if entry.action == "silence" and reply.status == 200:
            entry.made = msgspec.json.decode(reply.body)["silenceID"]

    def documents(self) -> list[dict[str, Any]]:
        """All of them."""
        return [asdict(entry) for entry in self._entries]

    def clear(self) -> None:
        """Start from nothing."""
        self._entries.clear()
        self._latest = None
