"""axe finds nothing against any page, in both colour schemes, with a thing in every state on it."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from apps.accounts.models import Role
from tests.browser.conftest import PHONE
from tests.browser.small_fleet import EVERY_PAGE, every_state_rows
from tests.browser.visiting import Visitor

OF_COLOURS = {"light": (), "dark": ("color-contrast", "link-in-text-block")}
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


def found_by_axe(page: Page, *rules: str) -> list[str]:
    """What axe, all of it or these rules of it, has against the page: rule, element, why."""
    asked = {"options": {"runOnly": list(rules)}} if rules else {}
    violations = Axe().run(page, **asked).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for violation in violations
        for node in violation["nodes"]
    ]


def test_axe_has_nothing_against_any_page_in_either_scheme(visitor: Visitor) -> None:
    """A page that is open follows the scheme of the system: it is loaded once for both. What a scheme can change, which
    is colours alone (its style sheets say nothing else of it), is looked at in each."""
    every_state_rows()
    visit = visitor(role=Role.ADMIN, bypass_csp=True)
    against, surfaces = [], {}
    for path in EVERY_PAGE:
        page = visit.open(path)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            surfaces[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
            against += [f"{path} ({scheme}) {found}" for found in found_by_axe(page, *OF_COLOURS[scheme])]
    assert not against, "\n".join(against)
    assert surfaces["light"] != surfaces["dark"]


def test_axe_has_nothing_against_the_pages_on_a_phone(visitor: Visitor) -> None:
    every_state_rows()
    visit = visitor(role=Role.RESPONDER, viewport=PHONE, bypass_csp=True)
    against = [f"{path} {found}" for path in EVERY_PAGE for found in found_by_axe(visit.open(path))]
    assert not against, "\n".join(against)


def test_axe_has_nothing_against_the_page_of_signing_in_and_what_is_not_there(visitor: Visitor) -> None:
    visit = visitor(role=None, bypass_csp=True)
    assert found_by_axe(visit.open("/accounts/sign-in/")) == []
    visit = visitor(bypass_csp=True)
    assert found_by_axe(visit.open("/no/such/page/")) == []
    visit.said.clear()


def test_axe_has_nothing_against_what_lies_over_a_page(visitor: Visitor) -> None:
    """The search box, the help, a menu, the pill of what waits, and the banners of a portal that is lost or a page that
    is gone."""
    every_state_rows()
    visit = visitor(bypass_csp=True)
    page = visit.open("/apps/")
    against = []
    page.keyboard.press("/")
    page.locator("#search input").fill("stone")
    page.locator("#found").wait_for()
    against += found_by_axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    against += found_by_axe(page)
    page.keyboard.press("Escape")
    page.locator("#columns summary").click()
    against += found_by_axe(page)
    page.keyboard.press("Escape")
    page.evaluate(
        """() => {
          for (const each of document.querySelectorAll("#offline, #gone, .unfit, .pill-held")) each.hidden = false;
          document.querySelector("#offline [role=status]").textContent = "The portal has not answered since 12:03:";
          document.querySelector("#gone span").textContent = "This is not there any more.";
          document.querySelector(".pill-held").textContent = "2 updates";
          document.getElementById("live").classList.add("gone");
        }"""
    )
    against += found_by_axe(page)
    assert not against, "\n".join(against)


def test_axe_does_find_what_is_wrong(visitor: Visitor) -> None:
    page = visitor(bypass_csp=True).open("/sources/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    assert any(found.startswith("button-name") for found in found_by_axe(page))
