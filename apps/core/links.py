"""The one function that makes a link of what an upstream said."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST_LINK = 2000
REFUSED = re.compile(r"[\x00-\x20\x7f\\]")


def safe_link(url: str | None) -> str:
    """`url` if it is an absolute http or https address that a browser reads as we do, else "".

    Refused: other schemes in any spelling, control characters and white space anywhere (browsers drop them, so that
    "java\\tscript:" runs), backslashes, user names in front of the host, what is longer than LONGEST_LINK.
    """
    if not url or len(url) > LONGEST_LINK or REFUSED.search(url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    return url
