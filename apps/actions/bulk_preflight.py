"""A bulk before it is written down: its waves, and what speaks against each member and against the whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import msgspec

from apps.core.errors import RuleViolation
from apps.fleet.overlay import overlay_now
from apps.gitops.models import Application
from apps.sources.fleetfile.current import fleet_file_in_force

from .case import Answer, Bulk, Finding, Rules, Who, is_sign_in_fresh
from .guards import GUARDS
from .many import cases_of
from .options import Options
from .policies import rules_for_bulk
from .preflight import Ask, Preflight, Weighed, rules_missing
from .states import Action
from .stepping import identity_of
from .waves import Wave, waves_of


@dataclass(frozen=True, kw_only=True)
class BulkAsk:
    """What a person asks for, with what they gave for it. `digest` is of the selection that they saw, "" for none.

    `typed_name` is the number of Applications that go, as text.
    """

    request_id: UUID
    who: Who
    applications: tuple[Application, ...]
    options: Options
    digest: str = ""
    reason: str = ""
    ticket: str = ""
    typed_name: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True)
class BulkWave:
    """A wave as it is shown: each Application with the guards' answers."""

    number: int
    words: str
    members: tuple[Preflight, ...]


@dataclass(frozen=True)
class Spoken:
    """What a guard says of so many members; `finding` is one of theirs, `names` some of them."""

    finding: Finding
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many it is said of."""
        return len(self.names)


@dataclass(frozen=True)
class BulkPreflight(Weighed):
    """The guards' answers to a bulk. Members that are refused are left out; what may have to be typed is `typed_name`.

    Argo CD was not asked: that is done for each member at its turn.
    """

    ask: BulkAsk
    waves: tuple[BulkWave, ...]

    @property
    def rules(self) -> Rules:
        """The strictest of all members', which each of them was asked by."""
        return self.members[0].case.rules

    @cached_property
    def members(self) -> tuple[Preflight, ...]:
        """All that were asked for, in the order in which they go."""
        return tuple(member for wave in self.waves for member in wave.members)

    @cached_property
    def going(self) -> tuple[Preflight, ...]:
        """Those that will be synced."""
        return tuple(member for member in self.members if not member.is_refused)

    @cached_property
    def left_out(self) -> tuple[Preflight, ...]:
        """Those that are refused; why is the first of their `spoken`."""
        return tuple(member for member in self.members if member.is_refused)

    @cached_property
    def counts(self) -> dict[Answer, int]:
        """How many members have which strictest answer."""
        counted = Counter(member.strictest for member in self.members)
        return {answer: counted[answer] for answer in Answer}

    @cached_property
    def strictest(self) -> Answer:
        """The answer that counts: of those that go, or refuse where none does."""
        return max((member.strictest for member in self.going), key=lambda answer: answer.rank, default=Answer.REFUSE)

    @cached_property
    def spoken(self) -> tuple[Spoken, ...]:
        """What does not pass, the same words once, strictest and most frequent first."""
        found: dict[Finding, list[str]] = {}
        for member in self.members:
            for finding in member.spoken:
                same = Finding(finding.guard, finding.answer, finding.words)
                found.setdefault(same, []).append(member.case.application.name)
        told = [Spoken(finding, tuple(names)) for finding, names in found.items()]
        return tuple(sorted(told, key=lambda each: (-each.finding.answer.rank, -each.count)))

    @cached_property
    def digest(self) -> str:
        """Of the selection: which Applications at which revisions (with prune: and all that it deletes), which go."""
        told = [
            (identity_of(row), row.sync_revision, member.case.digest if self.ask.options.prune else "", refused)
            for member in self.members
            for row, refused in [(member.case.application, member.is_refused)]
        ]
        plain = msgspec.json.encode([sorted(told), self.ask.options])
        return hashlib.blake2b(plain, digest_size=24).hexdigest()

    @property
    def has_changed(self) -> bool:
        """Whether the selection is not what the person saw, or they saw none."""
        return self.ask.digest != self.digest

    @property
    def is_freshly_signed_in(self) -> bool:
        """Whether the person signed in lately enough for this."""
        return is_sign_in_fresh(self.rules, self.ask.who, self.members[0].case.now)

    @property
    def typed_name(self) -> str:
        """What is to be typed where a name is wanted: how many go."""
        return str(len(self.going))

    @cached_property
    def missing(self) -> list[str]:
        """What has still to be given, in words; empty: it may run, or wait for approval. It is always confirmed."""
        if self.is_refused:
            return ["what speaks against it has to change first"]
        wanted = {
            "a look at what has changed": bool(self.ask.digest) and self.has_changed,
            "your confirmation": not self.ask.digest or not self.ask.is_confirmed,
            "the number of applications, typed": self.wants_typed_name and not self._is_named,
            **rules_missing(self.rules, self.ask, self.members[0].case.now, wants_reason=self.wants_reason),
        }
        return [words for words, is_missing in wanted.items() if is_missing]

    @property
    def _is_named(self) -> bool:
        return self.ask.typed_name.strip() == self.typed_name


def bulk_preflight(ask: BulkAsk) -> BulkPreflight:
    """Asks every guard about every member, from what the portal knows. Raises RuleViolation for what is no bulk."""
    if not ask.applications:
        raise RuleViolation("No application is chosen")
    if ask.options.resources:
        raise RuleViolation("Resources are chosen for one application at a time")
    rows = {identity_of(row): row for row in ask.applications}.values()
    fleet, overlay = fleet_file_in_force(), overlay_now()
    rules = rules_for_bulk(fleet, applications=list(rows), options=ask.options)
    waves = waves_of(rows, fleet, overlay, hosts_first=rules.hosts_first)
    bulk = Bulk(len(rows), len({row.cluster for row in rows}), len(waves))
    asks = [_member_ask(ask, row) for wave in waves for row in wave.applications]
    cases = cases_of(asks, fleet=fleet, overlay=overlay, rules=rules, bulk=bulk)
    guards = [guard for guard in GUARDS if Action.SYNC in guard.actions]
    members = [
        Preflight(tuple(guard.look(case) for guard in guards), case, member)
        for case, member in zip(cases, asks, strict=True)
    ]
    return BulkPreflight(ask, tuple(_waves_told(waves, members)))


def _member_ask(ask: BulkAsk, row: Application) -> Ask:
    return Ask(
        request_id=ask.request_id,
        action=Action.SYNC,
        application=row,
        options=ask.options,
        who=ask.who,
        reason=ask.reason,
        ticket=ask.ticket,
        is_confirmed=ask.is_confirmed,
    )


def _waves_told(waves: Iterable[Wave], members: Sequence[Preflight]) -> Iterable[BulkWave]:
    begin = 0
    for wave in waves:
        end = begin + len(wave.applications)
        yield BulkWave(wave.number, wave.words, tuple(members[begin:end]))
        begin = end
