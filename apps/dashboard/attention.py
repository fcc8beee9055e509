"""What needs somebody, most urgent first: pure functions over what is known, so that the order can be tested alone.

Everything that needs somebody is a `Problem`. Problems of one cause become one row, in the name of the one that is the
cause: the Applications of a lost cluster, what a failing source leaves unknown, one alert on many clusters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.notes.models import Acknowledgement, Subjects

SHOWN_MEMBERS = 6
PLURALS = {
    "alert": "alerts",
    "Application": "Applications",
    "Application not known": "Applications not known",
    "cluster": "clusters",
    "group of Alertmanagers whose silence proves nothing": "groups of Alertmanagers whose silence proves nothing",
    "source": "sources",
}
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Weight(IntEnum):
    """What is looked at first among problems of one tone and one environment."""

    LOST_CLUSTER = 0
    SLO_ALERT = 1
    CONTROL_PLANE_ALERT = 2
    FAILED_ACTION = 3
    ALERT = 4
    CLUSTER = 5
    APPLICATION = 6
    SOURCE = 7


ALERTS = frozenset({Weight.SLO_ALERT, Weight.CONTROL_PLANE_ALERT, Weight.ALERT})
WEIGHT_WORDS = {
    Weight.LOST_CLUSTER: "a lost cluster",
    Weight.SLO_ALERT: "an alert on an SLO",
    Weight.CONTROL_PLANE_ALERT: "an alert on the control plane",
    Weight.FAILED_ACTION: "a failed sync",
    Weight.ALERT: "an alert",
    Weight.CLUSTER: "a cluster that is not right",
    Weight.APPLICATION: "an Application that is not right",
    Weight.SOURCE: "a source that cannot be trusted",
}


@dataclass(frozen=True)
class Step:
    """The next thing to do about a problem; `is_outside` leads away from the portal."""

    words: str
    url: str
    is_outside: bool = False


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that needs somebody, or `count` things that were counted and not looked at one by one.

    `cause` names what it comes from: problems with one cause are one row, led by the one whose `name` it is. Where
    there is none, or where another weighs more, the most urgent leads, under the title `together` ("{count}
    Applications on production") with the page `together_url` as its next step.
    `noun` is what one is called (see PLURALS), `all_url` a page that shows them all, `application` the one that a
    resync would be about. What can be acknowledged is named by its kind and its subject in the timeline, "cluster/m01".
    """

    name: str
    title: str
    tone: Tone
    weight: Weight
    what: str = ""
    detail: str = ""
    place: str = ""
    environment: str = ""
    since: datetime | None = None
    url: str = ""
    cause: str = ""
    together: str = ""
    together_url: str = ""
    noun: str = ""
    count: int = 1
    all_url: str = ""
    step: Step | None = None
    restore_by: datetime | None = None
    is_doubtful: bool = False
    application: Any = None
    acknowledgement: Acknowledgement | None = None

    @property
    def thing(self) -> tuple[str, str]:
        """Its kind and its subject in the timeline; of another kind than `Subjects` it is no single thing."""
        kind, _, subject = self.name.partition("/")
        return kind, subject

    @property
    def to_acknowledge(self) -> str:
        """The thing in the form that acknowledges it ("cluster|m01"); "" where it is none, or somebody is at it."""
        kind, subject = self.thing
        return f"{kind}|{subject}" if kind in Subjects.values and not self.acknowledgement else ""


def acknowledged_by(problems: Iterable[Problem], overlay: Overlay) -> list[Problem]:
    """The problems, with who is at them."""
    return [
        replace(problem, acknowledgement=said) if (said := overlay.acknowledged(*problem.thing)) else problem
        for problem in problems
    ]


