"""One complete read of an instance's Applications: the list, then the stream's replay of it.

This is what the periodic task does while no follow process holds the instance; the two never write at once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from apps.core.errors import UpstreamError
from apps.integrations.argocd import Application as Told
from apps.integrations.argocd import ApplicationStream, ArgoCDClient
from apps.integrations.listing import Unreadable
from apps.sources.catalog import SourceSpec
from apps.sources.clients import argocd_client
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.reading import ReadOutcome

from .collecting import DELETED, Collected, Listed, applications_list, applications_reconcile
from .merging import key_of

Key = tuple[str, str]
REPLAY_SILENCE = 10.0
REPLAY_DEADLINE = 20.0


def applications_read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    """Reads and takes in all Applications of the instance `spec.group`. Raises UpstreamError.

    Where the stream cannot be read, what only it tells (conditions, uid) stays as it was known, and the note says so.
    """
    client = argocd_client(fleet, spec.key)
    listed = applications_list(client=client, instance=spec.group)
    replayed, stream_error = replay_read(client=client, keys=listed.items)
    collected = applications_reconcile(fleet=fleet, instance=spec.group, listed=listed, replayed=replayed)
    return outcome_of(listed, collected, stream_error=stream_error)


def replay_read(*, client: ArgoCDClient, keys: Collection[Key]) -> tuple[dict[Key, Told], str]:
    """(what the stream replays on connect of the Applications `keys`, why it could not be read or "").

    A replay has no end mark: it is over when all were told, or nothing more comes, or at REPLAY_DEADLINE.
    """
    told: dict[Key, Told] = {}
    missing = set(keys)
    if not missing:
        return told, ""
    try:
        with client.stream(idle_timeout=REPLAY_SILENCE) as stream, closed_after(REPLAY_DEADLINE, stream):
            for event in stream:
                key = key_of(event.application)
                missing.discard(key)
                if event.type != DELETED:
                    told[key] = event.application
                if not missing:
                    break
    except UpstreamError as error:
        return told, "" if told else error.message
    return told, ""


@contextmanager
def closed_after(seconds: float, stream: ApplicationStream) -> Iterator[None]:
    """Within it the stream ends after so long, whatever keep-alives come without an event."""
    end = threading.Timer(seconds, stream.close)
    end.daemon = True
    end.start()
    try:
        yield
    finally:
        end.cancel()


def outcome_of(listed: Listed, collected: Collected, *, stream_error: str = "", lost_events: int = 0) -> ReadOutcome:
    """What becomes of the source's row. `lost_events` of the stream could not be read."""
    notes = [listed.doubt, listed.drop, f"its stream cannot be read: {stream_error}" if stream_error else ""]
    return ReadOutcome(
        items=collected.total,
        unreadable=len(listed.unreadable) + lost_events,
        unreadable_reason=_reason(listed.unreadable) or ("events of its stream" if lost_events else ""),
        note="; ".join(filter(None, notes)),
        warnings=listed.warnings,
        facts=listed.facts,
    )


def _reason(unreadable: Collection[Unreadable]) -> str:
    return next((f"{item.name or f'item {item.index}'}: {item.reason}" for item in unreadable), "")
