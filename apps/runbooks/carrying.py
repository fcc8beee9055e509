"""Whether an alert will carry one of some labels, as far as its rule's expression tells.

Read by the grammar of PromQL, never run: what its series carry is known to the Prometheus alone, so that a plain
selector proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from apps.alerts.expressions import Token, tokens_of
from apps.core.matchers import LabelMatcher
from apps.core.matchers.matcher import TURNED
from apps.core.matchers.patterns import PatternError

KEEPING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
AGGREGATIONS = KEEPING | {"sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "quantile", "count_values"}
WITHOUT_SERIES = frozenset({"absent", "absent_over_time"})
SCALARS = frozenset({"scalar", "time", "pi"})
LABELLING = frozenset({"label_replace", "label_join"})
SIGNS = frozenset("+-*/%^")
MODIFIERS = frozenset({"on", "ignoring", "group_left", "group_right"})
DEEPEST = 60


class Fate(StrEnum):
    """Whether the label is there in the end: surely, surely not (but for an external label), or not to be told."""

    CARRIED = "carried"
    LOST = "lost"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Bracket:
    """What stands in a pair of brackets."""

    opening: str
    inside: tuple[Item, ...]


Item = Token | Bracket
Items = Sequence[Item]


@lru_cache(maxsize=4096)
def label_fate(expression: str, names: tuple[str, ...]) -> Fate:
    """What becomes of the labels of these names in the expression: whether one of them is there in the end."""
    tokens = tokens_of(expression)
    if tokens is None or max((token.depth for token in tokens), default=0) > DEEPEST:
        return Fate.UNTOLD
    said = iter([token for token in tokens if token.kind != "comment" and not token.text.isspace()])
    items = tuple(_nested(said))
    fates = {_Reader(name).of(items) or Fate.UNTOLD for name in names}
    if Fate.CARRIED in fates:
        return Fate.CARRIED
    return Fate.LOST if fates == {Fate.LOST} else Fate.UNTOLD


def _nested(tokens: Iterator[Token]) -> Iterator[Item]:
    for token in tokens:
        if token.kind == "close":
            return
        yield Bracket(token.text, tuple(_nested(tokens))) if token.kind == "open" else token


def _word(item: Item | None) -> str:
    return item.text if isinstance(item, Token) and item.kind == "word" else ""


def _is_list(item: Item | None, opening: str = "(") -> bool:
    return isinstance(item, Bracket) and item.opening == opening


def _words(bracket: Item) -> frozenset[str]:
    return frozenset(filter(None, map(_word, bracket.inside))) if isinstance(bracket, Bracket) else frozenset()


def _split(items: Items, words: Collection[str]) -> list[list[Item]]:
    """The items between these words, signs or commas."""
    parts: list[list[Item]] = [[]]
    for item in items:
        if isinstance(item, Token) and item.text.lower() in words and item.kind != "text":
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


class _Reader:
    """Goes down the expression for one label; None is the fate of a number, which has no labels to match."""

    def __init__(self, name: str) -> None:
        self._name = name

    def of(self, items: Items) -> Fate | None:
        """Of a whole expression: "or" may give the labels of either side, "and" and "unless" those of the left."""
        fates = [self._calculated(_split(part, {"and", "unless"})[0]) for part in _split(items, {"or"})]
        return fates[0] if len(set(fates)) == 1 else Fate.UNTOLD

    def _calculated(self, items: Items) -> Fate | None:
        """Of operands between arithmetic signs and comparisons."""
        fate: Fate | None = None
        for operand in _operands(items):
            modifiers, rest = _modifiers(operand)
            own = self._operand(rest)
            fate = own if fate is None else fate if own is None else self._matched(fate, own, modifiers)
        return fate

    def _matched(self, left: Fate, right: Fate, modifiers: dict[str, frozenset[str]]) -> Fate:
        """Of two vectors whose labels are matched."""
        matched_on, ignored = modifiers.get("on"), modifiers.get("ignoring", frozenset())
        is_matched = matched_on is not None and self._name in matched_on
        if "group_left" in modifiers or "group_right" in modifiers:
            kept = left if "group_left" in modifiers else right
            return Fate.CARRIED if is_matched and kept is Fate.UNTOLD else kept
        if matched_on is not None:
            return Fate.CARRIED if is_matched else Fate.LOST
        if Fate.LOST in {left, right} or self._name in ignored:
            return Fate.LOST
        return Fate.CARRIED if Fate.CARRIED in {left, right} else Fate.UNTOLD

    def _operand(self, items: Items) -> Fate | None:
        """Of a selector, a call, or an expression in parentheses."""
        first = items[0] if items else None
        if isinstance(first, Bracket):
            return self.of(first.inside) if first.opening == "(" else self._selected(first)
        name, arguments = _word(first), next((item for item in items[1:] if isinstance(item, Bracket)), None)
        if not name or name.lower() in {"inf", "nan"}:
            return None
        if name.lower() in AGGREGATIONS:
            return self._aggregated(name.lower(), items[1:])
        if isinstance(arguments, Bracket) and arguments.opening == "(":
            return self._called(name.lower(), arguments)
        return self._selected(arguments)

    def _selected(self, matchers: Bracket | None) -> Fate:
        """Of series: carried where a matcher says that the label is there."""
        for part in _split(matchers.inside if matchers and matchers.opening == "{" else (), {","}):
            if _needs(self._name, part):
                return Fate.CARRIED
        return Fate.UNTOLD

    def _called(self, name: str, arguments: Bracket) -> Fate | None:
        """Of a function."""
        if name in SCALARS:
            return None
        if name in WITHOUT_SERIES:
            return Fate.CARRIED if self._has_equal(arguments.inside) else Fate.LOST
        given = _split(arguments.inside, {","})
        if name in LABELLING and len(given) > 1 and given[1] and _text(given[1][0]) == self._name:
            return Fate.CARRIED
        return next((fate for fate in map(self.of, given) if fate), Fate.LOST if name == "vector" else None)

    def _aggregated(self, name: str, items: Items) -> Fate | None:
        """Of an aggregation: its list says which labels stay, or which go; without one none stays."""
        lists = [item for item in items if _is_list(item)]
        clause = next((word for word in map(_word, items) if word.lower() in {"by", "without"}), "").lower()
        if len(lists) < (2 if clause else 1):
            return Fate.UNTOLD
        named = next((items[at + 1] for at, item in enumerate(items[:-1]) if _word(item).lower() == clause), lists[0])
        body = next((each for each in lists if not clause or each is not named), lists[0])
        inner = self.of(_split(body.inside if isinstance(body, Bracket) else (), {","})[-1])
        is_named = bool(clause) and self._name in _words(named)
        if clause == "by":
            return Fate.LOST if not is_named or inner is Fate.LOST else Fate.CARRIED
        return Fate.LOST if is_named or not (clause or name in KEEPING) else inner

    def _has_equal(self, items: Items) -> bool:
        """Whether a selector in it says which value the label has."""
        for item in items:
            if not isinstance(item, Bracket):
                continue
            if self._has_equal(item.inside):
                return True
            for part in _split(item.inside, {","}):
                told = [each.text for each in part if isinstance(each, Token)]
                if len(told) == 3 and told[0] == self._name and told[1] == "=" and len(told[2]) > 2:
                    return True
        return False


def _operands(items: Items) -> Iterator[list[Item]]:
    """What stands between arithmetic signs and comparisons; a sign in front of a number is a part of it."""
    part: list[Item] = []
    for item in items:
        is_sign = isinstance(item, Token) and (item.kind == "compared" or item.text in SIGNS)
        if is_sign or _word(item).lower() == "atan2":
            yield from [part] if part else []
            part = []
        else:
            part.append(item)
    yield from [part] if part else []


def _modifiers(operand: Items) -> tuple[dict[str, frozenset[str]], Items]:
    """How the operand is matched to the one on its left ("on (cluster) group_left"), and the operand itself."""
    found: dict[str, frozenset[str]] = {}
    at = 0
    while at < len(operand) and (word := _word(operand[at]).lower()) in MODIFIERS | {"bool"}:
        at += 1
        is_list = at < len(operand) - 1 and _is_list(operand[at])
        found[word] = _words(operand[at]) if is_list else frozenset()
        at += is_list
    return found, operand[at:]


def _text(item: Item) -> str:
    return item.text[1:-1] if isinstance(item, Token) and item.kind == "text" else ""


def _needs(name: str, part: Items) -> bool:
    """Whether only series with the label meet this matcher: one that is met without it proves nothing."""
    said = [item for item in part if isinstance(item, Token)]
    if len(said) < 3 or said[0].text != name:
        return False
    matcher = LabelMatcher(name, "".join(item.text for item in said[1:-1]), _text(said[-1]))
    try:
        return matcher.operator in TURNED and not matcher.is_met_by({})
    except PatternError:
        return False
