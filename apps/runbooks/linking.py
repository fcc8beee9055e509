"""What is known of the runbooks under web addresses; this process keeps it until runbooks or the fleet file change."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from apps.alerts.support import Linked, Links, RunbookWord
from apps.core.addresses import page_address
from apps.core.topics import version_of
from apps.sources.fleetfile import FleetFile, fleet_file_or_empty

from .finding import Finding, Found, runbooks_found
from .rendering.places import anchor_of

TOPIC = "runbooks"
MOST_KEPT = 10_000
WORDS = {
    Finding.FOUND: RunbookWord.FOUND,
    Finding.WITHOUT: RunbookWord.WITHOUT,
    Finding.EMPTY: RunbookWord.EMPTY,
    Finding.DEAD: RunbookWord.DEAD,
    Finding.NOT_CONFIGURED: RunbookWord.NOT_CONFIGURED,
    Finding.UNREAD: RunbookWord.UNREAD,
}


class KeptLinks:
    """The links of one fleet file and one version of the runbooks. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._standing: tuple[FleetFile, int] | None = None
        self._kept: dict[str, Linked] = {}

    def get(self, fleet: FleetFile, version: int, urls: Iterable[str]) -> Links:
        """Those of the URLs, looked up where they are not kept."""
        wanted = set(urls)
        with self._lock:
            is_same = self._standing is not None and self._standing[0] is fleet and self._standing[1] == version
            kept = dict(self._kept) if is_same and len(self._kept) < MOST_KEPT else {}
        missing = wanted - kept.keys()
        if missing:
            kept |= links_found(fleet, missing)
            with self._lock:
                self._standing, self._kept = (fleet, version), kept
        return kept


KEPT = KeptLinks()


def links_now(urls: Iterable[str]) -> Links:
    """What is known of the runbooks under these addresses. One query; three more for those not asked for lately."""
    fleet = fleet_file_or_empty()
    return KEPT.get(fleet, version_of([TOPIC]), urls) if fleet.runbooks else {}


def links_found(fleet: FleetFile, urls: Iterable[str]) -> dict[str, Linked]:
    """The same, looked up in any case; no query where no source is configured."""
    found = runbooks_found(fleet, urls) if fleet.runbooks else {}
    return {url: linked_of(told) for url, told in found.items() if url}


def linked_of(found: Found) -> Linked:
    """As lists of alerts show it."""
    address = found.address
    page = page_address("runbooks:runbook-show", address.source, address.path) if address and found.runbook else ""
    fragment = f"#{anchor_of(address.fragment)}" if page and address and address.fragment else ""
    return Linked(WORDS[found.state], f"{page}{fragment}", found.unread, address.source if address else "")
