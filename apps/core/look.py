"""How a person wants lists to look: columns left out and the height of rows, from cookies, as attributes of the page.

The server writes them, so that no column is seen for a moment before it goes.
"""

from __future__ import annotations

import re

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

LOOK_MARK = mark_safe("&portal-look;")
HIDDEN, DENSITY = "hide", "density"
COMPACT = "compact"
WORD = re.compile(r"[a-z]{1,20}")
MOST_WORDS = 20


def look_of(request: HttpRequest) -> SafeString:
    """The attributes. The browser sends the cookie of columns to the pages of its own list alone (its path)."""
    words = [word for word in request.COOKIES.get(HIDDEN, "").split(".") if WORD.fullmatch(word)][:MOST_WORDS]
    density = COMPACT if request.COOKIES.get(DENSITY) == COMPACT else ""
    return format_html(' data-hide="{}" data-density="{}"', " ".join(words), density)
