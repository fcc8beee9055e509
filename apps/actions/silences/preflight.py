"""What speaks against a silence, what it hides, and what the person has still to give before it may be asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import msgspec

from apps.accounts.scopes import Place
from apps.actions.case import Rules, Who, is_sign_in_fresh
from apps.actions.models import ActionRequest
from apps.actions.preflight import Answered, rules_missing
from apps.actions.states import ACTIVE, Action
from apps.alerts.models import Silence
from apps.fleet.overlay import Overlay, overlay_now
from apps.sources.fleetfile.current import fleet_file_in_force
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.kept import told_since
from apps.sources.models import Source, SourceState

from .guards import SilenceCase, findings_of
from .places import place_of
from .preview import ALERTNAME, Preview, preview_of
from .rules import silence_rules
from .wanted import Wanted, is_observatorium, matchers_kept

NOT_SHOWN = frozenset({"length", "alertmanager"})
"""What the moment, or the button that was pressed, decides: nobody has to look at the page again for it."""


@dataclass(frozen=True, kw_only=True)
class SilenceAsk:
    """What a person asks for, with what they gave for it. `shown` is of what they saw, "" where they saw nothing.

    `problems` are what of the form cannot be read, in words.
    """

    request_id: UUID
    action: Action
    wanted: Wanted
    who: Who
    reason: str = ""
    ticket: str = ""
    typed_name: str = ""
    shown: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class SilencePreflight(Answered):
    """The checks' answers to one request about a silence. What may have to be typed is `name`."""

    case: SilenceCase
    ask: SilenceAsk

    @property
    def rules(self) -> Rules:
        """What the policies that it reaches into say."""
        return self.case.rules.rules

    @property
    def preview(self) -> Preview:
        """What it hides."""
        return self.case.preview

    @property
    def name(self) -> str:
        """What is to be typed: the name of the alert that it is about, of the first that pages, or of the group."""
        named = [each.value for each in self.case.wanted.labels if each.name == ALERTNAME and each.operator == "="]
        paging = [each.title for each in self.preview.critical_slo]
        return next(iter([*named, *paging]), self.case.wanted.alertmanager)

    @property
    def is_freshly_signed_in(self) -> bool:
        """Whether the person signed in lately enough for this."""
        return is_sign_in_fresh(self.rules, self.ask.who, self.case.now)

    @cached_property
    def shown(self) -> str:
        """A digest of what is asked, and of how strict what speaks is: it travels with the form. Of a change there is a
        second one behind it, of the silence as it was seen (`old_shown`).

        Not of how many alerts it hides: more of them fire every minute just when somebody silences them. What that
        makes stricter is shown again.
        """
        wanted, speaking = (
            self.case.wanted,
            [(e.guard, e.answer.value) for e in self.spoken if e.guard not in NOT_SHOWN],
        )
        told = (
            self.ask.action.value,
            wanted.alertmanager,
            wanted.silence_id,
            sorted(wanted.matchers),
            sorted(speaking),
        )
        return ".".join(filter(None, [_hash(told, 16), self.old_shown]))

    @cached_property
    def old_shown(self) -> str:
        """A digest of the silence that is to be changed, as it is now; "" of everything else."""
        old = self.case.old
        if old is None or self.ask.action is not Action.SILENCE_EDIT:
            return ""
        return _hash((old.silence_id, old.updated_at, old.starts_at, old.ends_at, old.comment, old.matchers), 12)

    @property
    def has_old_changed(self) -> bool:
        """Whether the silence that is to be changed is not as the person saw it any more."""
        return self.ask.shown.partition(".")[2] != self.old_shown

    @cached_property
    def missing(self) -> list[str]:
        """What has still to be given, in words; empty: it may be sent, or wait for approval."""
        if self.is_refused:
            return ["what speaks against it has to change first"]
        is_old_seen = not self.ask.shown or not self.has_old_changed
        look = "a look at what it hides" if is_old_seen else "a look at the silence, which somebody changed meanwhile"
        wanted = {
            "matchers that can be read": bool(self.ask.problems),
            look: self.ask.shown != self.shown,
            f"the name {self.name}, typed": self.wants_typed_name and self.ask.typed_name.strip() != self.name,
            **rules_missing(self.rules, self.ask, self.case.now, wants_reason=self.wants_reason),
        }
        return [words for words, is_missing in wanted.items() if is_missing]


