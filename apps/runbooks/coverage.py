"""Which rules have a runbook: counted as decision 27 defines it, with a verdict and a lint on each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.alerts.support import LACKING, Links, RunbookWord, Support, support_of, web_address
from apps.core.matchers import are_met
from apps.core.tones import Tone
from apps.sources.fleetfile.schema import FleetFile

from .linking import links_found
from .lint import Lint, lint_of
from .rules import RuleTold

COUNTS = ("rules", "with_runbook", "without", "empty", "dead", "not_configured", "slo_rules", "slo_without")
UNUSABLE = LACKING - {RunbookWord.DEAD}


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """A rule with what is known of its runbook, whether its alerts are supported, and what it lacks otherwise."""

    rule: RuleTold
    is_slo: bool
    support: Support
    lint: Lint

    @property
    def word(self) -> RunbookWord:
        """What is known of its runbook."""
        return self.support.word

    @property
    def tone(self) -> Tone:
        """How much its runbook needs somebody: an SLO rule pages people, who then have nothing to read."""
        if self.word in LACKING:
            return Tone.CRITICAL if self.is_slo else Tone.WARNING
        if self.word is not RunbookWord.FOUND:
            return Tone.UNKNOWN
        return Tone.WARNING if self.support.unread else Tone.WELL

    @property
    def is_usable(self) -> bool:
        """Whether its `runbook_url` is there and is a web address, wherever that leads."""
        return self.word not in UNUSABLE


@dataclass(frozen=True)
class Coverage:
    """The rules, judged, and how many have which verdict."""

    rules: tuple[JudgedRule, ...]
    words: Mapping[RunbookWord, int]

    @property
    def slo_rules(self) -> tuple[JudgedRule, ...]:
        """Those on a service-level objective."""
        return tuple(each for each in self.rules if each.is_slo)

    @property
    def unread(self) -> int:
        """How many link a file of a source that was not read yet."""
        return self.words.get(RunbookWord.UNREAD, 0)

    @property
    def counts(self) -> dict[str, int]:
        """COUNTS → how many. `not_configured` holds all links that nothing could be looked for under: those that are no
        web address, and those into a source that was not read yet."""
        words = Counter(self.words)
        nowhere = (RunbookWord.NOT_CONFIGURED, RunbookWord.NO_ADDRESS, RunbookWord.UNREAD)
        slo = self.slo_rules
        numbers = (
            len(self.rules),
            words[RunbookWord.FOUND],
            words[RunbookWord.WITHOUT],
            words[RunbookWord.EMPTY],
            words[RunbookWord.DEAD],
            sum(words[word] for word in nowhere),
            len(slo),
            sum(not each.is_usable for each in slo),
        )
        return dict(zip(COUNTS, numbers, strict=True))


def coverage_of(fleet: FleetFile, rules: Iterable[RuleTold]) -> Coverage:
    """The coverage of these rules by the runbooks that the portal has. Three queries; none without a source of them."""
    told = list(rules)
    links = links_found(fleet, {address for rule in told if (address := web_address(rule.runbook_url))})
    own_cluster = {each.name for each in fleet.prometheuses if each.cluster}
    judged = tuple(judged_rule(fleet, rule, links, rule.prometheus in own_cluster) for rule in told)
    return Coverage(judged, Counter(each.word for each in judged))


def judged_rule(fleet: FleetFile, rule: RuleTold, links: Links, has_own_cluster: bool = False) -> JudgedRule:
    """One rule, judged."""
    is_control_plane = are_met(fleet.alerts.control_plane, rule.labels)
    return JudgedRule(
        rule=rule,
        is_slo=are_met(fleet.alerts.slo, rule.labels),
        support=support_of(
            is_control_plane=is_control_plane, url=rule.runbook_url, links=links, is_misnamed=rule.is_misnamed
        ),
        lint=lint_of(rule, fleet.alerts, has_own_cluster=has_own_cluster),
    )
