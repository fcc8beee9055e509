"""What somebody on call does with the portal, each way by mouse and by keyboard, on its own server with its stream."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.alerts.models import Episode
from apps.core.topics import raise_topics
from apps.gitops.models import Application
from tests.accounts.provider import Provider, provider_running
from tests.browser.conftest import NO_SOURCES, hide
from tests.browser.entering import through_provider
from tests.browser.small_fleet import ALERT, BROKEN, CLUSTER, FINGERPRINT, SUBJECT, fleet_rows
from tests.browser.visiting import Visit, Visitor, visits
from tests.rows import ago, application_row, broken, change_row, cluster_row, episode_row, held_by, source_row
from tests.servers import free_port
from tests.streaming import Web, web_process

NEW_ALERT = "EtcdDatabaseQuotaLowSpaceCritical"
OTHER = "stone-prd-rh01"
OLD, NEW = "0" * 40, "f" * 40


@pytest.fixture(scope="module")
def provider_of_web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, Web]]:
    """Where the people of these journeys sign in, and the portal's own web process, with streams."""
    folder, port = tmp_path_factory.mktemp("on-call"), free_port()
    with provider_running(folder, f"http://127.0.0.1:{port}") as provider:
        path = folder / "fleet.yaml"
        path.write_text(NO_SOURCES + provider.fleet_file_parts())
        with web_process(folder / "web", is_seen=True, port=port, PORTAL_FLEET=str(path)) as web:
            yield provider, web


@pytest.fixture
def listener(transactional_db: None, provider_of_web: tuple[Provider, Web], chromium: Browser) -> Iterator[Visitor]:
    """Windows of people who come in by single sign-on."""
    provider, web = provider_of_web
    yield from visits(web.url, chromium, provider.issuer, through_provider)


def opened(listener: Visitor, path: str, **options: object) -> tuple[Visit, Page]:
    """A page whose stream is open."""
    visit = listener(**options)
    with visit.page.expect_response(re.compile("/stream")):
        page = visit.open(path)
    page.wait_for_timeout(300)
    return visit, page


def something_breaks() -> None:
    """An SLO alert begins on the broken Application's cluster, as a collector would have written it."""
    fired = episode_row(NEW_ALERT, fingerprint="00000000000000bb", is_slo=True, began_at=ago(seconds=1))
    held_by(fired, "alertmanager/appsre/0", "alertmanager/appsre/1")
    raise_topics(["alerts"])


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def test_something_breaks_while_i_look_with_the_mouse(listener: Visitor) -> None:
    fleet_rows()
    _, page = opened(listener, "/")
    before = page.title()
    something_breaks()
    row = page.locator(".attention > li", has_text=NEW_ALERT)
    expect(row).to_be_visible()
    expect(page.locator(".attention > li").first).to_contain_text(NEW_ALERT)
    assert page.title() != before
    assert page.title().startswith("(")
    row.locator("summary").click()
    expect(row.get_by_text("Ranked as critical: an alert on an SLO")).to_be_visible()
    row.locator(".title a").click()
    expect(page.locator("h1")).to_have_text(NEW_ALERT)
    page.locator("main").get_by_role("link", name=CLUSTER, exact=True).first.click()
    expect(page.locator("h1")).to_have_text(CLUSTER)


def test_something_breaks_while_i_look_with_the_keyboard(listener: Visitor) -> None:
    fleet_rows()
    _, page = opened(listener, "/")
    something_breaks()
    expect(page.locator(".attention > li").first).to_contain_text(NEW_ALERT)
    press(page, "j", "o")
    expect(page.get_by_text("Ranked as critical: an alert on an SLO").first).to_be_visible()
    press(page, "Enter")
    expect(page.locator("h1")).to_have_text(NEW_ALERT)
    press(page, "g", "n")
    expect(page.locator("h1")).to_have_text("Now")


