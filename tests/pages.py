"""What tests of pages ask again and again."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

HOSTILE = "<img src=x onerror=alert(1)>{{7919*7}}'\"</script>"
RTL = "evil\u202egnp.exe\u200b"
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
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


def ends_of(html: str) -> float:
    """When what the page tells changes by the clock alone, in seconds since 1970."""
    return float(re.findall(r'data-ends="([\d.]+)"', html)[0])


def topics_on(client: Client, path: str) -> set[str]:
    """The topics that the page listens to."""
    return set(re.findall(r'data-topics="([^"]*)"', html_of(client, path))[0].split())


def asked_again(text: str, **more: str) -> str:
    """The address with which a page asks again: its fragment's own, with what it shows, as live.js makes it."""
    fragment = text[text.index("<div hx-get") if "<div hx-get" in text else text.index('id="live"') :]
    told = {name: html.unescape(value) for name, value in ATTRIBUTE.findall(fragment.partition(">")[0])}
    names = {"v": "version", "s": "standing", "u": "ends", "f": "frame", "t": "title"}
    shown = {name: told[f"data-{attribute}"] for name, attribute in names.items()}
    return f"{told['hx-get']}{'&' if '?' in told['hx-get'] else '?'}{urlencode({**shown, **more})}"
