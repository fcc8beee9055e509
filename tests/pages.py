"""What tests of pages ask again and again."""

from __future__ import annotations

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}'\"</script>"
RTL = "evil\u202egnp.exe\u200b"
TAGS = re.compile(r"<[^>]*>")


def html_of(client: Client, url: str, *, status: int = 200) -> str:
    """The page's HTML, in all environments unless the address names one."""
    answer = client.get(url if "environment=" in url else f"{url}{'&' if '?' in url else '?'}environment=all")
    assert answer.status_code == status
    return answer.content.decode()


def text_of(html: str) -> str:
    """The page's text, white space and tags taken away."""
    return " ".join(TAGS.sub(" ", html.partition("<main")[2]).split())


def queries_of(client: Client, url: str) -> int:
    """How many queries the page costs, once everything that is kept by the process is there."""
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)