def test_i_am_paged_with_a_link_with_the_mouse(listener: Visitor) -> None:
    """What is broken, is it ours, what changed, what do I do."""
    fleet_rows()
    change_row("has-stone-prd-m01", field="revision", before=OLD, after=NEW, subject="production/argocd/has")
    _, page = opened(listener, f"/alerts/appsre/{FINGERPRINT}/")
    expect(page.locator("h1")).to_have_text(ALERT)
    main = page.locator("main")
    expect(main.get_by_text("Too many requests fail.")).to_be_visible()
    expect(main.get_by_text("supported", exact=False).first).to_be_visible()
    expect(main.get_by_role("link", name="Open runbook")).to_have_attribute("href", "https://runbooks.example/x")
    expect(main.get_by_text("revision 0000000 → fffffff")).to_be_visible()
    main.get_by_role("link", name=BROKEN).first.click()
    expect(page.locator("h1")).to_have_text(BROKEN)
    expect(page.locator(".verdict")).to_contain_text("Degraded: 2 Deployments exceed their progress deadline")


def test_i_am_paged_with_a_link_with_the_keyboard(listener: Visitor) -> None:
    fleet_rows()
    _, page = opened(listener, f"/alerts/appsre/{FINGERPRINT}/")
    press(page, "/")
    expect(page.locator("#search[open] input")).to_be_focused()
    page.keyboard.type(BROKEN[:13])
    expect(page.locator("#search").get_by_role("option", name=re.compile(BROKEN))).to_be_visible()
    press(page, "ArrowDown", "Enter")
    expect(page.locator("h1")).to_have_text(BROKEN)


def two_revisions() -> None:
    """One component on three clusters, one of which was left behind, as collectors would have written it: without the
    topics the web process, which outlives the tests, may know the clusters of the test before for some seconds."""
    for number, revision in enumerate((OLD, NEW, NEW)):
        cluster = f"prd-m0{number}"
        cluster_row(cluster, position=10 + number)
        source_row(f"kubernetes/{cluster}", cluster=cluster, environment="production", interval=600.0)
        application_row(f"release-{cluster}", set_name="release", cluster=cluster, sync_revision=revision)
    raise_topics(["apps", "clusters"])


def test_which_clusters_run_the_old_revision_with_the_mouse(listener: Visitor) -> None:
    fleet_rows()
    two_revisions()
    _, page = opened(listener, "/apps/matrix/")
    row = page.get_by_role("row", name=re.compile("^release"))
    expect(row.get_by_text("2 revisions in production")).to_be_visible()
    row.get_by_role("rowheader").get_by_role("link").click()
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_role("link", name=OLD[:7], exact=True).click()
    expect(page).to_have_url(re.compile(f"revision={OLD}"))
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("[data-row]")).to_contain_text("prd-m00")


def test_which_clusters_run_the_old_revision_with_the_keyboard(listener: Visitor) -> None:
    fleet_rows()
    two_revisions()
    _, page = opened(listener, "/")
    press(page, "g", "m")
    expect(page.get_by_text("2 revisions in production")).to_be_visible()
    cell = page.get_by_role("row", name=re.compile("^release")).get_by_role("gridcell").get_by_role("link").first
    cell.focus()
    expect(page.locator("#matrix-told")).to_contain_text(OLD[:7])
    press(page, "Enter")
    expect(page.locator("h1")).to_have_text("release-prd-m00")
    elsewhere = page.locator("section", has=page.get_by_role("heading", name="The same component elsewhere"))
    expect(elsewhere.get_by_text(NEW[:7])).to_have_count(2)


def fires_elsewhere_too() -> None:
    """The same alert on another cluster."""
    cluster_row(OTHER, position=9)
    source_row(f"kubernetes/{OTHER}", cluster=OTHER, environment="production", interval=600.0)
    labels = {"alertname": ALERT, "severity": "critical", "source_cluster": OTHER}
    held_by(episode_row(ALERT, fingerprint="00000000000000cc", cluster=OTHER, labels=labels), "alertmanager/appsre/0")


