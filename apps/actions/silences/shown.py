"""The form of a silence as its page shows it: its matchers, what it hides, what speaks about it, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.accounts.access import Verb, refusal_of
from apps.actions.case import Answer
from apps.actions.models import ActionRequest
from apps.actions.showing import guard_lines
from apps.actions.states import Action
from apps.core.addresses import page_address
from apps.sources.fleetfile.current import fleet_file_in_force

from .asking import Asked, groups_of
from .form import ALWAYS, KEPT, LENGTHS, OPERATORS, USUAL, Line
from .preflight import SilencePreflight
from .rules import limits_of

MOST_HIDDEN = 100
FREE_LINES = 2


@dataclass(frozen=True)
class Length:
    """A button: its word, what it says, and why it cannot be pressed ("" where it can)."""

    value: str
    words: str
    refused: str = ""
    is_main: bool = False


def silence_shown(
    asked: Asked, found: SilencePreflight, *, form_id: str, written: ActionRequest | None = None
) -> dict[str, Any]:
    """What the page's template shows. `form_id` names the form: what is sent with it twice is asked for once; `written`
    is the refused attempt, where it was written down."""
    ask, case, preview = found.ask, found.case, found.preview
    lines = guard_lines(found.findings)
    return {
        "title": title_of(asked),
        "ask": ask,
        "action": ask.action,
        "is_expire": ask.action is Action.SILENCE_EXPIRE,
        "old": asked.old,
        "alert": asked.episode,
        "found": found,
        "preview": preview,
        "listed": preview.hidden[:MOST_HIDDEN],
        "more": max(len(preview.hidden) - MOST_HIDDEN, 0),
        "form": asked.form,
        "rows": [*asked.form.lines, *[Line("", "=", "")] * FREE_LINES],
        "operators": OPERATORS,
        "groups": groups_of(fleet_file_in_force()),
        "matchers": case.wanted.labels,
        "lengths": lengths_of(asked, found),
        "limits": limits_of(case.rules),
        "may": not refusal_of(ask.who.user, Verb.ACT),
        "policy": found.rules.policy,
        "spoken": [line for line in lines if line.answer is not Answer.PASS],
        "passed": [line for line in lines if line.answer is Answer.PASS],
        "written": written,
        "form_id": form_id,
        "back": back_of(asked),
    }


def title_of(asked: Asked) -> str:
    """What the page is called."""
    if asked.old is not None:
        return "Expire silence" if asked.form.action is Action.SILENCE_EXPIRE else "Change silence"
    return f"Silence: {asked.episode.title}" if asked.episode else "Silence"


def lengths_of(asked: Asked, found: SilencePreflight) -> Sequence[Length]:
    """The buttons: the usual ones, longer ones where the policy allows them; of one that is there also its own end."""
    longest = found.case.rules.longest
    verb = "For" if asked.old else "Silence for"
    known = [(word, words, span) for word, (words, span) in LENGTHS.items() if word in ALWAYS or span <= longest]
    buttons = [
        Length(word, f"{verb} {words}", "" if span <= longest else "longer than the policy allows", word == USUAL)
        for word, words, span in known
    ]
    keep = Length(KEPT, "Keep its end")
    return [keep, *buttons] if asked.old and asked.old.ends_at else buttons


def back_of(asked: Asked) -> str:
    """Where "leave it" leads."""
    if asked.episode is not None:
        return page_address("dashboard:alert-show", asked.episode.alertmanager, asked.episode.fingerprint) or "/alerts/"
    return reverse("silences:silence-list") if asked.old else reverse("alerts:alert-list")
