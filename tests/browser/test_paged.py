"""From an alert to its runbook and to the next shift: what somebody on call does who came in by single sign-on."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from apps.accounts.models import Role
from apps.actions.models import ActionRequest
from apps.alerts.models import Episode
from apps.notes.models import Acknowledgement
from apps.runbooks.models import Tick
from tests.browser.acting import SENT, Play

ALERT, APPLICATION = "BuildServiceDown", "build-service-stone-prd-rh01"


def paged(play: Play) -> Page:
    """The page that the pager's link leads to."""
    episode = Episode.objects.get(name=ALERT, ended_at=None)
    visit = play.visitor(role=Role.RESPONDER)
    return visit.open(f"/alerts/{episode.alertmanager}/{episode.fingerprint}/")


def test_paged_i_follow_the_runbook_resync_acknowledge_and_hand_over(play: Play) -> None:
    page = paged(play)
    address, runbook = page.url, page.locator("#runbook")
    expect(page.locator("main")).to_contain_text("supported as data plane: alert and runbook")
    expect(runbook.locator("pre mark").first).to_have_text("stone-prd-rh01")
    runbook.get_by_role("checkbox", name="Step 1 is done").click()
    expect(page.locator("#runbook")).to_contain_text("1 of 4 steps done")
    assert Tick.objects.get().person == "Remy"

    page.locator("main [data-resync]").first.click()
    expect(page.locator("h1")).to_have_text("Resync")
    expect(page.locator("main")).to_contain_text(APPLICATION)
    page.locator("#preflight .button.main").click()
    expect(page).to_have_url(SENT)
    assert ActionRequest.objects.get().name == APPLICATION
    play.until_final()

    page.goto(address)
    page.get_by_label("What do you know?").fill("Restarted; ITN-2026-00031 has the rest.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#said")).to_contain_text("Acknowledged by remy")
    assert Acknowledgement.objects.get().by == "remy"

    page.goto(address.partition("/alerts/")[0] + "/handover/")
    expect(page.locator("main")).to_contain_text(ALERT)
    expect(page.locator("textarea")).to_have_value(re.compile("acknowledged by remy", re.IGNORECASE))
    expect(page.locator("textarea")).to_have_value(re.compile(f"Resync.*{APPLICATION}|{APPLICATION}.*Resync"))
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/handover/[^/]+/$"))
    expect(page.locator("main")).to_contain_text("remy")


def test_which_of_our_slo_alerts_have_no_runbook(play: Play) -> None:
    page = play.visitor(role=Role.VIEWER).open("/")
    page.get_by_role("link", name="Runbooks", exact=True).click()
    page.get_by_role("link", name="SLO rules without a runbook").click()
    expect(page.locator("h1")).to_have_text("Runbook coverage")
    expect(page.locator("main")).to_contain_text("No rules")
    page.get_by_role("link", name=re.compile("1 of .* SLO rules with a dead link")).click()
    rows = page.locator("table tr[data-row]")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("ProbeAlert")
