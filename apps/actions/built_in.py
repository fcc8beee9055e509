"""The policies that are there without a fleet file, and what counts as production."""

from __future__ import annotations

from dataclasses import dataclass

from apps.sources.fleetfile import FleetFile

from .case import Answer, Rules
from .options import Options
from .states import Action

PRODUCTION = "production"
SYNCS = frozenset({Action.SYNC, Action.TAKE_OVER, Action.BULK_SYNC})

_PRODUCTION = {"not-checked": Answer.REFUSE, "prune": Answer.CONFIRM, "replace-force": Answer.CONFIRM}
_ELSEWHERE = {"not-checked": Answer.WARN, "prune": Answer.WARN, "replace-force": Answer.WARN}
_HARMLESS = {"not-checked": Answer.WARN, "unreachable-cluster": Answer.WARN}


@dataclass(frozen=True)
class BuiltIn:
    """A policy that is there without a fleet file; `options` are those of which one is on, if any is named.

    Environments that the fleet file does not know count as production.
    """

    rules: Rules
    actions: frozenset[Action] = frozenset(Action)
    options: frozenset[str] = frozenset()
    is_production_alone: bool = False

    def fits(self, action: Action, options: Options, is_production: bool) -> bool:
        """Whether it is about this."""
        if action not in self.actions or (self.is_production_alone and not is_production):
            return False
        return not self.options or any(getattr(options, option) for option in self.options)


BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn(Rules(policy="dry run (built in)", guards=_HARMLESS), frozenset({Action.DRY_RUN})),
    BuiltIn(Rules(policy="refresh (built in)", guards=_HARMLESS), frozenset({Action.REFRESH, Action.HARD_REFRESH})),
    BuiltIn(
        Rules(
            policy="replace or force in production (built in)",
            guards=_PRODUCTION,
            wants_reason=True,
            wants_typed_name=True,
            wants_second_person=True,
            at_once=3,
        ),
        SYNCS,
        frozenset({"replace", "force"}),
        is_production_alone=True,
    ),
    BuiltIn(
        Rules(
            policy="prune in production (built in)",
            guards=_PRODUCTION,
            wants_reason=True,
            wants_typed_name=True,
            at_once=3,
        ),
        SYNCS,
        frozenset({"prune"}),
        is_production_alone=True,
    ),
    BuiltIn(
        Rules(policy="take over or terminate in production (built in)", guards=_PRODUCTION, wants_reason=True),
        frozenset({Action.TAKE_OVER, Action.TERMINATE}),
        is_production_alone=True,
    ),
    BuiltIn(
        Rules(policy="bulk in production (built in)", guards=_PRODUCTION, wants_reason=True, at_once=3),
        frozenset({Action.BULK_SYNC}),
        is_production_alone=True,
    ),
    BuiltIn(Rules(policy="production (built in)", guards=_PRODUCTION), is_production_alone=True),
    BuiltIn(Rules(policy="everything else (built in)", guards=_ELSEWHERE)),
)
"""The first that fits; the last fits everything."""


def built_in_for(action: Action, options: Options, *, is_production: bool) -> BuiltIn:
    """The built-in policy that fits."""
    return next(each for each in BUILT_IN if each.fits(action, options, is_production))


def production_of(fleet: FleetFile) -> str:
    """The environment that counts as production: the one of that name, else the last of the fleet file."""
    names = [environment.name for environment in fleet.environments]
    return PRODUCTION if PRODUCTION in names or not names else names[-1]


def is_production(fleet: FleetFile, environment: str) -> bool:
    """Whether it is production, or an environment that the fleet file does not know."""
    others = {each.name for each in fleet.environments} - {production_of(fleet)}
    return environment not in others
