"""What stands in a silence's comment beside the reason: the id of the request of this portal that made it."""

from __future__ import annotations

import re

REQUEST = re.compile(r"\s*\[request ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]\s*\Z")


def request_named(comment: str) -> str:
    """The id of the request that made a silence with this comment; "" for one of somebody else.

    It is always the last of the comment, where the person's own words cannot put one.
    """
    found = REQUEST.search(comment)
    return found[1] if found else ""


def reason_told(comment: str) -> str:
    """The comment without the request's id."""
    return REQUEST.sub("", comment)
