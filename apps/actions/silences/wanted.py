"""A silence as a request keeps it, and as its Alertmanager is asked for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from apps.actions.models import ActionRequest
from apps.alerts.matching import matchers_of
from apps.alerts.models import Silence
from apps.core.matchers import LabelMatcher
from apps.core.structs import converted
from apps.core.text import clean
from apps.integrations.alertmanager import Matcher
from apps.sources.fleetfile.schema import FleetFile

TENANT_LABEL = "tenant_id"
"""The gateway of Observatorium adds its own matcher on this label to every silence, and drops all others on it."""
LONGEST_SUBJECT = 500


class Wanted(Struct, frozen=True, omit_defaults=True):
    """What is asked of a silence of one Alertmanager group.

    `silence_id` is the one that is changed or expired, "" for a new one; `updated_at` when that was last changed, as it
    stood when the call was made. `member` is the source key of the member that was asked, `made` the id that it told.
    Moments are aware; of one that is to be expired they are as it was seen. `annotations` are those of the silence that
    is changed.
    """

    alertmanager: str
    matchers: tuple[tuple[str, str, str], ...] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    silence_id: str = ""
    updated_at: datetime | None = None
    member: str = ""
    made: str = ""
    annotations: dict[str, str] = {}

    @property
    def labels(self) -> tuple[LabelMatcher, ...]:
        """Its matchers as values."""
        return tuple(LabelMatcher(*each) for each in self.matchers)

    @property
    def line(self) -> str:
        """Its matchers as they are written in Alertmanager."""
        return line_of(self.labels)

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        return clean(f"{self.line} on {self.alertmanager}", LONGEST_SUBJECT)

    def as_builtins(self) -> dict[str, Any]:
        """For a request's row."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def wanted_of(request: ActionRequest) -> Wanted:
    """What the row of a request about a silence keeps."""
    return converted(request.options, Wanted)


def told_matchers(matchers: Iterable[LabelMatcher]) -> tuple[tuple[str, str, str], ...]:
    """Matchers for `Wanted`."""
    return tuple((each.name, each.operator, each.value) for each in matchers)


def line_of(matchers: Iterable[LabelMatcher]) -> str:
    """Matchers on a line, as they are written in Alertmanager."""
    return ", ".join(map(str, matchers))


def matchers_sent(matchers: Iterable[LabelMatcher]) -> tuple[Matcher, ...]:
    """Matchers as Alertmanager takes them."""
    return tuple(Matcher(each.name, each.value, each.is_regex, not each.is_negative) for each in matchers)


def is_observatorium(fleet: FleetFile, group: str) -> bool:
    """Whether the group's alerts come through an Observatorium gateway."""
    return any(each.name == group for each in fleet.observatorium)


def matchers_kept(silence: Silence, *, is_observatorium: bool = False) -> tuple[LabelMatcher, ...]:
    """The matchers of a silence's row; behind Observatorium without the tenant's, which is the gateway's own matter."""
    return tuple(each for each in matchers_of(silence) if not (is_observatorium and each.name == TENANT_LABEL))


def comment_of(request: ActionRequest) -> str:
    """Why, the ticket, and the request's id, by which the silence is known again: always the last of it."""
    ticket = f" ({request.ticket})" if request.ticket else ""
    return f"{request.reason}{ticket} [request {request.pk}]".strip()
