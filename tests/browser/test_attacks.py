"""Another site in the victim's browser: its forms, its frames and its links, in Chromium (F50, F51)."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Response

from apps.accounts.models import Role
from apps.actions.models import ActionRequest, AuditLine, Freeze
from apps.core import reports
from tests.browser.attacks import OtherSite, other_site
from tests.browser.small_fleet import DETAILS, LISTS, fleet_rows
from tests.browser.visiting import DESKTOP, PATIENCE_MS, Visit, session_of
from tests.faults.processes import until

FORM = {"do": "freeze", "what": "everything|", "reason": "x", "length": "1h", "csrfmiddlewaretoken": "a" * 64}
SIMPLE = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}


@pytest.fixture
def victim(transactional_db: None, live_server: Any, chromium: Browser, fleet_file: None) -> Iterator[Visit]:
    """A window of an admin. What its console says of what was stopped is no failure here."""
    context = chromium.new_context(viewport=DESKTOP)
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([session_of(Role.ADMIN, live_server.url)])
    visit = Visit(live_server.url, context, context.new_page())
    visit.listen()
    yield visit
    context.close()


@pytest.fixture
def evil() -> Iterator[OtherSite]:
    with other_site() as site:
        yield site


def form_of(action: str, kind: str = "application/x-www-form-urlencoded", target: str = "_self") -> str:
    """A page that sends the form as soon as it is there."""
    fields = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in FORM.items())
    start = f'<form method="post" action="{action}" enctype="{kind}" target="{target}">'
    return f"<!doctype html>{start}{fields}</form><script>document.forms[0].submit()</script>"


def nothing_was_done() -> bool:
    return not (Freeze.objects.exists() or ActionRequest.objects.exists() or AuditLine.objects.exists())


def sent(page: Page, to: str) -> Response:
    """The answer to what the other site's page at `to` makes the browser send to the portal."""
    with page.expect_response(lambda answer: answer.request.method == "POST") as told:
        page.goto(to)
    return told.value


@pytest.mark.parametrize("kind", sorted(SIMPLE))
def test_a_form_of_another_site_is_refused_f51(victim: Visit, evil: OtherSite, kind: str) -> None:
    evil.pages["/"] = form_of(f"{victim.url}/actions/freezes/", kind)
    assert sent(victim.page, evil.url).status == 403
    assert victim.page.get_by_text("Nothing was changed").is_visible()
    assert nothing_was_done()


def test_a_script_of_another_site_can_neither_send_as_htmx_nor_read_f51(victim: Visit, evil: OtherSite) -> None:
    evil.pages["/"] = "<!doctype html><title>evil</title>"
    victim.page.goto(evil.url)
    for headers in ("{}", "{'HX-Request': 'true'}", "{'X-CSRFToken': 'a'}"):
        for mode in ("cors", "no-cors"):
            told = victim.page.evaluate(
                f"""(url) => fetch(url, {{ method: "POST", mode: "{mode}", credentials: "include", headers: {headers},
                  body: new URLSearchParams({{ do: "freeze", what: "everything|", reason: "x", length: "1h" }}) }})
                  .then((answer) => answer.text(), () => "")""",
                f"{victim.url}/actions/freezes/",
            )
            assert told == ""
    read = "(url) => fetch(url, { credentials: 'include' }).then((answer) => answer.text(), () => '')"
    assert victim.page.evaluate(read, f"{victim.url}/apps/") == ""
    assert nothing_was_done()


def test_a_link_of_another_site_shows_a_page_and_changes_nothing_f51(victim: Visit, evil: OtherSite) -> None:
    order = "do=freeze&what=everything%7C&reason=x&length=1h&_method=POST"
    evil.pages["/"] = f'<!doctype html><a href="{victim.url}/actions/freezes/?{order}">cats</a>'
    victim.page.goto(evil.url)
    victim.page.get_by_text("cats").click()
    victim.page.get_by_role("heading", name="Freezes").first.wait_for()
    assert victim.page.evaluate("window.opener") is None
    assert nothing_was_done()


def test_no_page_can_be_framed_by_another_site_f51(victim: Visit, evil: OtherSite) -> None:
    fleet_rows()
    for path in (*LISTS, *DETAILS, "/actions/new/", "/actions/freezes/", "/accounts/sign-in/?again=1", "/no-such/"):
        assert is_kept_out(victim, evil, victim.url + path), path


def test_nor_by_itself_f51(victim: Visit, evil: OtherSite) -> None:
    """A page of the portal in which something were injected could frame no other one: nothing may be framed at all."""
    victim.open("/sources/")
    victim.page.evaluate(
        "(url) => { const f = document.createElement('iframe'); f.src = url; document.body.append(f) }", "/"
    )
    victim.page.wait_for_function("() => document.querySelector('iframe').contentDocument === null || true")
    victim.page.wait_for_timeout(300)
    assert all(frame.url in {"", "about:blank", "chrome-error://chromewebdata/"} for frame in victim.page.frames[1:])
    assert any("default-src" in words or "frame-src" in words for words in victim.said)


def test_a_site_that_can_be_framed_is_f51(victim: Visit, evil: OtherSite) -> None:
    """The trap works: another page of the other site is seen in its frame."""
    evil.pages["/cats/"] = "<!doctype html><p>cats</p>"
    assert not is_kept_out(victim, evil, f"{evil.url}/cats/")


def is_kept_out(victim: Visit, evil: OtherSite, address: str) -> bool:
    """Whether a frame of the other site shows nothing of that page."""
    evil.pages["/"] = f'<!doctype html><iframe src="{html.escape(address)}" width="900" height="600"></iframe>'
    victim.page.goto(evil.url)
    (frame,) = victim.page.frames[1:]
    frame.wait_for_load_state()
    shown = frame.url != "chrome-error://chromewebdata/"
    return not shown


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil.example", "https:evil.example", "/%0d%0a//evil.example"]
)
def test_the_way_back_is_to_the_portal_f50(victim: Visit, elsewhere: str) -> None:
    victim.open(f"/accounts/sign-in/?next={quote(elsewhere, safe='%')}")
    assert victim.page.url == f"{victim.url}/"


def test_what_the_policy_stops_is_reported_in_one_line(
    victim: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reports, "GATE", reports.Gate())
    victim.open("/sources/?q=secret")
    victim.page.evaluate(
        "() => { const s = document.createElement('script'); s.text = 'xss()'; document.body.append(s) }"
    )
    until(lambda: caplog.messages, 20)
    (line,) = caplog.messages
    assert line.startswith(f"a browser reports: script-src-elem kept inline from {victim.url}/sources/")
    assert "secret" not in line
