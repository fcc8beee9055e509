"""How far the coverage can be trusted now: verdicts on runbooks are as old as the last read of their sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.alerts.support import CONTROL_PLANE, RunbookWord, Support
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.sources.evidence import evidence_of
from apps.sources.models import Source

from .coverage import JudgedRule
from .panel import KIND


@dataclass(frozen=True)
class Doubts:
    """The fresh Prometheuses by name; of each source of runbooks that is not fresh, since when it was not read."""

    prometheuses: frozenset[str]
    unread_since: Mapping[str, str]

    def of_runbook(self, judged: JudgedRule) -> bool:
        """Whether the source of the rule's runbook is not fresh."""
        return judged.support.source in self.unread_since

    def of(self, judged: JudgedRule) -> bool:
        """Whether the rule's Prometheus or the source of its runbook is not fresh."""
        return judged.rule.prometheus not in self.prometheuses or self.of_runbook(judged)

    def tone(self, judged: JudgedRule) -> Tone:
        """The rule's tone; what is in doubt is not well."""
        return judged.tone.in_doubt if self.of(judged) else judged.tone

    def of_support(self, support: Support) -> str:
        """Since when the source was not read on whose runbook a verdict stands, in words; "" while it is fresh, and
        where the verdict stands on no runbook, or says itself that it was never read."""
        is_bare = support.words == CONTROL_PLANE or support.word is RunbookWord.UNREAD
        return "" if is_bare else self.unread_since.get(support.source, "")

    def words(self, rules: Iterable[JudgedRule]) -> str:
        """What is to be added to a sentence on these rules; "" where the sources of their runbooks are fresh."""
        names = sorted({each.support.source for each in rules if self.of_runbook(each)})
        return f", as last read: {', '.join(self.unread_since[name] for name in names)}" if names else ""


def doubts_of(overlay: Overlay) -> Doubts:
    """The doubts of this moment."""
    every = evidence_of("", overlay.sources.values(), overlay.now).witnesses
    return Doubts(
        frozenset(each.source.group for each in every if each.source.kind == Source.Kind.PROMETHEUS and each.is_fresh),
        {
            each.source.group: unread_told(each.source)
            for each in every
            if each.source.key.startswith(f"{KIND}/") and not each.is_fresh
        },
    )


def unread_told(source: Source) -> str:
    """Since when it was not read, in words."""
    if source.succeeded_at is None:
        return f"{source.group} was never read"
    return f"{source.group} has not been read since {source.succeeded_at:%d %b %H:%M} UTC"
