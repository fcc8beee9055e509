"""Whether an alert is supported: of the control plane always, of the data plane where it has a runbook.

Rooms above know the runbooks. They put into FINDERS who says of an alert's `runbook_url` what is known of the runbook;
while nobody does, no source covers any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from apps.core.links import safe_link
from apps.core.tones import Tone

from .models import Episode

RUNBOOK_KEYS = ("runbook_url", "runbook")
HAS_RUNBOOK_KEY = Q(annotations__has_any_keys=list(RUNBOOK_KEYS))
HAS_MISNAMED_RUNBOOK = Q(annotations__has_key="runbook") & ~Q(annotations__has_key="runbook_url")


class RunbookWord(StrEnum):
    """What is known of the runbook that an alert or a rule links."""

    FOUND = "found"
    WITHOUT = "none"
    EMPTY = "empty"
    NO_ADDRESS = "no-address"
    DEAD = "dead"
    NOT_CONFIGURED = "not-configured"
    UNREAD = "not-known"


LACKING = frozenset({RunbookWord.WITHOUT, RunbookWord.EMPTY, RunbookWord.NO_ADDRESS, RunbookWord.DEAD})
BY_WORD: Mapping[RunbookWord, tuple[Tone, str]] = {
    RunbookWord.FOUND: (Tone.WELL, "supported as data plane: alert and runbook"),
    RunbookWord.WITHOUT: (Tone.WARNING, "not supported: no runbook"),
    RunbookWord.EMPTY: (Tone.WARNING, "not supported: its runbook link is empty"),
    RunbookWord.NO_ADDRESS: (Tone.WARNING, "not supported: its runbook is not a web address"),
    RunbookWord.DEAD: (Tone.WARNING, "not supported: its runbook is not there"),
    RunbookWord.NOT_CONFIGURED: (Tone.UNKNOWN, "not known whether supported: no source here covers its runbook"),
    RunbookWord.UNREAD: (Tone.UNKNOWN, "not known yet: its runbook was never read"),
}
MISNAMED = "its runbook stands under “runbook”, not “runbook_url”"
BY_NAME = frozenset({RunbookWord.FOUND, RunbookWord.WITHOUT, RunbookWord.NOT_CONFIGURED, RunbookWord.UNREAD})
"""What a runbook under the other annotation may be known as, for this to be what is to be mended first."""
CONTROL_PLANE = "supported by AppSRE: control plane"


@dataclass(frozen=True, slots=True)
class Linked:
    """What is known of a linked runbook, and the portal's page that shows it ("" where there is none).

    `unread` says why there is nothing to read in it, "" where there is; `source` is its source's name, "" for none.
    """

    word: RunbookWord
    page: str = ""
    unread: str = ""
    source: str = ""


Links = Mapping[str, Linked]
FINDERS: list[Callable[[Iterable[str]], Links]] = []
"""Who knows runbooks says here what is known of those under some web addresses: one query for what was asked lately."""


@dataclass(frozen=True, slots=True)
class Support:
    """The verdict in words and as a tone; the runbook's address, its page in the portal and the name of its source, ""
    where there is none; `unread` as Linked has it."""

    words: str
    tone: Tone
    word: RunbookWord
    runbook: str = ""
    page: str = ""
    source: str = ""
    unread: str = ""


def supports_of(episodes: Iterable[Episode]) -> dict[int, Support]:
    """The verdict on each alert, by its primary key."""
    told = {each.pk: (each.is_control_plane, url_told(each), is_misnamed(each)) for each in episodes}
    links = links_to(url for _, url, _ in told.values())
    return {
        key: support_of(is_control_plane=is_own, url=url, links=links, is_misnamed=is_odd)
        for key, (is_own, url, is_odd) in told.items()
    }


def support_of(*, is_control_plane: bool, url: str | None, links: Links, is_misnamed: bool = False) -> Support:
    """The verdict on an alert, or a rule, that links this runbook; None where it has no such annotation.

    `is_misnamed` where its runbook stands under the annotation `runbook` alone, which the agreement does not count.
    """
    linked = linked_by(url, links)
    tone, words = (Tone.WELL, CONTROL_PLANE) if is_control_plane else told_of(linked)
    if is_misnamed and not is_control_plane and linked.word in BY_NAME and not linked.unread:
        tone, words = Tone.WARNING, MISNAMED
    return Support(words, tone, linked.word, web_address(url), linked.page, linked.source, linked.unread)


def told_of(linked: Linked) -> tuple[Tone, str]:
    """The verdict on an alert of the data plane: a file in which there is nothing to read supports nobody."""
    return (Tone.WARNING, f"its runbook cannot be read: {linked.unread}") if linked.unread else BY_WORD[linked.word]


def linked_by(url: str | None, links: Links) -> Linked:
    """What is known of the runbook under a `runbook_url` as it was told."""
    if url is None:
        return Linked(RunbookWord.WITHOUT)
    if not url.strip():
        return Linked(RunbookWord.EMPTY)
    address = web_address(url)
    return links.get(address, Linked(RunbookWord.NOT_CONFIGURED)) if address else Linked(RunbookWord.NO_ADDRESS)


def links_to(urls: Iterable[str | None]) -> Links:
    """What is known of the runbooks under those of the texts that are web addresses."""
    addresses = {address for url in urls if (address := web_address(url))}
    return FINDERS[-1](addresses) if FINDERS and addresses else {}


def web_address(url: str | None) -> str:
    """The address as a link, without the white space that YAML leaves behind it; "" for what is none."""
    return safe_link((url or "").rstrip())


def url_told(episode: Episode) -> str | None:
    """The alert's `runbook_url`; None where it has no such annotation: a list that reads none annotates `tells_runbook`
    (HAS_RUNBOOK_KEY)."""
    if episode.runbook_url:
        return episode.runbook_url
    told = getattr(episode, "tells_runbook", None)
    is_told = any(key in episode.annotations for key in RUNBOOK_KEYS) if told is None else told
    return "" if is_told else None


def is_misnamed(episode: Episode) -> bool:
    """Whether its runbook stands under `runbook` alone; a list that reads no annotations annotates
    `misnames_runbook` (HAS_MISNAMED_RUNBOOK)."""
    told = getattr(episode, "misnames_runbook", None)
    return "runbook" in episode.annotations and "runbook_url" not in episode.annotations if told is None else bool(told)
