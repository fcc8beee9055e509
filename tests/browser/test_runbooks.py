"""F30: a hostile runbook runs nothing in Chromium; steps are ticked, commands are copied filled in, axe has nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from apps.accounts.models import Role
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.runbooks.models import Runbook, RunbookFile, RunbookTree, Tick
from apps.runbooks.rendering import rendered
from apps.sources.models import Source
from tests.browser.conftest import PHONE
from tests.browser.test_axe import SCHEMES, found_by_axe
from tests.browser.visiting import DESKTOP, Visitor
from tests.fleet_in_force import FleetFileOfTest
from tests.rows import ago, cluster_row, episode_row, source_row
from tests.runbooks.hostile_markdown import HOSTILE

FLEET = """
environments: [{{name: staging}}, {{name: production}}]
runbooks: [{{name: sop, folder: {folder}, urls: ["https://runbooks.example/<path>"]}}]
"""
PATH, PAGE = "api/errors.md", "/runbooks/sop/api/errors.md/"
ALERT = "/alerts/appsre/00000000000000aa/"
TEXT = """# Errors of the API

The API of a member cluster answers too many requests with an error. See [the other runbook](slow.md).

![the dashboard](img/board.svg)

## Find out

1. Look at the pods of `<namespace>`:

   ```sh
   oc -n <namespace> get pods --selector app=<app>
   oc -n <namespace> logs $POD --tail=100
   ```

2. Compare with what is usual:

   | metric | usual | bad |
   |---|--:|--:|
   | `apiserver_request_total` with code 5xx | 0.1 % | 1 % |
   | requests in a second | 40 | 400 |

- [ ] Tell `#forum-konflux` what you found
- [ ] Write it down

## Mend it

> Never restart more than one at a time.

<details><summary>When all else fails</summary>

Restart it: `oc -n <namespace> rollout restart deployment/api`

</details>

## Ask

The team `konflux-infra`, or https://issues.example/new.
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><rect width="90" height="30" fill="teal"/></svg>'


@pytest.fixture(autouse=True)
def rows(transactional_db: None, fleet_file: None, tmp_path: Path, settings: Settings) -> None:
    """One source with one runbook, for which one alert fires."""
    FleetFileOfTest(tmp_path, settings).put(FLEET.format(folder=tmp_path))
    now = database_now()
    Lease.objects.create(name="beat", holder="tick", expires_at=ago(hours=-1))
    Source.objects.update(succeeded_at=now, attempted_at=now)
    source_row("alertmanager/appsre/0", interval=600.0)
    cluster_row()
    RunbookTree.objects.create(source="sop", read_at=now)
    told = {"title": "Errors of the API", "changed_at": ago(days=4), "changed_by": "Remy", "revision": "3f2c1d0a9b8c"}
    Runbook.objects.create(source="sop", path=PATH, text=TEXT, read_at=now, **told)
    RunbookFile.objects.create(source="sop", path="api/img/board.svg", content_type="image/svg+xml", data=SVG)
    url = f"https://runbooks.example/{PATH}"
    labels = {"alertname": "ApiErrors", "namespace": "build-service", "app": "a; reboot", "pod": "api-5d8f-x2x4q"}
    annotations = {"summary": "Too many errors", "runbook_url": url}
    episode_row("ApiErrors", fingerprint="00000000000000aa", labels=labels, annotations=annotations, runbook_url=url)


def write(text: str) -> None:
    Runbook.objects.update(text=text)


def ran(page: Page) -> bool:
    return bool(page.evaluate("Boolean(window.hasRun)"))


