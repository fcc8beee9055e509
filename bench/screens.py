"""A real browser on a running portal: what Chromium measures of a page, and of how quickly it follows.

What is looked for is found in a frame's callback, before the frame is painted; a timer set there fires after it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from bench.viewers import signed_in

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESK = {"width": 1440, "height": 900}
SETTLING_MS = 500
PATIENCE_MS = 15_000

FIRST_ROW_PAINTED = """
window.firstRowAt = new Promise((done) => {
  const look = () => {
    if (!document.querySelector("tr[data-row]")) return requestAnimationFrame(look);
    setTimeout(() => {
      const paint = performance.getEntriesByName("first-contentful-paint")[0];
      done(Math.max(paint ? paint.startTime : 0, performance.now()));
    });
  };
  requestAnimationFrame(look);
});
"""
COUNT_NODES = """() => {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
  let all = 1;
  while (walker.nextNode()) all += 1;
  return { all, elements: document.querySelectorAll("*").length };
}"""
WHEN_ROWS_SAY = """([selector, word, how]) => new Promise((done, failed) => {
  const began = performance.now();
  const look = () => {
    const rows = [...document.querySelectorAll(selector)];
    const fits = rows.length > 0 && rows[how]((row) => row.textContent.toLowerCase().includes(word));
    if (fits) return setTimeout(() => done(performance.now() - (window.lastKeyAt ?? began)));
    if (performance.now() - began > 3000) return done(null);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
FOUND = "#found-place [role=option]"
NOTE_KEYS = "window.addEventListener('keydown', () => { window.lastKeyAt = performance.now(); }, true);"


@dataclass
class Wire:
    """Bytes and requests that a page spent on the network, by address."""

    session: CDPSession
    urls: dict[str, str] = field(default_factory=dict)
    bytes_of: dict[str, float] = field(default_factory=dict)

    def listen(self) -> Wire:
        """From now on."""
        self.session.send("Network.enable")
        self.session.on("Network.requestWillBeSent", self._asked)
        self.session.on("Network.loadingFinished", self._ended)
        self.session.on("Network.dataReceived", self._came)
        return self

    @property
    def total(self) -> float:
        """All bytes, heads too."""
        return sum(self.bytes_of.values())

    def _asked(self, event: dict[str, Any]) -> None:
        self.urls[event["requestId"]] = event["request"]["url"]

    def _came(self, event: dict[str, Any]) -> None:
        spent = self.bytes_of.get(event["requestId"], 0)
        self.bytes_of[event["requestId"]] = spent + event["encodedDataLength"]

    def _ended(self, event: dict[str, Any]) -> None:
        self.bytes_of[event["requestId"]] = event["encodedDataLength"]


@dataclass(frozen=True)
class FirstView:
    """What one cold view of a page took.

    `busy_ms` is the main thread's own time, which others' work on the machine does not lengthen; `nodes` counts texts
    and comments too, `elements` does not.
    """

    painted_ms: float
    kilobytes: float
    busy_ms: float
    nodes: float
    elements: float


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def window(browser: Browser, url: str, persona: str = "vera") -> Iterator[Page]:
    """A window of somebody who is signed in, with nothing in its cache."""
    context: BrowserContext = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    cookies = signed_in(url, persona).cookies
    context.add_cookies([{"name": each.name, "value": each.value or "", "url": url} for each in cookies])
    yield context.new_page()
    context.close()


def first_view(browser: Browser, url: str, path: str) -> FirstView:
    """One cold view of a list."""
    with window(browser, url) as page:
        session = page.context.new_cdp_session(page)
        wire = Wire(session).listen()
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.add_init_script(FIRST_ROW_PAINTED)
        page.goto(url + path, wait_until="load")
        painted = page.evaluate("window.firstRowAt")
        page.wait_for_timeout(SETTLING_MS)
        told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        nodes = page.evaluate(COUNT_NODES)
        return FirstView(painted, wire.total / 1000, told["TaskDuration"] * 1000, nodes["all"], nodes["elements"])


def filter_typed(page: Page, url: str, word: str) -> tuple[float, bool]:
    """Milliseconds from the last key in the filter of Applications until all rows fit; whether Enter was needed."""
    page.goto(f"{url}apps/?environment=all")
    page.evaluate(NOTE_KEYS)
    page.locator("main form.filters input[name=q][type=search]").click()
    page.keyboard.type(word)
    live = page.evaluate(WHEN_ROWS_SAY, ["table.rows tr[data-row]", word, "every"])
    if live is not None:
        return live, False
    began = time.perf_counter()
    page.keyboard.press("Enter")
    page.wait_for_url("**q=*")
    page.locator("table.rows tr[data-row]").first.wait_for()
    return (time.perf_counter() - began) * 1000, True


def search_typed(page: Page, url: str, word: str) -> float | None:
    """Milliseconds from the last key in the search until results are there; None where there is no such search."""
    page.goto(url)
    page.evaluate(NOTE_KEYS)
    page.keyboard.press("/")
    if not page.evaluate("document.activeElement.matches('input')"):
        return None
    page.keyboard.type(word, delay=60)
    found: float | None = page.evaluate(WHEN_ROWS_SAY, [FOUND, word, "some"])
    return found


def left_alone(browser: Browser, url: str, path: str, seconds: float) -> Wire:
    """What a page that nobody touches spends on the network, after it has come to rest."""
    with window(browser, url) as page:
        page.goto(url + path, wait_until="load")
        page.wait_for_timeout(3000)
        wire = Wire(page.context.new_cdp_session(page)).listen()
        page.wait_for_timeout(seconds * 1000)
        return wire
