"""What people answer to a request that is there: approve, withdraw, set aside, pause, resume, end."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from apps.core.errors import RuleViolation

from .audit import audit_note, who_told
from .bulk import bulk_pause, bulk_resume
from .case import Who
from .models import ActionRequest
from .services import request_approve, request_withdraw
from .setting_aside import request_end, request_set_aside

REFUSED = "refused"
ANSWERS: dict[str, Callable[[ActionRequest, Who, str], bool]] = {
    "approve": lambda request, who, note: request_approve(request=request, who=who, note=note),
    "withdraw": lambda request, who, _: request_withdraw(request=request, who=who),
    "set-aside": lambda request, who, note: request_set_aside(request=request, who=who, note=note),
    "pause": lambda request, who, _: bulk_pause(request=request, who=who),
    "resume": lambda request, who, _: bulk_resume(request=request, who=who),
    "end": lambda request, who, _: request_end(request=request, who=who),
}


def request_answer(word: str, *, request: ActionRequest, who: Who, note: str = "") -> bool:
    """Does what the word says; False where it is too late for that.

    Raises RuleViolation where it may not be, which the audit log then knows.
    """
    if word not in ANSWERS:
        raise RuleViolation("There is no such answer")
    try:
        return ANSWERS[word](request, who, note)
    except RuleViolation as refusal:
        _refusal_note(word, request, who, str(refusal))
        raise


@transaction.atomic
def _refusal_note(word: str, request: ActionRequest, who: Who, words: str) -> None:
    """In a transaction of its own: what was refused wrote nothing."""
    what = {"asked": word, "by": who_told(who)}
    audit_note(event=REFUSED, request=request, who=who.username, words=f"{word}: {words}", what=what)
