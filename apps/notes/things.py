"""Which things can be acknowledged and noted on: the rooms above say how theirs are found, and which are not well."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from apps.core.addresses import page_address
from apps.core.errors import RuleViolation

from .models import Subjects

PAGES = {
    Subjects.ALERT: "dashboard:alert-show",
    Subjects.APPLICATION: "dashboard:application-show",
    Subjects.CLUSTER: "dashboard:cluster-show",
}
PANEL = "said"


@dataclass(frozen=True)
class Thing:
    """An alert, an Application or a cluster, with where it lies, by which a person's scope is asked.

    `subject` names it as the timeline does. `is_gone`: nobody watches it any more, but its name is kept.
    """

    kind: Subjects
    subject: str
    title: str
    cluster: str = ""
    environment: str = ""
    project: str = ""
    is_gone: bool = False

    @property
    def url(self) -> str:
        """The portal's page about it; "" where its name cannot stand in an address."""
        return address_of(self.kind, self.subject)


@dataclass(frozen=True)
class Finder:
    """How a room above finds its things: one by its subject, and of many subjects those that are not well now."""

    find: Callable[[str], Thing | None]
    unwell: Callable[[Collection[str]], Collection[str]]


FINDERS: dict[Subjects, Finder] = {}


def things_register(kind: Subjects, finder: Finder) -> None:
    """Called once by the room of that kind of thing, when it is ready."""
    FINDERS[kind] = finder


def thing_found(kind: str, subject: str) -> Thing:
    """The thing of that name. Raises RuleViolation where there is none (any more)."""
    if kind not in FINDERS:
        raise RuleViolation("The form names nothing that can be acknowledged")
    known = Subjects(kind)
    thing = FINDERS[known].find(subject)
    if thing is None:
        raise RuleViolation(f"There is no such {known.label} any more")
    return thing


def is_gone(kind: str, subject: str) -> bool:
    """Whether there is no such thing any more; of a kind that no room knows nothing is gone."""
    finder = FINDERS.get(Subjects(kind))
    thing = finder.find(subject) if finder else None
    return finder is not None and (thing is None or thing.is_gone)


def unwell_among(keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the things, (kind, subject), that are not well now; of a kind that no room knows, all of them."""
    found: set[tuple[str, str]] = set()
    for kind in {kind for kind, _ in keys}:
        subjects = {subject for of_kind, subject in keys if of_kind == kind}
        finder = FINDERS.get(Subjects(kind))
        found |= {(kind, subject) for subject in (finder.unwell(subjects) if finder else subjects)}
    return found


def address_of(kind: str, subject: str) -> str:
    """The portal's page about a thing; "" where its name cannot stand in an address."""
    names = [subject] if kind == Subjects.CLUSTER else subject.split("/")
    return page_address(PAGES[Subjects(kind)], *names)
