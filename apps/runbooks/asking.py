"""Asking a web server for the files that are linked, and for the images that these show."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from apps.core.errors import UpstreamError, UpstreamUnavailable
from apps.integrations.files import FileAnswer, FileClient

from .texts import TOO_LARGE, is_runbook

TOO_MUCH = "answer is larger than"
REFUSED_WITHOUT_WORDS = "the server answers with a web page (a sign-in page?)"


@dataclass(frozen=True, slots=True)
class Received:
    """A file that may be new or changed: what it holds, None where that is too much."""

    content: bytes | None
    digest: str


@dataclass
class Answers:
    """What became of asking for files: by path. `refused` says in words why a file could not be read now.

    `error` is the source's own: it ended the asking, or every file was refused.
    """

    received: dict[str, Received] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)
    error: UpstreamError | None = None


def files_asked(client: FileClient, paths: Iterable[str], *, tags: Mapping[str, str], ends_at: float) -> Answers:
    """Asks for each of these files until `ends_at` (monotonic); `tags` are by path of those that are known.

    Those that are not known are asked for first, then the others in an order of chance, so that each has its turn.
    """
    answers, refusals = Answers(), list[UpstreamError]()
    waiting = sorted(paths)
    random.shuffle(waiting)
    waiting.sort(key=lambda path: path in tags)
    for position, path in enumerate(waiting):
        if time.monotonic() >= ends_at:
            answers.not_asked = waiting[position:]
            break
        try:
            _take(answers, path, client.file(path, tag=_etag(tags.get(path, ""))))
        except UpstreamUnavailable as error:
            answers.error = error
            break
        except UpstreamError as error:
            if TOO_MUCH in error.message:
                answers.received[path] = Received(None, TOO_LARGE)
                continue
            refusals.append(error)
            answers.refused[path] = error.message
    if refusals and len(refusals) == len(waiting):
        answers.error = refusals[0]
    return answers


def _take(answers: Answers, path: str, answer: FileAnswer) -> None:
    if answer.is_gone:
        answers.gone.add(path)
    elif answer.content is None:
        answers.unchanged.add(path)
    elif "html" in answer.media_type and is_runbook(path):
        answers.refused[path] = REFUSED_WITHOUT_WORDS
    else:
        digest = answer.tag or blake2b(answer.content, digest_size=20).hexdigest()
        answers.received[path] = Received(answer.content, digest)


def _etag(digest: str) -> str:
    """The digest where it is a server's ETag: these stand in quotation marks."""
    return digest if digest.endswith('"') else ""
