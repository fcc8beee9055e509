"""What a guard is told and what it answers: one request for one Application, with all that is known of it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import User

from apps.accounts.models import Role
from apps.core.text import clean
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.gitops.models import Application
from apps.integrations.argocd import ApplicationDetail, WindowState

from .models import ActionRequest, Freeze
from .options import Options
from .states import Action

if TYPE_CHECKING:
    from .surroundings import Surroundings


class Answer(StrEnum):
    """What a guard says, in rising strictness."""

    PASS = "pass"  # noqa: S105  a guard's word, no password
    WARN = "warn"
    CONFIRM = "confirm"
    REFUSE = "refuse"

    @property
    def rank(self) -> int:
        """0 for pass up to 3 for refuse."""
        return list(Answer).index(self)

    @property
    def tone(self) -> Tone:
        """How it is shown."""
        return (Tone.WELL, Tone.WARNING, Tone.WARNING, Tone.CRITICAL)[self.rank]


@dataclass(frozen=True)
class Finding:
    """One guard's answer: a line in plain words, and the address of its evidence ("" for none)."""

    guard: str
    answer: Answer
    words: str
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Who:
    """The person who asks, as they are at this moment. `session` is the session's key, "" where there is none.

    `is_confirmed` is False where the identity provider could not be asked whether it stands by the session.
    """

    user: User
    role: Role | None
    session: str = ""
    address: str = ""
    signed_in_at: datetime | None = None
    is_confirmed: bool = True

    @property
    def username(self) -> str:
        """The account's name, as it stands in the audit log."""
        return self.user.get_username()

    @property
    def columns(self) -> dict[str, Any]:
        """Who asked, for a request's row."""
        return {
            "person": self.user,
            "username": self.username,
            "role": self.role or "",
            "address": clean(self.address, 100),
        }


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the policy that fits says. `guards` is how strict each guard is where it speaks (its name → answer)."""

    policy: str
    least_role: Role = Role.RESPONDER
    guards: Mapping[str, Answer] = field(default_factory=dict)
    cool_down: timedelta = timedelta(seconds=30)
    wants_reason: bool = False
    wants_ticket: bool = False
    wants_typed_name: bool = False
    wants_second_person: bool = False
    fresh_sign_in: timedelta | None = None
    approval_within: timedelta = timedelta(hours=1)
    most_in_bulk: int = 200
    at_once: int = 5
    hosts_first: bool = True


def is_sign_in_fresh(rules: Rules, who: Who, now: datetime) -> bool:
    """Whether the person signed in lately enough for these rules."""
    within, since = rules.fresh_sign_in, who.signed_in_at
    return within is None or (since is not None and now - since <= within)


@dataclass(frozen=True)
class Live:
    """What Argo CD said just now; what could not be asked is None, with why in `problems`, in words.

    `is_missing`: it said that it has no such Application. `is_as_person`: the right asked about is the person's own, in
    whose name it acts here; `nameless`: why they cannot be named to it.
    """

    detail: ApplicationDetail | None = None
    may_act: bool | None = None
    windows: WindowState | None = None
    problems: tuple[str, ...] = ()
    is_missing: bool = False
    is_as_person: bool = False
    nameless: str = ""


@dataclass(frozen=True)
class Bulk:
    """How much a bulk touches."""

    applications: int
    clusters: int
    wave_count: int


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request for one Application before the guards.

    `live` is None where Argo CD was not asked at all (the preview of a bulk). `digest_shown` is of what the person saw,
    "" where they were shown nothing yet; `digest` is of what is so now. `holding` is another request that holds the
    Application, `last` the last sync-like one that has ended, `dry_run` the last dry run that has ended.
    `around` was read beforehand for all members of a bulk.
    """

    action: Action
    application: Application
    options: Options
    who: Who
    rules: Rules
    overlay: Overlay
    now: datetime
    live: Live | None
    digest: str
    digest_shown: str = ""
    freezes: Sequence[Freeze] = ()
    holding: ActionRequest | None = None
    last: ActionRequest | None = None
    dry_run: ActionRequest | None = None
    bulk: Bulk | None = None
    request_id: UUID | None = None
    around: Surroundings | None = None


class Guard:
    """Something that may speak against a request. One class a file, listed in `apps.actions.guards`.

    `default` is how strict it is where it speaks and no policy says otherwise; `is_fixed` guards no policy can loosen.
    `actions` are those it is asked about.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default: ClassVar[Answer]
    is_fixed: ClassVar[bool] = False
    actions: ClassVar[frozenset[Action]] = frozenset({Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER})

    def look(self, case: Case) -> Finding:
        """What it says of the case."""
        raise NotImplementedError

    def passes(self, words: str, link: str = "") -> Finding:
        """Nothing speaks against it."""
        return Finding(self.name, Answer.PASS, words, link)

    def speaks(self, case: Case, words: str, link: str = "") -> Finding:
        """Something does: as strict as the policy says, or as it is by default."""
        strictness = self.default if self.is_fixed else case.rules.guards.get(self.name, self.default)
        return Finding(self.name, strictness, words, link)

    def says(self, answer: Answer, words: str, link: str = "") -> Finding:
        """An answer as strict as the matter is, whatever the policy says."""
        return Finding(self.name, answer, words, link)
