"""Preflight: what speaks against a request, and what the person has still to give before it may run."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol
from uuid import UUID

from django.db.models import prefetch_related_objects

from apps.core.ages import duration_words
from apps.fleet.overlay import Overlay, overlay_now
from apps.gitops.models import Application
from apps.sources.fleetfile.current import fleet_file_in_force

from .case import Answer, Bulk, Case, Finding, Live, Rules, Who, is_sign_in_fresh
from .digests import digest_of
from .freezes import freezes_on
from .guards import GUARDS
from .guards.changed import changes_of
from .guards.role import role_refusal
from .known import detail_of, known_by
from .looking import live_look, look_of_page
from .models import ActionRequest
from .options import Options
from .policies import rules_for
from .states import Action


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a person asks for, with what they gave for it. `digest` is of what they saw, "" where they saw nothing."""

    request_id: UUID
    action: Action
    application: Application
    options: Options
    who: Who
    digest: str = ""
    reason: str = ""
    ticket: str = ""
    typed_name: str = ""
    is_confirmed: bool = False


class Weighed:
    """What the strictest answer to a request, or to a bulk, comes to by the rules of its policy."""

    @property
    def rules(self) -> Rules:
        """What the policy that fits says."""
        raise NotImplementedError

    @cached_property
    def strictest(self) -> Answer:
        """The answer that counts."""
        raise NotImplementedError

    @property
    def is_refused(self) -> bool:
        """Whether it does not run, whatever the person gives."""
        return self.strictest == Answer.REFUSE

    @property
    def waits_for_approval(self) -> bool:
        """Whether a second person has to approve it, once nothing is missing."""
        return not self.is_refused and self.rules.wants_second_person

    @property
    def wants_typed_name(self) -> bool:
        """Whether the person has to type a name."""
        return self.strictest == Answer.CONFIRM or self.rules.wants_typed_name

    @property
    def wants_reason(self) -> bool:
        """Whether the person has to say why."""
        return self.strictest == Answer.CONFIRM or self.rules.wants_reason


@dataclass(frozen=True)
class Answered(Weighed):
    """What speaks about one request, each with its answer."""

    findings: tuple[Finding, ...]

    @cached_property
    def strictest(self) -> Answer:
        """The answer that counts."""
        return max((finding.answer for finding in self.findings), key=lambda answer: answer.rank, default=Answer.PASS)

    @cached_property
    def spoken(self) -> tuple[Finding, ...]:
        """The findings that do not pass, strictest first."""
        speaking = (finding for finding in self.findings if finding.answer != Answer.PASS)
        return tuple(sorted(speaking, key=lambda finding: -finding.answer.rank))

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse it."""
        return tuple(finding for finding in self.findings if finding.answer == Answer.REFUSE)


@dataclass(frozen=True)
class Preflight(Answered):
    """The guards' answers to one request."""

    case: Case
    ask: Ask

    @property
    def rules(self) -> Rules:
        """What the policy that fits says."""
        return self.case.rules

    @cached_property
    def changed(self) -> list[str]:
        """What of what the person saw is not so any more, in words: it has to be shown again, confirmed or not."""
        return changes_of(self.case)

    @cached_property
    def missing(self) -> list[str]:
        """What has still to be given, in words; empty: it may run, or wait for approval."""
        if self.is_refused:
            return ["what speaks against it has to change first"]
        wanted = {
            "a look at what has changed": bool(self.changed),
            "your confirmation": self.strictest == Answer.WARN and not self.ask.is_confirmed,
            "the Application's name, typed": self.wants_typed_name and not self._is_named,
            **rules_missing(self.rules, self.ask, self.case.now, wants_reason=self.wants_reason),
        }
        return [words for words, is_missing in wanted.items() if is_missing]

    @property
    def _is_named(self) -> bool:
        return self.ask.typed_name.strip() == self.case.application.name

    @property
    def is_freshly_signed_in(self) -> bool:
        """Whether the person signed in lately enough for this."""
        return is_sign_in_fresh(self.rules, self.ask.who, self.case.now)


class Given(Protocol):
    """What a person gave for what they ask for, one Application or many."""

    @property
    def who(self) -> Who:
        """The person."""

    @property
    def reason(self) -> str:
        """Why, "" where they did not say."""

    @property
    def ticket(self) -> str:
        """Its ticket, "" where they named none."""


def rules_missing(rules: Rules, given: Given, now: datetime, *, wants_reason: bool) -> dict[str, bool]:
    """What the rules may want of the person, in words → whether it is still to be given."""
    within = rules.fresh_sign_in
    return {
        "a reason": wants_reason and not given.reason.strip(),
        "a ticket": rules.wants_ticket and not given.ticket.strip(),
        f"a sign-in of the last {duration_words(within)}" if within else "": not is_sign_in_fresh(
            rules, given.who, now
        ),
    }


def preflight(
    ask: Ask, *, looks: bool = True, is_of_page: bool = False, bulk: Bulk | None = None, rules: Rules | None = None
) -> Preflight:
    """Asks every guard of this action, after a live look at Argo CD unless `looks` is off (it takes at most 3 s).

    Argo CD is not asked about what the person may not do. `bulk` and `rules` are of the bulk that is being looked at as
    a whole; else the rules are the Application's own. Raises LooksTaken where the look is of a page (`is_of_page`), and
    as many pages as may look already.
    """
    fleet = fleet_file_in_force()
    rules = rules or rules_for(fleet, action=ask.action, application=ask.application, options=ask.options)
    live = None
    if looks and not role_refusal(ask.who, ask.application, rules):
        with look_of_page() if is_of_page else nullcontext():
            live = live_look(fleet, ask.application, ask.action, session=ask.who.session)
    case = case_of(ask, live=live, bulk=bulk, rules=rules)
    return Preflight(tuple(guard.look(case) for guard in GUARDS if ask.action in guard.actions), case, ask)


def case_of(
    ask: Ask,
    *,
    live: Live | None,
    bulk: Bulk | None = None,
    rules: Rules | None = None,
    overlay: Overlay | None = None,
) -> Case:
    """All that the guards need: ten queries at most, five of them the overlay's where none is given."""
    row, overlay = ask.application, overlay or overlay_now()
    rules = rules or rules_for(fleet_file_in_force(), action=ask.action, application=row, options=ask.options)
    prefetch_related_objects([row], "detail")
    known = known_by(row, live, detail_of(row, overlay.now))
    return Case(
        action=ask.action,
        application=row,
        options=ask.options,
        who=ask.who,
        rules=rules,
        overlay=overlay,
        now=overlay.now,
        live=live,
        digest=digest_of(known, ask.options, (row.instance, *row.key)),
        digest_shown=ask.digest,
        freezes=freezes_on(overlay.now),
        holding=_holding(ask),
        last=_last_ended(row, Action.SYNC),
        dry_run=_last_ended(row, Action.DRY_RUN),
        bulk=bulk,
        request_id=ask.request_id,
    )


def _holding(ask: Ask) -> ActionRequest | None:
    """Another request that holds the Application: neither this one, nor the one that this is a step of."""
    row = ask.application
    holding = ActionRequest.objects.holding(row.instance, row.namespace, row.name)
    return holding.exclude(pk=ask.request_id).exclude(steps__pk=ask.request_id).first()


def _last_ended(row: Application, action: Action) -> ActionRequest | None:
    """The last one that Argo CD was told of and that has ended, a step of a bulk or of a take over too."""
    of_row = ActionRequest.objects.filter(instance=row.instance, namespace=row.namespace, name=row.name, action=action)
    return of_row.filter(sent_at__isnull=False, ended_at__isnull=False).order_by("-created_at").first()
