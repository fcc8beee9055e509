"""Writing down what was read of a source: only what changed, with the topic raised last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.core.clock import database_now
from apps.core.text import clean
from apps.core.topics import raise_topics

from .models import Runbook, RunbookFile, RunbookMiss, RunbookTree

TOPIC = "runbooks"
WRITTEN = ("title", "text", "revision", "changed_at", "changed_by", "problem", "digest", "read_at")
FACTS = ("revision", "changed_at", "changed_by")
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Told:
    """A runbook that is new or changed; `revision`, `changed_at` and `changed_by` as in Runbook."""

    path: str
    digest: str
    title: str
    text: str
    problem: str
    revision: str
    changed_at: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is new or changed."""

    path: str
    digest: str
    content_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How what was read differs from the rows. Paths that are in none of these stay as they are.

    `facts` are revision, changed_at and changed_by of runbooks whose content is the same; `missed` all paths that a
    source that is not whole was asked for in vain and still wants.
    """

    told: tuple[Told, ...] = ()
    facts: Mapping[str, tuple[str, datetime | None, str]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    images: tuple[Image, ...] = ()
    images_gone: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()
    missed_no_more: frozenset[str] = frozenset()

    @property
    def is_any(self) -> bool:
        """Whether anything changes."""
        parts = (self.told, self.facts, self.gone, self.images, self.images_gone, self.missed, self.missed_no_more)
        return any(parts)


def runbooks_write(*, source: str, revision: str, is_whole: bool, differences: Differences) -> None:
    """Writes the differences of a source down, and that it was read now."""
    with transaction.atomic():
        now = database_now()
        known = RunbookTree.objects.filter(source=source).values_list("revision", "is_whole").first()
        RunbookTree.objects.update_or_create(
            source=source, defaults={"revision": revision, "is_whole": is_whole, "read_at": now}
        )
        _write_runbooks(source, differences, now)
        _write_images(source, differences)
        _write_misses(source, differences, now)
        if differences.is_any or known != (revision, is_whole):
            raise_topics([TOPIC])


def runbooks_forget(*, sources: Iterable[str]) -> None:
    """Lets go of all that was read of sources that are not among these any more."""
    kept = list(sources)
    if not RunbookTree.objects.exclude(source__in=kept).exists():
        return
    with transaction.atomic():
        for rows in (Runbook.objects, RunbookFile.objects, RunbookMiss.objects, RunbookTree.objects):
            rows.exclude(source__in=kept).delete()
        raise_topics([TOPIC])


def _write_runbooks(source: str, differences: Differences, now: datetime) -> None:
    rows = [
        Runbook(
            source=source,
            path=told.path,
            digest=told.digest,
            title=told.title,
            text=told.text,
            problem=clean(told.problem, 300),
            revision=clean(told.revision, 100),
            changed_at=told.changed_at,
            changed_by=clean(told.changed_by, 300),
            read_at=now,
        )
        for told in differences.told
    ]
    Runbook.objects.bulk_create(
        rows, batch_size=AT_ONCE, update_conflicts=True, unique_fields=["source", "path"], update_fields=WRITTEN
    )
    for path, facts in differences.facts.items():
        Runbook.objects.filter(source=source, path=path).update(**dict(zip(FACTS, facts, strict=True)))
    Runbook.objects.filter(source=source, path__in=differences.gone).delete()


def _write_images(source: str, differences: Differences) -> None:
    rows = [
        RunbookFile(
            source=source, path=image.path, digest=image.digest, content_type=image.content_type, data=image.data
        )
        for image in differences.images
    ]
    changed = ["digest", "content_type", "data"]
    RunbookFile.objects.bulk_create(
        rows, batch_size=AT_ONCE, update_conflicts=True, unique_fields=["source", "path"], update_fields=changed
    )
    RunbookFile.objects.filter(source=source, path__in=differences.images_gone).delete()


def _write_misses(source: str, differences: Differences, now: datetime) -> None:
    RunbookMiss.objects.bulk_create(
        [RunbookMiss(source=source, path=path, since=now) for path in differences.missed], ignore_conflicts=True
    )
    RunbookMiss.objects.filter(source=source, path__in=differences.missed_no_more).delete()
