"""What people do with Applications, in a real browser on a simulated Argo CD."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from apps.accounts.models import Role
from apps.actions.models import ActionRequest
from apps.actions.states import State
from apps.demo.world.applications import Application as DemoApplication
from tests.browser.acting import SENT, Play
from tests.browser.visiting import Visit
from tests.faults.acting import Scene


def address(scene: Scene) -> str:
    """The Application's page."""
    return f"/apps/{scene.instance}/argocd/{scene.name}/"


def opened(play: Play, scene: Scene, role: Role = Role.RESPONDER, **options: object) -> tuple[Visit, Page]:
    """The Application's page before somebody."""
    visit = play.visitor(role=role, **options)
    return visit, visit.open(address(scene))


def resync(page: Page) -> None:
    """The button in the page's head."""
    page.locator("main .page-head [data-resync]").click()


def test_a_drifted_application_is_resynced_with_one_click_and_its_outcome_shows_by_itself(play: Play) -> None:
    scene = play.scene()
    scene.there(auto_sync=False, sync="OutOfSync")
    _, page = opened(play, scene)
    resync(page)
    expect(page).to_have_url(SENT)
    expect(page.locator("h1")).to_contain_text(scene.name)
    play.until_shown(page, "Synced")
    expect(page.locator(".page-head .pill")).to_have_text("succeeded")
    assert len(scene.posts()) == 1


def test_it_works_without_javascript(play: Play) -> None:
    scene = play.scene()
    _, page = opened(play, scene, java_script_enabled=False)
    resync(page)
    expect(page).to_have_url(SENT)
    play.until_final()
    page.reload()
    expect(page.locator(".page-head .pill")).to_have_text("succeeded")


def test_a_double_click_asks_once(play: Play) -> None:
    scene = play.scene()
    _, page = opened(play, scene)
    page.locator("main .page-head [data-resync]").dblclick()
    expect(page).to_have_url(SENT)
    assert ActionRequest.objects.count() == 1


