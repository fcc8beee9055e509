"""Coverage over time: a row for each day on which it changed, and a line of the timeline for each change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from apps.core.clock import database_now
from apps.core.tones import Tone
from apps.core.topics import raise_topics, version_of
from apps.sources.catalog import SourceKind, sources_of
from apps.sources.fleetfile import FleetFile
from apps.sources.models import Source
from apps.timeline.models import Kind, Transition
from apps.timeline.services import transitions_note

from .coverage import COUNTS, Coverage, coverage_of
from .models import CoverageDay
from .rules import RuleTold, rules_held

SUBJECT, TITLE, FIELD = "coverage", "Runbook coverage", "coverage"
TOPICS = ("rules", "runbooks")
COUNTED = (*COUNTS, "not_known")
SPAN = timedelta(days=30)
KEPT = timedelta(days=730)
PRUNE_BATCH = 500
_noted: list[tuple[FleetFile, int]] = []


def prometheuses_of(fleet: FleetFile) -> list[str]:
    """The Prometheuses and tenants of the fleet file that have rules to read."""
    return [spec.group for spec in sources_of(fleet) if spec.kind is SourceKind.PROMETHEUS]


def held_rules(fleet: FleetFile) -> list[RuleTold]:
    """The rules that the portal read of them. One query."""
    return rules_held(prometheuses_of(fleet))


def coverage_note(*, fleet: FleetFile) -> bool:
    """Writes down how the coverage stands where it changed; whether it did. Nothing is known before rules were read.

    While rules, runbooks and the fleet file stay as this process noted them last, it costs one query.
    """
    standing = (fleet, version_of(TOPICS))
    if _noted and _noted[0][0] is fleet and _noted[0][1] == standing[1]:
        return False
    is_read = Source.objects.filter(kind=Source.Kind.PROMETHEUS, is_archived=False, succeeded_at__isnull=False).exists()
    is_new = is_read and _note(coverage_of(fleet, held_rules(fleet)))
    _noted[:] = [standing]
    return is_new


def _note(coverage: Coverage) -> bool:
    now, numbers = database_now(), numbers_of(coverage)
    with transaction.atomic():
        last = CoverageDay.objects.select_for_update().order_by("day").last()
        before = {name: getattr(last, name) for name in COUNTED} if last else {}
        if before == numbers:
            return False
        CoverageDay.objects.update_or_create(day=now.date(), defaults=numbers)
        transitions_note([_line(before, numbers, now)])
        raise_topics([FIELD])
    return True


def numbers_of(coverage: Coverage) -> dict[str, int]:
    """COUNTED → how many."""
    return {**coverage.counts, "not_known": coverage.unread}


def _line(before: Mapping[str, int], after: Mapping[str, int], now: datetime) -> Transition:
    return Transition(
        seen_at=now,
        kind=Kind.RUNBOOK,
        subject=SUBJECT,
        title=TITLE,
        field=FIELD,
        before=words_of(before) if before else "",
        after=words_of(after),
        tone=_tone(before, after),
        link=reverse("runbooks:coverage-show"),
    )


def _tone(before: Mapping[str, int], after: Mapping[str, int]) -> Tone:
    """A warning where more rules lack a runbook than before."""
    is_worse = bool(before) and any(after[name] > before[name] for name in ("without", "empty", "dead", "slo_without"))
    return Tone.WARNING if is_worse else Tone.UNKNOWN


def words_of(numbers: Mapping[str, int]) -> str:
    """ "137 of 171 rules have a runbook; without one: 34, dead links: 2"."""
    others = {
        "without one": numbers["without"] + numbers["empty"],
        "dead links": numbers["dead"],
        "not looked for": numbers["not_configured"],
    }
    told = ", ".join(f"{words}: {count}" for words, count in others.items() if count)
    return "; ".join(filter(None, [f"{numbers['with_runbook']} of {numbers['rules']} rules have a runbook", told]))


def days_before(now: datetime) -> list[CoverageDay]:
    """The days of the last thirty on which it changed, the newest first, and the last one before them. One query."""
    since = (now - SPAN).date()
    days = list(CoverageDay.objects.order_by("-day")[: SPAN.days + 2])
    kept = [day for day in days if day.day >= since]
    return [*kept, *[day for day in days if day.day < since][:1]]


def coverage_days_prune() -> int:
    """Deletes one small batch of days of more than two years ago; how many, 0 when none are left.

    The last of them all stays, since it stands for the days after it on which nothing changed.
    """
    last = list(CoverageDay.objects.order_by("-day").values_list("pk", flat=True)[:1])
    too_old = CoverageDay.objects.filter(day__lt=(database_now() - KEPT).date()).exclude(pk__in=last).order_by("day")
    batch = list(too_old.values_list("pk", flat=True)[:PRUNE_BATCH])
    CoverageDay.objects.filter(pk__in=batch).delete()
    return len(batch)
