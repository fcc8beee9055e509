"""Silences as their page shows them: those that are on, to come, and over lately; and those that end soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from apps.actions.states import Action
from apps.alerts.models import AlertState, Episode, Silence
from apps.core.ages import first_after
from apps.core.live import CHANGES_AT
from apps.core.matchers import LabelMatcher
from apps.fleet.overlay import Overlay

from .form import silence_address
from .guards import is_over
from .makers import makers_of
from .preview import ALERTNAME
from .wanted import TENANT_LABEL, line_of, matchers_kept

LATELY, SOON = timedelta(hours=24), timedelta(minutes=30)
MOST_OVER, MOST_ON = 100, 500


@dataclass(frozen=True)
class SilenceRow:
    """A silence: what it says and what it hides now. `request` is the address of the request that made it, "" where
    this portal did not; `hides` how many alerts its Alertmanager says it silences, or that both are quiet by it."""

    silence: Silence
    matchers: tuple[LabelMatcher, ...]
    hides: int
    request: str
    now: datetime

    @property
    def state(self) -> str:
        """active, pending or expired, at this moment."""
        if is_over(self.silence, self.now):
            return "expired"
        begins = self.silence.starts_at
        return "pending" if begins is not None and begins > self.now else "active"

    @property
    def is_soon(self) -> bool:
        """Whether it ends within half an hour."""
        return self.state == "active" and self.silence.ends_at is not None and self.silence.ends_at - self.now <= SOON

    @property
    def line(self) -> str:
        """Its matchers on a line."""
        return line_of(self.matchers)

    @property
    def reason(self) -> str:
        """Why, without the id of the request that made it."""
        return self.silence.reason if self.request else self.silence.comment

    @property
    def key(self) -> str:
        """By which its row is known."""
        return f"{self.silence.alertmanager}/{self.silence.silence_id}"

    @property
    def alerts(self) -> str:
        """The list of the alerts that it hides."""
        asked = {"environment": "all", "alertmanager": self.silence.alertmanager, "filter": self.line}
        return f"{reverse('alerts:alert-list')}?{urlencode(asked)}"

    @property
    def edit(self) -> str:
        """The form that changes or extends it."""
        return silence_address(self.silence, Action.SILENCE_EDIT)

    @property
    def expire(self) -> str:
        """The form that expires it."""
        return silence_address(self.silence, Action.SILENCE_EXPIRE)


def silences_listed(overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows. Four queries."""
    now = overlay.now
    current = Silence.objects.exclude(alertmanager__in=list(overlay.archived_alertmanagers))
    lately = Q(ends_at__gt=now - LATELY)
    there = rows_of(current.filter(on_or_to_come(now)).order_by("ends_at", "pk")[: MOST_ON + 1], now)
    over = rows_of(current.exclude(on_or_to_come(now)).filter(lately).order_by("-ends_at", "pk")[: MOST_OVER + 1], now)
    is_cut, is_over_cut, there, over = len(there) > MOST_ON, len(over) > MOST_OVER, there[:MOST_ON], over[:MOST_OVER]
    moments = (moment for row in there for moment in moments_of(row.silence))
    return {
        "title": "Silences",
        CHANGES_AT: first_after(now, moments),
        "on": [row for row in there if row.state == "active"],
        "pending": [row for row in there if row.state == "pending"],
        "over": over,
        "cut": MOST_ON if is_cut else 0,
        "over_cut": MOST_OVER if is_over_cut else 0,
        "doubts": [f"{group}: {doubt}" for group, doubt in overlay.doubtful_alertmanagers.items()],
    }


@dataclass(frozen=True)
class Ending:
    """The silences that end soon, and the moments at which that changes by the clock alone."""

    rows: Sequence[SilenceRow]
    changes: Sequence[datetime | None]


def silences_ending(now: datetime, archived: Iterable[str] = ()) -> Ending:
    """Those that end within half an hour and hide something now, the first to end first. Three queries, mostly one."""
    current = Silence.objects.exclude(alertmanager__in=list(archived)).filter(on_or_to_come(now), state="active")
    there = list(current.order_by("ends_at", "pk")[:MOST_ON])
    soon = [each for each in there if each.ends_at and each.ends_at - now <= SOON]
    rows = [row for row in rows_of(soon, now) if row.hides and row.state == "active"]
    return Ending(rows, [moment for each in there for moment in moments_of(each)])


def on_or_to_come(now: datetime) -> Q:
    """That a silence is not over."""
    return Q(state__in=["active", "pending"]) & (Q(ends_at__gt=now) | Q(ends_at=None))


def rows_of(silences: Iterable[Silence], now: datetime) -> list[SilenceRow]:
    """Silences as rows. At most two queries more, none where there is no silence."""
    found = list(silences)
    if not found:
        return []
    hides, makers = hides_of(), makers_of(found)
    return [
        SilenceRow(
            each,
            tuple(sorted(matchers_kept(each), key=_place)),
            hides[each.alertmanager, each.silence_id],
            makers[each.pk].get_absolute_url() if each.pk in makers else "",
            now,
        )
        for each in found
    ]


def _place(matcher: LabelMatcher) -> tuple[bool, bool]:
    """What tells silences apart comes first: the alert's name, and last the tenant, which is a long id."""
    return matcher.name == TENANT_LABEL, matcher.name != ALERTNAME


def hides_of() -> Counter[tuple[str, str]]:
    """How many alerts that fire each silence hides, by (group, id), as the Alertmanagers say. One query."""
    quiet = Episode.objects.firing().exclude(state=AlertState.ACTIVE)
    told = quiet.values_list("alertmanager", "silenced_by")
    return Counter((group, silence) for group, silences in told for silence in silences)


def moments_of(silence: Silence) -> list[datetime | None]:
    """When what the page says of it changes by the clock alone."""
    soon = silence.ends_at - SOON if silence.ends_at else None
    return [silence.starts_at, soon, silence.ends_at]
