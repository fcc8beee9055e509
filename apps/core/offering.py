"""The words that a list's filters offer: read of all its rows, hence once for many who ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from .keeping import Keeper, is_younger
from .lists import ALL, Asked

Options = Mapping[str, list[str]]

KEPT_SECONDS, BORNE_SECONDS = 10.0, 60.0
OFFERED: Keeper[Options] = Keeper(8)


def options_lately(asked: Asked, of: Hashable, read: Callable[[], Options]) -> Options:
    """Parameter → words, as `read` told them a moment ago; as it tells them now where the address asks for a word that
    there was not then. `of` names the list, and what else the words depend on."""
    kept = OFFERED.get(
        of,
        is_good=lambda _, age: is_younger(age, KEPT_SECONDS),
        is_bearable=lambda _, age, __: is_younger(age, BORNE_SECONDS),
        make=read,
    )
    is_known = all({"", ALL, *words}.issuperset(asked.query.getlist(name)) for name, words in kept.items())
    return kept if is_known else read()
