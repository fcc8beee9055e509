"""What the fleet file says of actions: who may what where, how carefully. The first policy that fits applies."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, WithJsonSchema, model_validator

from apps.sources.fleetfile.fields import ApprovalTime, CoolDown, Name, Span, Text
from apps.sources.fleetfile.sections import Role, Section


class PolicyAction(StrEnum):
    """An action that a policy can be about."""

    SYNC = "sync"
    DRY_RUN = "dry-run"
    REFRESH = "refresh"
    HARD_REFRESH = "hard-refresh"
    TERMINATE = "terminate"
    TAKE_OVER = "take-over"
    BULK_SYNC = "bulk-sync"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    SILENCE = "silence"
    SILENCE_EDIT = "silence-edit"
    SILENCE_EXPIRE = "silence-expire"


FREEZES = frozenset({PolicyAction.FREEZE, PolicyAction.UNFREEZE})
SILENCES = frozenset({PolicyAction.SILENCE, PolicyAction.SILENCE_EDIT, PolicyAction.SILENCE_EXPIRE})
SAID_OF_FREEZES = frozenset({"name", "match", "least_role", "reason", "fresh_sign_in"})
LIMITS_OF_SILENCES = frozenset({"longest_silence", "most_hidden", "most_clusters"})
SAID_OF_SILENCES = SAID_OF_FREEZES | LIMITS_OF_SILENCES | {"ticket", "typed_name", "second_person", "approval_within"}
OF_APPLICATIONS = ("sets", "applications", "options")


class RiskyOption(StrEnum):
    """An option of a resync that can destroy something."""

    PRUNE = "prune"
    FORCE = "force"
    REPLACE = "replace"


class LeastRole(StrEnum):
    """Who acts at all."""

    RESPONDER = "responder"
    APPROVER = "approver"
    ADMIN = "admin"


class Strictness(StrEnum):
    """What a guard answers where it speaks against something."""

    PASS = "pass"  # noqa: S105  a guard's word, no password
    WARN = "warn"
    CONFIRM = "confirm"
    REFUSE = "refuse"


def _not_loosened(value: object) -> object:
    if value not in (None, Strictness.REFUSE):
        raise ValueError("is a fixed guard: it always says 'refuse', and no policy can loosen it")
    return value


Fixed = Annotated[
    Strictness | None,
    BeforeValidator(_not_loosened),
    WithJsonSchema({"$comment": "`refuse`", "enum": [Strictness.REFUSE.value, None]}),
]


class Match(Section):
    """What a policy is about: each list that is not empty must have one that fits. Empty: everything."""

    actions: tuple[PolicyAction, ...] = Field(
        default=(),
        description="Actions; left out, all that are done to Applications. `freeze` and `unfreeze` have to be named,"
        " in a policy of their own: it is about each place that the freeze reaches into, and says `least_role`,"
        " `fresh_sign_in` and `reason` (for ending one; beginning one always has one) alone. A freeze only holds back:"
        " no second person has to approve it. So have `silence`, `silence-edit` and `silence-expire`: their policy says"
        " nothing of projects, sets, applications, options or guards, and a silence that is bound to no cluster or"
        " environment by its matchers reaches into all.",
    )
    environments: tuple[Text, ...] = Field(default=(), description="Names of environments.")
    rings: tuple[StrictInt, ...] = Field(default=(), description="Rings of the cluster.")
    roles: tuple[Role, ...] = Field(default=(), description="Roles of the cluster.")
    projects: tuple[Text, ...] = Field(default=(), description="Argo CD projects, as globs (`build-*`).")
    sets: tuple[Text, ...] = Field(default=(), description="ApplicationSets, as globs.")
    applications: tuple[Text, ...] = Field(default=(), description="Applications, as globs.")
    options: tuple[RiskyOption, ...] = Field(default=(), description="Options, of which one is on.")


class Guards(Section):
    """How strict guards are where they speak. Those that are not named are as in the built-in policy that fits."""

    role: Fixed = Field(default=None, description="The person's role or scope does not allow it. Fixed.")
    argocd_right: Fixed = Field(
        default=None, alias="argocd-right", description="The portal's own account may not do it at Argo CD. Fixed."
    )
    freeze: Fixed = Field(default=None, description="Somebody froze it in this portal. Fixed.")
    operation_running: Fixed = Field(
        default=None, alias="operation-running", description="An operation runs already. Fixed."
    )
    active_request: Fixed = Field(
        default=None, alias="active-request", description="Another request of this portal is under way. Fixed."
    )
    deleting: Fixed = Field(default=None, description="The Application is being deleted. Fixed.")
    sync_window: Fixed = Field(
        default=None, alias="sync-window", description="A sync window of Argo CD does not allow it now. Fixed."
    )
    self_heal: Strictness | None = Field(
        default=None, alias="self-heal", description="Argo CD will repeat or revert it by itself."
    )
    unreachable_cluster: Strictness | None = Field(
        default=None, alias="unreachable-cluster", description="The cluster it goes to cannot be reached."
    )
    prune: Strictness | None = Field(default=None, description="Resources will be deleted.")
    replace_force: Strictness | None = Field(
        default=None, alias="replace-force", description="Resources will be replaced or forced."
    )
    dry_run: Strictness | None = Field(default=None, alias="dry-run", description="The last dry run failed.")
    order: Strictness | None = Field(
        default=None, description="An outer ring before an inner one, or production before staging."
    )
    blast_radius: Strictness | None = Field(
        default=None, alias="blast-radius", description="A bulk touches many Applications or clusters."
    )
    cool_down: Strictness | None = Field(
        default=None, alias="cool-down", description="The last try was only just now (`cool_down` says how long)."
    )
    changed: Strictness | None = Field(default=None, description="It is not as the person saw it any more.")
    not_checked: Strictness | None = Field(
        default=None, alias="not-checked", description="Something could not be checked at Argo CD just now."
    )

    def said(self) -> dict[str, str]:
        """Name of a guard → its strictness, of those that are named."""
        told: dict[str, str] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return told


class Policy(Section):
    """Who may what where, and how carefully; what it does not say comes from the built-in policy that fits."""

    name: Name = Field(description="Unique name.")
    match: Match = Field(default=Match(), description="What it is about; left out, everything.")
    least_role: LeastRole | None = Field(default=None, description="The least role that may do it.")
    guards: Guards = Field(
        default=Guards(),
        description="How strict each guard is where it speaks: it passes all the same, asks for one confirmation,"
        " for the typed name and a reason, or refuses.",
    )
    reason: StrictBool | None = Field(default=None, description="Whether a reason is to be given.")
    ticket: StrictBool | None = Field(default=None, description="Whether a ticket is to be named.")
    typed_name: StrictBool | None = Field(default=None, description="Whether the name is to be typed.")
    second_person: StrictBool | None = Field(default=None, description="Whether an approver must approve it.")
    fresh_sign_in: Span | None = Field(default=None, description="How long ago the person may have signed in at most.")
    approval_within: ApprovalTime | None = Field(
        default=None, description="How long it waits for its approval, from 1m to 7d."
    )
    cool_down: CoolDown | None = Field(
        default=None, description="The least time between two tries, up to 1d; 0 for none."
    )
    most_in_bulk: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        default=None, description="How many Applications a bulk may touch, up to 1000."
    )
    at_once: Annotated[StrictInt, Field(ge=1, le=50)] | None = Field(
        default=None, description="How many of a bulk run at the same time, up to 50."
    )
    hosts_first: StrictBool | None = Field(
        default=None,
        description="Whether a bulk syncs host clusters in a wave before member clusters (built in: yes).",
    )

    longest_silence: Span | None = Field(
        default=None, description="How long a silence may last, counted from when it is asked for (built in: 8h)."
    )
    most_hidden: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="How many alerts that fire a silence may hide when it is asked for (built in: 50)."
    )
    most_clusters: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        default=None, description="On how many clusters those alerts may be (built in: 10)."
    )

    @model_validator(mode="after")
    def _freezes_by_themselves(self) -> Self:
        named = set(self.match.actions)
        if not named & FREEZES:
            return self
        if named - FREEZES:
            raise ValueError("'freeze' and 'unfreeze' stand in a policy of their own")
        self._says_only(SAID_OF_FREEZES, OF_APPLICATIONS, "a freeze")
        if PolicyAction.FREEZE in named and self.reason is False:
            raise ValueError("a freeze always has a reason")
        return self

    @model_validator(mode="after")
    def _silences_by_themselves(self) -> Self:
        named = set(self.match.actions)
        if not named & SILENCES:
            limits = sorted(name for name in LIMITS_OF_SILENCES if getattr(self, name) is not None)
            if limits:
                raise ValueError(f"says {', '.join(limits)}: that is for a policy that names 'silence' and the like")
            return self
        if named - SILENCES:
            raise ValueError("'silence', 'silence-edit' and 'silence-expire' stand in a policy of their own")
        self._says_only(SAID_OF_SILENCES, (*OF_APPLICATIONS, "projects"), "a silence")
        return self

    def _says_only(self, sayable: frozenset[str], unmatched: tuple[str, ...], what: str) -> None:
        said = [f"match.{name}" for name in unmatched if getattr(self.match, name)]
        said += [name for name in self.model_fields_set - sayable if getattr(self, name) is not None]
        if said:
            raise ValueError(f"of {what} it cannot say {', '.join(sorted(said))}")
