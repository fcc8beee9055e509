"""What forms tell, read, and where a form that was obeyed leads."""

from __future__ import annotations

from uuid import UUID, uuid5

from django.http import HttpResponseRedirect, QueryDict

from .errors import RuleViolation


class SeeOther(HttpResponseRedirect):
    """After a form: the page of what came of it, so that a reload asks for nothing again (303)."""

    status_code = 303


def uuid_told(word: str) -> UUID:
    """Raises RuleViolation for what is none."""
    try:
        return UUID(word)
    except ValueError:
        raise RuleViolation("The form is not whole: load the page again") from None


def form_id_told(told: QueryDict, said: str) -> UUID:
    """The id of what a form asks for: the page names itself (`form`), and what is said on it twice alike was asked for
    once. Raises RuleViolation for a form that names no page."""
    return uuid5(uuid_told(told.get("form", "")), said)
