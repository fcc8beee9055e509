"""Which of the changes before a moment are likely to have led to it, and why each is listed. Pure functions.

The rule. A change's likelihood is the product of three numbers:

* how near its thing stands to what is looked at: the same Application (5), the same namespace of the same cluster (4),
  the same cluster (3), the same component elsewhere (2), the same environment (1);
* what sort of change it is: one that somebody or something made (a revision, a sync, an action, a version: 1); a sign
  of trouble of its own (a node not ready, a cluster lost, another alert that began: 0.7); an effect, which rather
  follows from the same cause (Degraded, OutOfSync, a condition: 0.3); a return to order or a dry run (0.15);
* how shortly before it happened: the number halves with each half hour.

So of two changes that differ in one of these alone the nearer, the more causal, the later one comes first. What is
near in none of the ways, the thing's own lines, alerts that ended and sources that answer again are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from apps.core.ages import duration_words
from apps.core.tones import RANKS, Tone

from .changes import Change, moment_of, told, words_of_all
from .models import QUIET_FIELDS, Kind, Transition

HALVES_WITH = timedelta(minutes=30)
SEEN_LATE = timedelta(minutes=1)
SHOWN = 8
MADE, SIGN, EFFECT, RETURN = 1.0, 0.7, 0.3, 0.15
MADE_FIELDS = frozenset({"revision", "operation", "version", "update", "life", "seen"})
DRY_RUN = "(dry run)"
OPERATIONS = {"Succeeded": "synced", "Failed": "sync failed", "Error": "sync failed", "Running": "sync began"}


class Nearness(Enum):
    """How near a changed thing stands, the nearest first: its number in the rule, and the words for it."""

    APPLICATION = 5, "same Application"
    NAMESPACE = 4, "same namespace"
    CLUSTER = 3, "same cluster"
    COMPONENT = 2, "same component elsewhere"
    ENVIRONMENT = 1, "same environment"

    def __init__(self, weight: int, words: str) -> None:
        self.weight, self.words = weight, words


@dataclass(frozen=True)
class Scene:
    """What is looked at: since when it is so, and where it stands. "" and empty sets are near to nothing.

    `application` is a subject of the timeline; `neighbours` are those of the Applications in the same namespace of the
    same cluster, `twins` those of the same component on other clusters. `itself` is (kind, subject) of the thing whose
    own lines explain nothing.
    """

    moment: datetime
    application: str = ""
    cluster: str = ""
    environment: str = ""
    neighbours: frozenset[str] = frozenset()
    twins: frozenset[str] = frozenset()
    itself: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Suspect:
    """A change with its likelihood (more is likelier) and the reason why it is listed."""

    change: Change
    reason: str
    score: float


class Judged(NamedTuple):
    """A line with how near its thing stands, when it happened, and how likely it is."""

    line: Transition
    nearness: Nearness
    moment: datetime
    score: float


def suspects_of(lines: Iterable[Transition], scene: Scene, *, most: int = SHOWN) -> list[Suspect]:
    """The likeliest changes first. What happened to one thing within a minute is one, what happened alike too."""
    things: dict[tuple[str, ...], list[Judged]] = {}
    for judged in sorted(judged_of(lines, scene), key=lambda each: each.moment, reverse=True):
        line = judged.line
        things.setdefault((line.kind, line.subject, f"{judged.moment:%d %H:%M}"), []).append(judged)
    alike: dict[tuple[str, str, str, Nearness], list[list[Judged]]] = {}
    for (kind, _, minute), of_thing in things.items():
        words = words_of_suspect([each.line for each in of_thing])
        alike.setdefault((kind, minute, words, of_thing[0].nearness), []).append(of_thing)
    likeliest = sorted(alike.items(), key=lambda each: -strength_of(each[1]))
    return [suspect(together, words, scene) for (_, _, words, _), together in likeliest[:most]]


def judged_of(lines: Iterable[Transition], scene: Scene) -> Iterator[Judged]:
    """The lines that can explain anything: not the thing's own, not after it, near in some way."""
    for line in lines:
        moment = moment_of(line)
        nearness = nearness_of(line, scene) if moment <= scene.moment + SEEN_LATE and is_told(line, scene) else None
        if nearness:
            yield Judged(line, nearness, moment, score_of(line, scene, nearness, moment))


def is_told(line: Transition, scene: Scene) -> bool:
    """Whether a line is of a sort that can explain anything."""
    if line.field in QUIET_FIELDS or (line.kind, line.subject) == scene.itself:
        return False
    if line.kind == Kind.ALERT:
        return line.after == "begins"
    return line.kind != Kind.SOURCE or sort_of(line) != RETURN


def nearness_of(line: Transition, scene: Scene) -> Nearness | None:
    """How near what changed stands; None for what stands nowhere near."""
    subject = line.application or line.subject
    if scene.application and subject == scene.application:
        return Nearness.APPLICATION
    if subject in scene.neighbours:
        return Nearness.NAMESPACE
    if scene.cluster and line.cluster == scene.cluster:
        return Nearness.CLUSTER
    if subject in scene.twins:
        return Nearness.COMPONENT
    return Nearness.ENVIRONMENT if scene.environment and line.environment == scene.environment else None


def sort_of(line: Transition) -> float:
    """What sort of change it is: its number in the rule."""
    if line.kind == Kind.ACTION or line.field in MADE_FIELDS:
        return RETURN if DRY_RUN in line.after else MADE
    if line.tone in RANKS and not Tone(line.tone).needs_somebody:
        return RETURN
    return EFFECT if line.kind == Kind.APPLICATION else SIGN


def score_of(line: Transition, scene: Scene, nearness: Nearness, moment: datetime) -> float:
    """The likelihood of one line by the rule."""
    before = max(timedelta(), scene.moment - moment)
    return nearness.weight * sort_of(line) * float(0.5 ** (before / HALVES_WITH))


def suspect(together: list[list[Judged]], words: str, scene: Scene) -> Suspect:
    """What happened alike to several things, with the reason why it is listed."""
    change = told(words, [[each.line for each in of_thing] for of_thing in together])
    before = scene.moment - change.at
    when = f"{duration_words(before)} before" if before >= timedelta(seconds=1) else "at the same moment"
    nearness = together[0][0].nearness
    return Suspect(change, f"{when}, {nearness.words}", strength_of(together))


def strength_of(together: Iterable[list[Judged]]) -> float:
    """The likelihood of the likeliest line."""
    return max(each.score for of_thing in together for each in of_thing)


def words_of_suspect(lines: list[Transition]) -> str:
    """What was done to the thing within the minute, without what followed of it; all that happened where nothing was.

    As the timeline tells it; an operation by what it did.
    """
    made = [line for line in lines if sort_of(line) == MADE]
    told_of = made or lines
    operation = next((line for line in told_of if line.field == "operation"), None)
    words = OPERATIONS.get(operation.after, "") if operation else ""
    if not words:
        return words_of_all(told_of)
    others = [line for line in told_of if line.field != "operation"]
    return f"{words}, {words_of_all(others)}" if others else words
