"""What forms tell, read."""

from __future__ import annotations

from uuid import UUID

from .errors import RuleViolation


def uuid_told(word: str) -> UUID:
    """Raises RuleViolation for what is none."""
    try:
        return UUID(word)
    except ValueError:
        raise RuleViolation("The form is not whole: load the page again") from None
