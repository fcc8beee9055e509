"""A person's groups, from whichever claim the provider tells them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.integrations.oidc.errors import SignInRefused

MOST: Final = 2_000
LONGEST: Final = 300


def groups_in(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """The groups under a claim's name, or under a path with dots into nested claims; () where there are none.

    Raises SignInRefused for anything but a list of strings: a single name is no list, and nothing is guessed.
    """
    told = _told(claims, claim)
    if told is None:
        return ()
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise SignInRefused("groups", f"the claim {claim} is no list of strings")
    if len(told) > MOST or any(len(each) > LONGEST for each in told):
        raise SignInRefused("groups", f"the claim {claim} has more than {MOST} groups, or longer names than {LONGEST}")
    return tuple(dict.fromkeys(told))


def are_groups_told(claims: Mapping[str, Any], claim: str) -> bool:
    """Whether the claim is there, with groups in it or without.

    Raises SignInRefused where its path leads into something that is no object.
    """
    return _told(claims, claim) is not None


def _told(claims: Mapping[str, Any], claim: str) -> Any:
    return claims[claim] if claim in claims else _within(claims, claim)


def _within(claims: Mapping[str, Any], path: str) -> Any:
    found: Any = claims
    for name in path.split("."):
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise SignInRefused("groups", f"the claim {path} leads into something that is no object")
        found = found.get(name)
    return found
