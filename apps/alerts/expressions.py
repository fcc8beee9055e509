"""What of an alerting rule's expression can be drawn: the measure and its threshold, where they can be told apart.

Only read, never rewritten: the left side is the expression's own text. Where anything is not plain, the whole
expression is drawn, which has a value only while it is true.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*`)
      | (?P<open>[(\[{]) | (?P<close>[)\]}])
      | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
      | (?P<compared>==|!=|>=|<=|>|<)
      | (?P<rest>[0-9][0-9A-Za-z_.]*|\s+|.)""",
    re.VERBOSE | re.DOTALL,
)
NUMBER = re.compile(r"[+-]?\s*(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")
PAIRS = {"(": ")", "[": "]", "{": "}"}
JOINING = frozenset({"and", "or", "unless", "bool"})
MOST_AROUND = 4
TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Measure:
    """What is to be drawn. `sign` and `threshold` say when the alert fires ("> 0.95"); "" and None where they cannot
    be told: then `expression` is the whole one."""

    expression: str
    sign: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression: what it is, where it stands, how deep in brackets (a bracket is inside of itself)."""

    kind: str
    text: str
    start: int
    end: int
    depth: int


def measure_of(expression: str) -> Measure:
    """The measure of an expression with exactly one comparison at its top level, one side of which is a number."""
    whole = Measure(expression.strip())
    inner = unwrapped(expression)
    tokens = tokens_of(inner)
    if tokens is None:
        return whole
    top = [token for token in tokens if token.depth == 0]
    compared = [token for token in top if token.kind == "compared"]
    if len(compared) != 1 or any(token.kind == "word" and token.text.lower() in JOINING for token in top):
        return whole
    sign = compared[0]
    left, right = inner[: sign.start].strip(), inner[sign.end :].strip()
    return measured(left, sign.text, right) or measured(right, TURNED[sign.text], left) or whole


def measured(side: str, sign: str, other: str) -> Measure | None:
    """The measure on one side of a number; None where the other is none, or both are."""
    threshold = number_of(other)
    if threshold is None or not side or number_of(side) is not None:
        return None
    return Measure(side, sign, threshold)


def number_of(text: str) -> float | None:
    """A finite number, or a product of numbers ("3600*25", "(4.5 * 60 * 60)"); None for all else."""
    factors = unwrapped(without_comments(text)).split("*")
    if not all(NUMBER.match(factor.strip()) for factor in factors):
        return None
    product = math.prod(float(factor.replace(" ", "")) for factor in factors)
    return product if math.isfinite(product) else None


def without_comments(text: str) -> str:
    """The text without what its author says of it."""
    tokens = tokens_of(text)
    return "".join(token.text for token in tokens if token.kind != "comment").strip() if tokens else text.strip()


def unwrapped(text: str) -> str:
    """The text without parentheses that are around all of it, MOST_AROUND pairs at most."""
    text = text.strip()
    for _ in range(MOST_AROUND):
        tokens = tokens_of(text)
        inside = within_parentheses(tokens) if tokens else None
        if inside is None:
            break
        text = text[inside[0] : inside[1]].strip()
    return text


def within_parentheses(tokens: list[Token]) -> tuple[int, int] | None:
    """Where the inside of the one pair of parentheses begins and ends that has everything in it; None without one."""
    said = [token for token in tokens if token.kind != "comment" and not token.text.isspace()]
    if not said or said[0].text != "(" or said[-1].text != ")":
        return None
    is_one_pair = all(token.depth > 0 for token in said)
    closes_early = any(token.kind == "close" and token.depth == 1 for token in said[:-1])
    return (said[0].end, said[-1].start) if is_one_pair and not closes_early else None


def tokens_of(text: str) -> list[Token] | None:
    """The pieces of an expression; None where its brackets do not pair, or a text in it does not end."""
    found = list(_tokens(text))
    return found if found and found[-1].kind == "end" and found.pop() else None


def _tokens(text: str) -> Iterator[Token]:
    """The pieces, and one of the kind "end" where all is well."""
    brackets: list[str] = []
    for match in TOKEN.finditer(text):
        kind, piece = match.lastgroup or "rest", match.group()
        if kind == "open":
            brackets.append(PAIRS[piece])
        if (kind == "close" and (not brackets or brackets[-1] != piece)) or piece in {'"', "'", "`"}:
            return
        yield Token(kind, piece, match.start(), match.end(), len(brackets))
        if kind == "close":
            brackets.pop()
    if not brackets:
        yield Token("end", "", len(text), len(text), 0)