def test_a_closed_window_refuses_with_its_reason_and_no_button_to_send(play: Play) -> None:
    visit = play.visitor(role=Role.RESPONDER)
    page = visit.open("/apps/?environment=all&q=spi-vault&project=frozen")
    page.locator("main [data-row] [data-resync]").first.click()
    expect(page.get_by_text("Not done: nothing was sent.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Sync window")
    expect(page.locator("#preflight")).to_have_count(0)
    assert ActionRequest.objects.get().state == State.REFUSED


def test_prune_in_production_lists_what_goes_and_wants_the_name_and_a_reason(play: Play) -> None:
    scene = play.scene("production")
    scene.there(has_legacy=True)
    visit, page = opened(play, scene)
    page.locator("#more-actions summary").click()
    page.get_by_role("link", name="Resync with options").click()
    page.get_by_label("Prune").check()
    page.locator("#preflight .button.main").click()
    expect(page.locator("#doomed li")).to_have_count(1)
    assert ["409 (Conflict)" in words for words in visit.said] == [True], "what goes was not shown before"
    visit.said.clear()
    page.get_by_label("Type the name").fill(scene.name)
    page.get_by_label("Reason").fill("left over")
    page.locator("#preflight .button.main").click()
    expect(page).to_have_url(SENT)
    play.until_shown(page, re.compile("Synced|synced"))
    assert [body["prune"] for body in scene.posts()] == [True]


def test_a_second_person_approves_from_another_browser(play: Play) -> None:
    scene = play.scene("production")
    _, page = opened(play, scene)
    page.locator("#more-actions summary").click()
    page.get_by_role("link", name="Resync with options").click()
    page.get_by_label("Force").check()
    page.locator("#preflight .button.main").click()
    page.get_by_label("Type the name").fill(scene.name)
    page.get_by_label("Reason").fill("immutable field")
    page.locator("#preflight .button.main").click()
    expect(page.locator(".page-head .pill")).to_have_text("waiting for approval")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    other = play.visitor(role=Role.APPROVER).open(page.url.removeprefix(play.visitor().url))
    other.get_by_role("button", name="Approve").click()
    play.until_shown(page, "Synced")
    expect(page.locator("main")).to_contain_text("ana")


def test_a_sync_that_retries_for_ever_is_taken_over(play: Play) -> None:
    scene = play.scene()
    visit, page = opened(play, scene)
    scene.there(sync_seconds=600.0)
    resync(page)
    expect(page).to_have_url(SENT)
    play.turn()
    ActionRequest.objects.update(holds=False)  # as one that was begun elsewhere
    scene.there(sync_seconds=0.3)
    visit.open(address(scene))
    resync(page)
    page.get_by_role("button", name=re.compile("Take over")).click()
    expect(page.locator("h1")).to_contain_text("Take over")
    play.until_shown(page, re.compile("Wave 2: 1 succeeded"))


def test_a_bulk_stops_at_the_first_failure_and_says_what_it_left(play: Play) -> None:
    worlds = [each for instance in play.stage.demo.world.argocds.values() for each in instance.applications.values()]
    component = next(each.set_name for each in worlds if is_everywhere_well(worlds, each.set_name))
    its = [each for each in worlds if each.set_name == component]
    failing = min(each.name for each in its if "-stg-" in each.name)
    visit = play.visitor(role=Role.RESPONDER)
    page = visit.open(f"/apps/?environment=all&set={component}")
    page.get_by_role("link", name=re.compile("Resync these")).click()
    expect(page.locator("h1")).to_have_text("Bulk resync")
    for each in its:
        each.failure, each.sync_seconds = "quota exceeded" if each.name == failing else "", 0.3
    page.get_by_label("Type how many go").fill(str(len(its)))
    page.get_by_label("Reason").fill("drift")
    page.locator("#preflight .button.main").click()
    expect(page).to_have_url(SENT)
    play.until_shown(page, re.compile("left undone"), 90)
    expect(page.locator("main")).to_contain_text("quota exceeded")
    steps = ActionRequest.objects.exclude(parent=None)
    assert [step.name for step in steps.filter(state=State.FAILED)] == [failing]
    assert {step.environment for step in steps.filter(state=State.LEFT, sent_at=None)} == {"production"}


def is_everywhere_well(there: list[DemoApplication], component: str) -> bool:
    """Whether it is in staging and in production, and a sync of it would go well."""
    its = [each for each in there if each.set_name == component]
    places = {"stg" if "-stg-" in each.name else "prd" for each in its if re.search("-stg-|-prd-", each.name)}
    calm = all(each.is_well and each.project == "default" and not each.failure for each in its)
    return calm and len(places) == 2 and 2 < len(its) <= 5


def test_argocd_that_hangs_while_i_click_is_said_within_seconds(play: Play) -> None:
    scene = play.scene("production")
    _, page = opened(play, scene)
    play.stage.demo.fault(scene.server, "hang")
    resync(page)
    expect(page.locator("main")).to_contain_text("could not be checked", timeout=10_000)
    expect(page.get_by_text("Not done: nothing was sent.")).to_be_visible()
    play.stage.demo.fault(scene.server, "none")
    page.get_by_role("link", name="Check again").click()
    page.locator("#preflight .button.main").click()
    expect(page).to_have_url(SENT)


def test_who_closes_the_laptop_during_a_sync_finds_what_came_of_it(play: Play) -> None:
    scene = play.scene()
    visit, page = opened(play, scene)
    resync(page)
    expect(page).to_have_url(SENT)
    where = page.url.removeprefix(visit.url)
    page.close()
    play.until_final()
    visit.page = visit.context.new_page()
    expect(visit.open(where).locator(".page-head .pill")).to_have_text("succeeded")


def test_the_key_r_shows_what_speaks_against_it_and_sends_nothing(play: Play) -> None:
    scene = play.scene()
    visit, page = opened(play, scene)
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(r"/actions/new/\?action=sync"))
    assert not ActionRequest.objects.exists()
    visit.open(f"/apps/?environment=all&q={scene.name}")
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(r"/actions/new/\?action=sync"))
    expect(page.locator("main")).to_contain_text(scene.name)
    assert not ActionRequest.objects.exists()


def test_a_viewer_is_offered_nothing_and_the_key_does_nothing(play: Play) -> None:
    scene = play.scene()
    _, page = opened(play, scene, Role.VIEWER)
    expect(page.locator("main [data-resync]")).to_have_count(0)
    page.keyboard.press("r")
    page.wait_for_timeout(200)
    assert page.url.endswith(address(scene))
