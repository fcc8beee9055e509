"""Texts of upstreams that try to be more than text: they do nothing, and no page breaks under them."""

from __future__ import annotations

from apps.core.addresses import page_address
from apps.core.text import clean
from tests.browser.conftest import PHONE
from tests.browser.small_fleet import CLUSTER, PAGES, fleet_rows
from tests.browser.visiting import DESKTOP, Visitor
from tests.pages import HOSTILE, RTL
from tests.rows import application_row, change_row, episode_row, object_row

LONG = "x" * 10_000
WORDS = (HOSTILE, RTL, LONG, "../../etc/passwd?a=b#c")


def hostile_rows(word: str, fingerprint: str) -> str:
    """A row of each kind that says the word wherever an upstream may; the page of its alert."""
    name = clean(word, 253)
    application_row(
        name, tone="critical", reason=clean(f"sync failed: {word}", 500), health_status=clean(word, 50),
        sync_status="OutOfSync", health_message=clean(word), set_name=name, repo_url=f"javascript:{name}", path=name,
        conditions=[{"type": name, "message": clean(word), "at": None}], target_revision=name, sync_revision=name,
    )  # fmt: skip
    episode_row(
        clean(word, 300), fingerprint=fingerprint, severity=clean(word, 50), owner=clean(word, 300),
        cluster="", cluster_told=clean(word, 300), runbook_url=clean(f"javascript:{word}"), reason=clean(word, 500),
        annotations={"summary": clean(word), "description": clean(word), name: clean(word)}, labels={name: name},
        group_labels={name: name},
    )  # fmt: skip
    object_row(CLUSTER, "Node", name, tone="warning", status=clean(word, 200), reason=clean(word, 1000))
    change_row(clean(word, 300), after=clean(word, 500), by=clean(word, 200), link="javascript:alert(1)")
    return f"/alerts/appsre/{fingerprint}/"


def test_they_are_text_alone_and_keep_their_place(visitor: Visitor) -> None:
    fleet_rows()
    told = [hostile_rows(word, f"{number:016x}") for number, word in enumerate(WORDS)]
    subject = page_address("dashboard:application-show", "production", "argocd", WORDS[0])
    visit = visitor()
    for path in (*PAGES, *told, subject):
        page = visit.open(path)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, size["width"])
        assert page.locator("main img, main script, main [onerror], a[href^='javascript:']").count() == 0
        assert "\u202e" not in page.locator("main").inner_text()