def test_is_it_only_this_cluster_with_the_mouse(listener: Visitor) -> None:
    fleet_rows()
    fires_elsewhere_too()
    _, page = opened(listener, f"/alerts/appsre/{FINGERPRINT}/")
    labels = page.locator("section", has=page.get_by_role("heading", name="Labels", exact=True))
    labels.get_by_role("link", name=re.compile(ALERT)).first.click()
    expect(page).to_have_url(re.compile("filter=alertname"))
    expect(page.locator("[data-row]")).to_have_count(2)
    page.get_by_label("Grouped by").select_option("cluster")
    expect(page.locator("tr.group", has_text=OTHER)).to_be_visible()
    expect(page.locator("tr.group", has_text=CLUSTER)).to_be_visible()


def test_is_it_only_this_cluster_with_the_keyboard(listener: Visitor) -> None:
    fleet_rows()
    fires_elsewhere_too()
    _, page = opened(listener, "/alerts/")
    press(page, "f")
    page.keyboard.type(f'alertname="{ALERT}"')
    expect(page.locator("[data-row]")).to_have_count(2)
    page.keyboard.type(f" source_cluster!={OTHER}")
    expect(page.locator("[data-row]")).to_have_count(1)
    press(page, "Escape", "j", "Enter")
    expect(page.locator("h1")).to_have_text(ALERT)


def lunch() -> None:
    """What happened meanwhile: what was broken is mended, something else broke, and it is written down."""
    Application.objects.filter(name=BROKEN).update(tone="well", health_status="Healthy", reason="Synced and Healthy")
    Episode.objects.filter(fingerprint=FINGERPRINT).update(ended_at=ago(minutes=20), tone="well", state="ended")
    broken("has-stone-prd-m02", tone_since=ago(minutes=9))
    change_row("has-stone-prd-m02", after="Degraded", seen_at=ago(minutes=9))
    raise_topics(["apps", "alerts"])


def away_and_back(page: Page) -> None:
    """The tab is hidden while the person is at lunch, and seen again."""
    hide(page, True)
    page.wait_for_timeout(500)  # what was asked for before is answered
    lunch()
    page.wait_for_timeout(2500)
    expect(page.get_by_text("has-stone-prd-m02")).to_have_count(0)
    hide(page, False)


def test_i_come_back_after_lunch_with_the_mouse(listener: Visitor) -> None:
    fleet_rows()
    _, page = opened(listener, "/")
    expect(page.locator(".attention")).to_contain_text(ALERT)
    away_and_back(page)
    expect(page.locator(".attention")).to_contain_text("has-stone-prd-m02")
    expect(page.locator(".attention")).not_to_contain_text(ALERT)
    changed = page.locator("section", has=page.get_by_role("heading", name="Changed in the last hour"))
    expect(changed).to_contain_text("has-stone-prd-m02 Healthy → Degraded")
    changed.get_by_role("link", name="See the timeline").click()
    expect(page.locator("h1")).to_have_text("Timeline")
    expect(page.locator("main")).to_contain_text("has-stone-prd-m02")


def test_i_come_back_after_lunch_with_the_keyboard(listener: Visitor) -> None:
    fleet_rows()
    _, page = opened(listener, "/")
    away_and_back(page)
    expect(page.locator(".attention")).to_contain_text("has-stone-prd-m02")
    press(page, "g", "t")
    expect(page.locator("h1")).to_have_text("Timeline")
    expect(page.locator("[data-row]", has_text="has-stone-prd-m02").first).to_be_visible()
    page.wait_for_load_state()
    press(page, "j", "Enter")
    expect(page).not_to_have_url(re.compile("/timeline/"))


def test_the_link_that_i_was_paged_with_survives_signing_in(listener: Visitor) -> None:
    fleet_rows()
    page = listener(role=None).open(f"/alerts/appsre/{FINGERPRINT}/")
    page.locator("button[value=vera]").click()
    expect(page).to_have_url(re.compile(f"/alerts/appsre/{FINGERPRINT}/$"))
    expect(page.locator("h1")).to_have_text(ALERT)
    assert SUBJECT.endswith(BROKEN)
