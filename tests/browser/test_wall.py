"""The Wall on screens of many sizes: nothing scrolls, its age is big, and what it cannot vouch for is seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import ViewportSize, expect

from apps.accounts.models import WallKey
from apps.accounts.walls import wall_key_make, wall_key_revoke
from apps.core.topics import raise_topics
from tests.browser.small_fleet import fleet_rows
from tests.browser.visiting import Visitor
from tests.rows import broken, cluster_row, source_row

SIZES = ((1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (1080, 1920))
MEASURED = """() => {
  const page = document.documentElement, age = document.querySelector("#wall-age time");
  const letters = document.createElement("canvas").getContext("2d");
  letters.font = `${getComputedStyle(age).fontSize} ${getComputedStyle(age).fontFamily}`;
  const cut = [...document.querySelectorAll(".needs li, .tiles li, .across p")].filter((each) => {
    const box = each.getBoundingClientRect();
    const isSeen = !each.matches(".needs li") || each.offsetLeft === each.parentElement.firstElementChild.offsetLeft;
    return isSeen && (box.right > innerWidth || box.bottom > innerHeight);
  });
  return {
    over: [page.scrollWidth - page.clientWidth, page.scrollHeight - page.clientHeight],
    age: letters.measureText("4").actualBoundingBoxAscent / innerHeight,
    cut: cut.map((each) => each.textContent.trim()),
  };
}"""


def test_nothing_scrolls_and_the_age_is_read_from_afar_on_every_screen(visitor: Visitor) -> None:
    fleet_rows()
    for number in range(40):
        broken(f"app-{number:02d}", set_name=f"set-{number}", cluster=f"stone-prd-m{number + 10}")
    for number in range(97):
        cluster_row(f"stone-prd-m{number + 10}", position=number + 3, tone="warning" if number % 2 else "well")
        source_row(f"kubernetes/stone-prd-m{number + 10}", cluster=f"stone-prd-m{number + 10}", interval=600.0)
    page = visitor().open("/wall/")
    for width, height in SIZES:
        page.set_viewport_size(ViewportSize(width=width, height=height))
        page.wait_for_timeout(150)
        found = page.evaluate(MEASURED)
        assert found["over"] == [0, 0], (width, height)
        assert found["age"] >= 0.05, (width, height)
        assert found["cut"] == [], (width, height)
        shown = page.locator(".needs li").evaluate_all(
            "(rows) => rows.filter((row) => row.offsetLeft === rows[0].offsetLeft).length"
        )
        total = int(page.locator(".needs").get_attribute("data-count") or 0)
        expect(page.locator("#wall-more")).to_have_text(f"and {total - shown} more")
        assert shown >= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_dark_in_both_schemes_has_no_navigation_and_one_way_out(visitor: Visitor, scheme: str) -> None:
    fleet_rows()
    page = visitor(color_scheme=scheme).open("/wall/")
    expect(page.locator("nav")).to_be_hidden()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("link", name="Now").click()
    expect(page.locator("h1")).to_have_text("Now")


def test_a_portal_that_is_silent_hatches_the_whole_page(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor().open("/wall/")
    expect(page.locator("body.silent")).to_have_count(0)
    page.route(re.compile(r"/wall/\?v="), lambda route: None)
    page.evaluate("document.getElementById('live').dataset.until = String(Date.now() / 1000 - 60)")
    expect(page.locator("body.silent")).to_have_count(1)
    expect(page.locator("#wall-silent")).to_contain_text("does not answer")
    assert "gradient" in page.evaluate("getComputedStyle(document.body).backgroundImage")


def test_a_screen_with_a_key_stays_current_by_its_stream_until_the_key_is_revoked(listener: Visitor) -> None:
    fleet_rows()
    key = wall_key_make(name="by the door", days=1, by="ada")
    visit = listener(None)
    page = visit.open("/accounts/wall/?environment=production")
    page.get_by_label("Key").fill(key)
    with page.expect_response(re.compile("/stream")) as stream:
        page.get_by_role("button", name="Show the Wall").click()
    assert stream.value.status == 200
    assert page.url == f"{visit.url}/wall/?environment=production"
    broken("app-of-now", set_name="set", cluster="stone-prd-m01")
    raise_topics(["apps"])
    expect(page.locator(".needs")).to_contain_text("app-of-now", timeout=15_000)
    assert page.locator("a:visible, button:visible, input:visible").count() == 0
    assert wall_key_revoke(pk=WallKey.objects.get().pk, by="ada")
    expect(page.locator("#gone")).to_contain_text("You are signed out", timeout=15_000)
    assert all("401" in words for words in visit.said), visit.said
    visit.said.clear()
