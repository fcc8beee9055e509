"""How soon a click on Resync is accepted on the screen, and how soon the end of the operation is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from playwright.sync_api import Page

from bench.servers import Portal

CLICKS = 25
INSTANCE, NAMESPACE = "staging", "argocd"
OPERATION_SECONDS = 1.0
REST_SECONDS = 0.5
PATIENCE_MS = 20_000
ON_ITS_WAY, ENDED = "accepted|running|succeeded|still not synced", "succeeded|still not synced"
NOTE_THE_CLICK = """() => addEventListener(
  "click", () => sessionStorage.setItem("clicked", Date.now()), {capture: true, once: true}
)"""
"""The moment of the click itself, not that at which the driver begins to look for the button."""
WHEN_IT_SAYS = """([words, patience]) => new Promise((done, failed) => {
  const began = Date.now();
  const look = () => {
    const said = document.querySelector(".page-head")?.textContent ?? "";
    if (new RegExp(words).test(said)) return done(Date.now());
    if (Date.now() - began > patience) return failed(new Error(`it never said ${words}, but ${said}`));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


@dataclass
class Clicks:
    """Seconds from each click to *accepted* on the screen, and from the end of its operation to its outcome."""

    accepted: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    asked_more: int = 0
    """Clicks that led to a question first."""


def clicks_on(page: Page, portal: Portal) -> Clicks:
    """Of CLICKS Applications, one after another, by somebody who may."""
    told = Clicks()
    for name in applications_of(page, portal):
        fields = {"sync_seconds": OPERATION_SECONDS}
        portal.fleet.ask("POST", "/world/application", {"instance": INSTANCE, "application": name, "fields": fields})
        page.goto(f"{portal.url}apps/{INSTANCE}/{NAMESPACE}/{quote(name)}/")
        one_click(page, told)
        time.sleep(REST_SECONDS)
    return told


def applications_of(page: Page, portal: Portal) -> Iterator[str]:
    """Those of the instance against which nothing speaks that the list can tell."""
    page.goto(f"{portal.url}apps/?environment={INSTANCE}&tone=well")
    rows = page.locator("tr[data-row]").evaluate_all("rows => rows.map((row) => row.dataset.row)")
    yield from [row.rsplit("/", 1)[1] for row in rows if row.startswith(f"{INSTANCE}/")][:CLICKS]


def one_click(page: Page, told: Clicks) -> None:
    """Clicks, and waits for both moments. The operation begins when it is accepted and takes its time from there."""
    button = page.locator(".page-head [data-resync]")
    button.wait_for()
    page.evaluate(NOTE_THE_CLICK)
    button.click(no_wait_after=True)
    page.wait_for_url("**/actions/**", wait_until="commit")
    if page.url.endswith("/actions/new/"):
        told.asked_more += 1
        return
    accepted = moment_of(page, ON_ITS_WAY)
    clicked = float(page.evaluate("() => Number(sessionStorage.getItem('clicked'))")) / 1000
    told.accepted.append(accepted - clicked)
    told.ended.append(moment_of(page, ENDED) - accepted - OPERATION_SECONDS)


def moment_of(page: Page, words: str) -> float:
    """When the request's page first says one of the words, in seconds since 1970."""
    return float(page.evaluate(WHEN_IT_SAYS, [words, PATIENCE_MS])) / 1000
