"""How soon a change at an upstream is on the screen of somebody who touches nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote

from playwright.sync_api import Page

from bench.servers import Fleet, Portal

CHANGES = 40
ALERTS = 12
HANGING = ("alertmanager/appsre/1", "argocd/staging")
UNTIL_SEEN = """([selector, word]) => new Promise((done, failed) => {
  const began = Date.now();
  const look = () => {
    const row = document.querySelector(selector);
    if (row && row.textContent.includes(word)) return requestAnimationFrame(() => done(Date.now()));
    if (Date.now() - began > 60000) return failed(new Error(`${selector} never said ${word}`));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


def seconds_until_seen(page: Page, selector: str, word: str, change: Callable[[], object]) -> float:
    """From the moment of the change until the row says the word."""
    began = time.time()
    change()
    seen: float = page.evaluate(UNTIL_SEEN, [selector, word])
    return seen / 1000 - began


def application_delays(page: Page, portal: Portal, path: str) -> list[float]:
    """Of CHANGES changes of one Application's health; `path` is its page's."""
    instance, _, name = (unquote(part) for part in path.strip("/").split("/")[1:])
    page.goto(f"{portal.url}apps/?environment=all&q={quote(name)}")
    page.locator("tr[data-row]").first.wait_for()
    time.sleep(3)
    selector, delays = f'tr[data-row$="/{name}"]', []
    for number in range(CHANGES):
        health = ("Degraded", "Progressing")[number % 2]
        asked = {"instance": instance, "application": name, "fields": {"health": health}}
        change = lambda told=asked: portal.fleet.ask("POST", "/world/application", told)  # noqa: E731
        delays.append(seconds_until_seen(page, selector, health, change))
        time.sleep(0.7 + number % 5 / 3)
    return delays


def alert_delays(page: Page, portal: Portal, rule: str) -> list[float]:
    """Of ALERTS alerts that begin, one after another."""
    page.goto(f"{portal.url}alerts/?environment=all&group=none&sort=-since&q={quote(rule)}")
    time.sleep(3)
    delays = []
    for number in range(ALERTS):
        labels = {"bench": str(time.time_ns())}
        began = time.time()
        fired = portal.fleet.ask("POST", "/world/fire", {"rule": rule, "labels": labels})
        seen = page.evaluate(UNTIL_SEEN, [f'tr[data-row$="/{fired["fingerprint"]}"]', rule])
        delays.append(seen / 1000 - began)
        portal.fleet.ask("POST", "/world/resolve", {"fingerprint": fired["fingerprint"]})
        time.sleep(0.7 + number % 7)
    return delays


@contextlib.contextmanager
def others_hanging(fleet: Fleet) -> Iterator[None]:
    """Meanwhile sources that have nothing to do with what is watched take connections and say nothing."""
    there = {server["name"] for server in fleet.ask("GET", "/servers")}
    chosen = [name for name in HANGING if name in there]
    for name in chosen:
        fleet.ask("POST", f"/faults/{name}", {"fault": "hang"})
    try:
        yield
    finally:
        for name in chosen:
            fleet.ask("POST", f"/faults/{name}", {"fault": "none"})
