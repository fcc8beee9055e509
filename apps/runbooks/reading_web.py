"""Reading a web server's runbooks: those that are linked, and those that were read before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.core.connections import connection_let_go
from apps.core.text import counted
from apps.integrations.http import CallFacts
from apps.sources.catalog import SourceSpec
from apps.sources.fleetfile.runbooks import HttpPlace, RunbookSource
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.reading import ReadOutcome
from apps.sources.runbook_clients import file_client

from .asking import Answers, Received, files_asked
from .models import Runbook, RunbookFile, RunbookMiss
from .services import Differences, Image, Told, runbooks_write
from .texts import TOO_LARGE, image_type, images_named, unreadable, written
from .wanted import paths_wanted

FEWEST_TO_DOUBT = 4


@dataclass(frozen=True)
class _Asked:
    """What is to be asked for, and what is known of it by digest."""

    wanted: frozenset[str]
    runbooks: Mapping[str, str]
    images: Mapping[str, str]
    missed: frozenset[str]


def web_read(spec: SourceSpec, fleet: FleetFile, source: RunbookSource, place: HttpPlace) -> ReadOutcome:
    """Asks for each of its files and writes down what came. Raises UpstreamError, after that."""
    asked = _Asked(
        paths_wanted(fleet, source.name),
        dict(Runbook.objects.filter(source=source.name).values_list("path", "digest")),
        dict(RunbookFile.objects.filter(source=source.name).values_list("path", "digest")),
        frozenset(RunbookMiss.objects.filter(source=source.name).values_list("path", flat=True)),
    )
    kept = list(Runbook.objects.filter(source=source.name).values_list("path", "text"))
    connection_let_go()
    ends_at = time.monotonic() + spec.deadline
    with file_client(spec.key, source, place) as client:
        answers = files_asked(client, asked.wanted | asked.runbooks.keys(), tags=asked.runbooks, ends_at=ends_at)
        texts = dict(kept) | {path: _text(path, received) for path, received in answers.received.items()}
        shown = frozenset().union(*(images_named(source.name, path, text) for path, text in texts.items()))
        images = files_asked(client, shown, tags=asked.images, ends_at=ends_at)
        facts = client.last
    doubt = _doubt(answers, asked)
    differences = _differences(asked, answers, images, shown, is_doubted=bool(doubt))
    runbooks_write(source=source.name, revision="", is_whole=False, differences=differences)
    if answers.error:
        raise answers.error
    return _outcome(source.name, answers, [doubt, _images_told(images)], facts)


def _text(path: str, received: Received) -> str:
    return "" if received.content is None else written(path, received.content).text


def _doubt(answers: Answers, asked: _Asked) -> str:
    """A remark where half of what was there or more is gone at once: perhaps we may not see it now (decision 1).

    Each of them is kept until it is said once more, by its name, that it is not there.
    """
    gone = len((answers.gone & asked.runbooks.keys()) - asked.missed)
    if len(asked.runbooks) < FEWEST_TO_DOUBT or gone * 2 < len(asked.runbooks):
        return ""
    told = f"it has {gone} of {len(asked.runbooks)} runbooks no more; they are kept until it says so again"
    return f"may have lost its rights: {told}"


def _images_told(images: Answers) -> str:
    """A remark on the images that could not be read now: runbooks are read without them."""
    if images.error and not images.refused:
        return f"images not read: {images.error.message}"
    first = next(iter(sorted(images.refused.items())), None)
    return f"{counted(len(images.refused), 'image')} not read: {first[0]}: {first[1]}" if first else ""


def _differences(
    asked: _Asked, answers: Answers, images: Answers, shown: frozenset[str], *, is_doubted: bool
) -> Differences:
    gone = answers.gone & asked.runbooks.keys()
    confirmed = gone & asked.missed if is_doubted else gone
    missed = (answers.gone & asked.wanted) | (gone - confirmed)
    found = answers.received.keys() | answers.unchanged
    return Differences(
        told=tuple(
            _told(path, received)
            for path, received in answers.received.items()
            if received.digest != asked.runbooks.get(path)
        ),
        gone=frozenset(confirmed),
        images=tuple(_images(images, asked.images)),
        images_gone=frozenset((asked.images.keys() - shown) | (images.gone & asked.images.keys())),
        missed=frozenset(missed - asked.missed),
        missed_no_more=frozenset(asked.missed & (found | (asked.missed - asked.wanted - (gone - confirmed)))),
    )


def _told(path: str, received: Received) -> Told:
    text = unreadable(path, TOO_LARGE) if received.content is None else written(path, received.content)
    return Told(path, received.digest, text.title, text.text, text.problem, received.digest)


def _images(answers: Answers, known: Mapping[str, str]) -> Iterator[Image]:
    for path, received in answers.received.items():
        kind = image_type(received.content or b"")
        if received.content and kind and received.digest != known.get(path):
            yield Image(path, received.digest, kind, received.content)


def _outcome(source: str, answers: Answers, remarks: list[str], facts: CallFacts | None) -> ReadOutcome:
    rows = Runbook.objects.filter(source=source)
    broken = dict(rows.exclude(problem="").values_list("path", "problem")) | answers.refused
    late = f"{counted(len(answers.not_asked), 'file')} not asked for in time" if answers.not_asked else ""
    return ReadOutcome(
        items=rows.count(),
        unreadable=len(broken),
        unreadable_reason=next((f"{path}: {problem}" for path, problem in sorted(broken.items())), ""),
        note=" · ".join(filter(None, [*remarks, late])),
        facts=facts,
    )
