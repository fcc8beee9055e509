"""Coming in by single sign-on, as the journeys do: the provider shows who there is, and one click chooses."""

from __future__ import annotations

from playwright.sync_api import expect

from apps.accounts.models import Role
from tests.browser.visiting import Visit

PERSONAS = {Role.VIEWER: "vera", Role.RESPONDER: "remy", Role.APPROVER: "ana", Role.ADMIN: "ada"}
LIGHT_PAGE = "/actions/freezes/"


def through_provider(visit: Visit, role: Role) -> None:
    """Signs the persona of that role in on the provider's page, and lands on a page that says little."""
    page = visit.open(f"/accounts/sign-in/?next={LIGHT_PAGE}")
    page.locator(f"button[value={PERSONAS[role]}]").click()
    expect(page).to_have_url(visit.url + LIGHT_PAGE)