@dataclass(frozen=True)
class Row:
    """One row of the list: the leading problem, what came with it, and why it stands where it does.

    `counts` are noun → how many of `members`; without a cause that leads, `lead` is one of the members. It stands where
    the `most_urgent` of all of them would stand alone, below the others of that tone where somebody is at it.
    """

    lead: Problem
    title: str
    why: str
    most_urgent: Problem
    members: tuple[Problem, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    is_in_the_name_of_all: bool = False
    is_acknowledged: bool = False

    @property
    def step(self) -> Step | None:
        """The next thing to do: about all of them, where the row stands for all."""
        if self.is_in_the_name_of_all and self.lead.together_url:
            return Step("See them all", self.lead.together_url)
        return self.lead.step

    @property
    def leader(self) -> Problem | None:
        """The leading problem; None where it only is the first of several alike."""
        return None if self.lead in self.members else self.lead

    @property
    def application(self) -> Any:
        """The Application that a resync of this row would be about; None where the row is no single one."""
        return None if self.is_in_the_name_of_all else self.lead.application

    @property
    def shown_members(self) -> Sequence[Problem]:
        """The most urgent of the members that can be shown one by one."""
        return [member for member in self.members if member.count == 1][:SHOWN_MEMBERS]

    @property
    def is_spread(self) -> bool:
        """Whether nobody of several members leads, and they are in several places."""
        return self.lead in self.members and len(self.places) > 1

    @property
    def places(self) -> Sequence[str]:
        """Where the members are, each place once."""
        return list(dict.fromkeys(member.place for member in self.members if member.place))

    @property
    def all_links(self) -> Sequence[tuple[str, str]]:
        """(words, address) of the pages that show the members."""
        links = {member.noun: member.all_url for member in self.members}
        return [(counted(self.counts[noun], noun), url) for noun, url in links.items()]

    @property
    def lists(self) -> Sequence[tuple[str, str]]:
        """Those of `all_links` that lead to more than one thing, which `shown_members` need not all show."""
        return [(words, url) for words, url in self.all_links if not words.startswith("1 ")]


def ranked(problems: Iterable[Problem], environments: Sequence[str]) -> list[Row]:
    """The rows, most urgent first; `environments` in the order in which changes reach them, the last weighing most."""
    known = list(problems)
    causes = {problem.name: problem.cause for problem in known}
    by_cause: dict[str, list[Problem]] = {}
    for problem in known:
        by_cause.setdefault(first_cause(problem.name, causes), []).append(problem)
    rows = [folded(cause, together, environments) for cause, together in by_cause.items()]
    return sorted(rows, key=lambda row: place_of(row, environments))


def counted(number: int, noun: str) -> str:
    """ "1 alert", "36 Applications not known"."""
    return f"{number} {noun if number == 1 else PLURALS[noun]}"


def first_cause(name: str, causes: Mapping[str, str]) -> str:
    """The cause of the cause, and so on; a circle ends where it began."""
    seen = {name}
    while (cause := causes.get(name, "")) and cause not in seen:
        seen.add(cause)
        name = cause
    return name


def folded(cause: str, together: Sequence[Problem], environments: Sequence[str]) -> Row:
    """Problems of one cause as one row; an alert in a worse tone than the cause leads in its stead.

    Where they are `together` under one title, one of those leads: what came with them has no such title.
    """
    by_urgency = sorted(together, key=lambda problem: urgency(problem, environments))
    worst_alert = min((problem.tone.rank for problem in by_urgency if problem.weight in ALERTS), default=len(Tone))
    leader = next((each for each in by_urgency if each.name == cause and each.tone.rank <= worst_alert), None)
    alike = [problem for problem in by_urgency if problem.together]
    lead = leader or (alike or by_urgency)[0]
    members = tuple(problem for problem in by_urgency if problem is not leader)
    if leader is None and len(members) == 1 and lead.count == 1:
        members = ()
    counts = Counter[str]()
    for member in members:
        counts[member.noun] += member.count
    is_many = leader is None and bool(members) and bool(lead.together)
    title = lead.together.replace("{count}", str(counts[lead.noun])) if is_many else lead.title
    is_acknowledged = is_somebody_at(leader, by_urgency)
    reason = why(lead, by_urgency[0], environments) + (
        "; below the others, since somebody is at it" if is_acknowledged else ""
    )
    return Row(lead, title, reason, by_urgency[0], members, counts, is_many, is_acknowledged)


def is_somebody_at(leader: Problem | None, together: Sequence[Problem]) -> bool:
    """Whether all of a row is acknowledged: what leads as the cause with the alerts that came with it, or else each.

    What a cause leaves unknown needs nobody of its own.
    """
    pressing = [each for each in together if leader is None or each is leader or each.weight in ALERTS]
    return all(each.acknowledgement for each in pressing)


def place_of(row: Row, environments: Sequence[str]) -> tuple[object, ...]:
    """Sorts as `urgency` does, the acknowledged ones below the others of their tone."""
    tone, *rest = urgency(row.most_urgent, environments)
    return (tone, row.is_acknowledged, *rest)


def urgency(problem: Problem, environments: Sequence[str]) -> tuple[int, int, int, float, str]:
    """Sorts by tone, environment (the last one and none at all first), weight, and then the newest first."""
    place = environments.index(problem.environment) if problem.environment in environments else len(environments) - 1
    since = problem.since or LONG_AGO
    return (problem.tone.rank, -place, problem.weight, -since.timestamp(), problem.name)


def why(lead: Problem, problem: Problem, environments: Sequence[str]) -> str:
    """Why a row ranks where it does, in one sentence: for its most urgent `problem`, be it the leading one or not."""
    reasons = [f"{problem.tone}: {WEIGHT_WORDS[problem.weight]}"]
    if problem is not lead:
        reasons.append("that came with it")
    if problem.environment:
        is_last = len(environments) > 1 and problem.environment == environments[-1]
        reasons.append(f"in {problem.environment}" + (", which weighs most" if is_last else ""))
    return " ".join(reasons) + "; among those, the newest first"
