"""Which runbooks hold some words: looked for in their texts, which this process keeps until a runbook changes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, Sum
from django.db.models.functions import Length

from apps.core.keeping import Keeper, is_younger
from apps.core.topics import version_of

from .models import Runbook

TOPIC = "runbooks"
FIELDS = ("title", "path", "text")
MOST_LETTERS = 30_000_000
"""Of all texts together; of more than that none is kept, and the database looks."""
KEPT_SECONDS, BORNE_SECONDS = 900.0, 15.0

Texts = dict[int, str]
TEXTS: Keeper[tuple[int, Texts | None]] = Keeper(1)


def runbooks_with(part: str) -> Q:
    """The runbooks that hold every word of `part` somewhere in title, path or text, in any order and case."""
    words = part.casefold().split()
    if not words:
        return Q()
    texts = texts_now()
    if texts is None:
        return asked_of_database(words)
    return Q(pk__in=[pk for pk, text in texts.items() if all(word in text for word in words)])


def texts_now() -> Texts | None:
    """The texts by key, made alike in case; None where there are too many. One query while none has changed."""
    version = version_of([TOPIC])
    return TEXTS.get(
        TOPIC,
        is_good=lambda kept, age: kept[0] == version and is_younger(age, KEPT_SECONDS),
        is_bearable=lambda _, age, worse: is_younger(worse, BORNE_SECONDS),
        make=lambda: (version_of([TOPIC]), texts_read()),
    )[1]


def texts_read() -> Texts | None:
    """The same, read. Two queries."""
    if (Runbook.objects.aggregate(letters=Sum(Length("text")))["letters"] or 0) > MOST_LETTERS:
        return None
    return {pk: "\n".join(told).casefold() for pk, *told in Runbook.objects.values_list("pk", *FIELDS)}


def asked_of_database(words: Iterable[str]) -> Q:
    """Slower, and of letters beyond ASCII SQLite knows one case only."""
    fitting = Q()
    for word in words:
        fitting &= Q(title__icontains=word) | Q(path__icontains=word) | Q(text__icontains=word)
    return fitting