def test_a_hostile_runbook_runs_nothing_and_breaks_no_rule_of_the_policy(visitor: Visitor) -> None:
    together = "\n\n".join([TEXT, *(text.replace("alert(1)", "window.hasRun=1") for text in HOSTILE.values())])
    write(together)
    RunbookFile.objects.create(source="sop", path="api/a.png", content_type="image/svg+xml", data=SVG)
    visit = visitor(role=Role.RESPONDER)
    for path in (PAGE, ALERT):
        page = visit.open(path)
        expect(page.locator(".runbook")).to_contain_text("The API of a member cluster")
        assert not ran(page)
        acting = "[onerror], [onclick], .runbook :is(script, style, iframe, form, input, svg, base)"
        assert page.locator(acting).count() == 0
        assert page.locator(".runbook [style], .runbook [hx-get], .runbook [data-hx-post]").count() == 0
        for link in page.locator(".runbook a:not([href])").all():
            assert link.get_attribute("target") in {None, "_blank"}
        for step in page.locator(".runbook summary").all():
            step.click()
        assert not ran(page)


def test_a_step_is_ticked_and_the_others_see_it_without_a_reload(visitor: Visitor) -> None:
    page = visitor(role=Role.RESPONDER).open(ALERT)
    other = visitor(role=Role.VIEWER).open(ALERT)
    step = page.get_by_role("checkbox", name="Step 1 is done")
    expect(step).to_have_attribute("aria-checked", "false")
    page.evaluate("window.isSamePage = true")
    step.click()
    expect(step).to_have_attribute("aria-checked", "true")
    expect(page.locator("#runbook")).to_contain_text("1 of 4 steps done")
    assert page.evaluate("window.isSamePage")
    assert Tick.objects.get().person
    expect(other.get_by_role("checkbox")).to_have_count(0)
    other.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'portal:refresh')")
    expect(other.locator("#runbook")).to_contain_text("1 of 4 steps done")
    step.click()
    expect(step).to_have_attribute("aria-checked", "false")


def test_a_step_is_ticked_without_a_script_too(visitor: Visitor) -> None:
    page = visitor(role=Role.RESPONDER, java_script_enabled=False).open(ALERT)
    page.get_by_role("checkbox", name="Step 2 is done").click()
    expect(page.get_by_role("checkbox", name="Step 2 is done")).to_have_attribute("aria-checked", "true")
    assert "#rb-step-" in page.url


def test_a_command_is_copied_as_it_is_filled_in(visitor: Visitor) -> None:
    visit = visitor(role=Role.RESPONDER, permissions=["clipboard-read", "clipboard-write"])
    page = visit.open(ALERT)
    page.get_by_role("checkbox", name="Step 1 is done").click()
    expect(page.locator("#runbook")).to_contain_text("1 of 4 steps done")
    page.locator(".runbook [data-copy]").first.click()
    expect(page.locator(".runbook [data-copy]").first).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == (
        "oc -n build-service get pods --selector app=<app>\noc -n build-service logs api-5d8f-x2x4q --tail=100"
    )


def test_the_keys_lead_to_the_runbooks_and_their_list_to_one(visitor: Visitor) -> None:
    page = visitor().open("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runbooks/")
    page.get_by_label("Words of title and text").fill("restart API")
    page.get_by_role("link", name="Errors of the API").click()
    page.wait_for_url(f"**{PAGE}")
    page.get_by_text("Contents").click()
    page.get_by_role("link", name="Mend it").click()
    assert page.url.endswith("#rb-mend-it")


def test_axe_has_nothing_against_runbooks_in_either_scheme(visitor: Visitor) -> None:
    [episode] = Episode.objects.all()
    step = rendered(Runbook.objects.get()).steps[0].key
    Tick.objects.create(episode=episode, source="sop", path=PATH, step=step, person="Remy", at=ago(minutes=3))
    against = []
    visit = visitor(role=Role.ADMIN, bypass_csp=True)
    for size in (DESKTOP, PHONE):
        visit.page.set_viewport_size(size)
        for path in ("/runbooks/", PAGE, ALERT, "/runbooks/?q=nothing-like-it"):
            page = visit.open(path)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                against += [f"{path} ({scheme}) {found}" for found in found_by_axe(page)]
    assert not against, "\n".join(against)