def _hash(told: object, size: int) -> str:
    return hashlib.blake2b(msgspec.json.encode(told), digest_size=size).hexdigest()


def silence_preflight(ask: SilenceAsk, overlay: Overlay | None = None) -> SilencePreflight:
    """Asks every check, by what the portal knows; no Alertmanager is asked. Some ten queries."""
    case = case_of(ask, overlay or overlay_now())
    return SilencePreflight(findings_of(case), case, ask)


def case_of(ask: SilenceAsk, overlay: Overlay) -> SilenceCase:
    """All that the checks need. Of one that is to be expired the preview is of what it hides so far."""
    fleet, wanted = fleet_file_in_force(), ask.wanted
    since = told_since(wanted.alertmanager, overlay.sources.values(), overlay.now)
    preview = preview_of(wanted.alertmanager, wanted.labels, overlay.now, since)
    place = place_of(fleet, wanted.labels, preview.hidden)
    old, is_gateway = old_of(wanted), is_observatorium(fleet, wanted.alertmanager)
    if old is not None and ask.action is Action.SILENCE_EDIT:
        place = both_of(place, old_place(fleet, old))
    return SilenceCase(
        action=ask.action,
        wanted=wanted,
        who=ask.who,
        rules=silence_rules(fleet, action=ask.action, place=place),
        place=place,
        now=overlay.now,
        preview=preview,
        is_answering=any(overlay.state_of(each.key) is SourceState.FRESH for each in members_of(overlay, wanted)),
        doubt=overlay.doubtful_alertmanagers.get(wanted.alertmanager, ""),
        is_observatorium=is_gateway,
        old=old,
        same=same_of(wanted, overlay.now, is_gateway=is_gateway),
        holding=holding_of(wanted, ask.request_id),
    )


def old_of(wanted: Wanted) -> Silence | None:
    """The silence that is changed or expired. One query, or none."""
    if not wanted.silence_id:
        return None
    return Silence.objects.filter(alertmanager=wanted.alertmanager, silence_id=wanted.silence_id).first()


def old_place(fleet: FleetFile, old: Silence) -> Place:
    """Where a silence lies that is there."""
    return place_of(fleet, matchers_kept(old), ())


def both_of(one: Place, other: Place) -> Place:
    """The place within which both lie: who changes a silence takes it away where it was."""
    same = one.cluster if one.cluster == other.cluster else ""
    return Place(cluster=same, environment=one.environment if one.environment == other.environment else "")


def same_of(wanted: Wanted, now: datetime, *, is_gateway: bool) -> Silence | None:
    """Another silence of the group with the same matchers that is on or to come. One query."""
    there = Silence.objects.filter(alertmanager=wanted.alertmanager, state__in=["active", "pending"], ends_at__gt=now)
    alike = set(wanted.labels)
    found = (each for each in there if set(matchers_kept(each, is_observatorium=is_gateway)) == alike)
    return next((each for each in found if each.silence_id != wanted.silence_id), None)


def holding_of(wanted: Wanted, request_id: UUID) -> ActionRequest | None:
    """Another request about the same silence that has not ended; not the whole of this one, nor its steps."""
    if not wanted.silence_id:
        return None
    others = ActionRequest.objects.filter(state__in=ACTIVE, parent=None, options__silence_id=wanted.silence_id)
    return others.exclude(pk=request_id).exclude(steps__pk=request_id).first()


def members_of(overlay: Overlay, wanted: Wanted) -> Sequence[Source]:
    """The members of its Alertmanager group that the fleet file names, in its order."""
    kind, group = Source.Kind.ALERTMANAGER, wanted.alertmanager
    return [each for each in overlay.sources.values() if each.kind == kind and each.group == group]
