"""One function makes every link, and only of what a browser reads as http or https (faults.md, case 26)."""

import pytest

from apps.core.links import LONGEST_LINK, safe_link


@pytest.mark.parametrize(
    "url",
    [
        "https://console.example.com/k8s/ns/default?x=1&y=%20#part",
        "http://127.0.0.1:9090/graph?g0.expr=up",
        "HTTPS://EXAMPLE.COM/",
        "http://[::1]:9093/#/alerts",
    ],
)
def test_it_keeps_an_absolute_web_address(url: str) -> None:
    assert safe_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "\tjavascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox",
        "//evil.example.com/",
        "/relative",
        "runbook",
        "https:evil.example.com",
        "https://",
        "http://user@evil.example.com/",
        "https://example.com@evil.example.com/",
        "https://example.com\\@evil.example.com",
        "https://exa mple.com/",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://[::1",
        "Runbook|https://example.com",
        "https://example.com/" + "a" * LONGEST_LINK,
    ],
)
def test_it_makes_no_link_of_anything_else(url: str | None) -> None:
    assert safe_link(url) == ""
