"""Steps of a runbook: the items of its numbered and task lists, each with a key that stays while its text does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from markdown_it.token import Token

from .places import PREFIX
from .slots import Slots, Step

TASK = re.compile(r"\[([ xX])\][ \t]+")
LONGEST_WORDS = 120
MOST_STEPS = 300
OUTERMOST = 1


class StepFinder:
    """Finds the steps among the tokens and gives each its place, and the boxes of other task lists a sign."""

    def __init__(self, tokens: Sequence[Token], slots: Slots) -> None:
        self._tokens = tokens
        self._slots = slots
        self._seen: Counter[str] = Counter()

    def find(self, steps: list[Step]) -> None:
        """Adds the steps in order."""
        outermost = ""
        for at, token in enumerate(self._tokens):
            if token.level == 0 and token.nesting == 1:
                outermost = token.type
            if token.type != "list_item_open":
                continue
            first = self._first_sentence(at)
            box = box_taken(first) if first else ""
            is_listed = outermost == "ordered_list_open" or (outermost == "bullet_list_open" and box)
            if is_listed and token.level == OUTERMOST and len(steps) < MOST_STEPS:
                steps.append(self._step(at, first, len(steps) + 1))
            elif box and first and first.children:
                first.children.insert(0, slot_token("☐ " if box == " " else "☑ "))

    def _first_sentence(self, at: int) -> Token | None:
        following = self._tokens[at + 1 : at + 3]
        is_text = len(following) == 2 and following[0].type == "paragraph_open" and following[1].type == "inline"
        return following[1] if is_text else None

    def _step(self, at: int, first: Token | None, ordinal: int) -> Step:
        item = self._tokens[at]
        words = " ".join(" ".join(self._texts_within(at)).split())
        self._seen[words] += 1
        key = blake2b(f"{words}\0{self._seen[words]}".encode("utf-8", "replace"), digest_size=12).hexdigest()
        step = Step(key, ordinal, words[:LONGEST_WORDS])
        item.attrs = {**item.attrs, "id": f"{PREFIX}step-{key}"}
        item.meta = {**item.meta, "own": ("id",)}
        mark = slot_token(self._slots.mark(step))
        if first and first.children is not None:
            first.children.insert(0, mark)
        else:
            item.meta["slot"] = mark.content
        return step

    def _texts_within(self, at: int) -> Iterator[str]:
        """All that is written in the item, code too."""
        level = self._tokens[at].level
        for token in self._tokens[at + 1 :]:
            if token.type == "list_item_close" and token.level == level:
                return
            if token.content:
                yield token.content


def box_taken(sentence: Token) -> str:
    """The letter in a task's box, which is taken away from the sentence; "" where it begins with none."""
    first = next(iter(sentence.children or ()), None)
    found = TASK.match(first.content) if first and first.type == "text" else None
    if not first or not found:
        return ""
    first.content = first.content[found.end() :]
    sentence.content = TASK.sub("", sentence.content, count=1)
    return found[1].lower()


def slot_token(content: str) -> Token:
    """A token that is written as it is."""
    return Token("slot", "", 0, content=content)
