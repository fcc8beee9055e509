"""A bulk of two hundred Applications: what it costs in memory, and whether its page stays usable meanwhile."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass, field

import requests

from bench.servers import Portal, pss_megabytes
from bench.viewers import signed_in

INSTANCE = "staging"
FILTERS = f"environment={INSTANCE}&tone=well"
OPERATION_SECONDS = 1.0
TRIES = 3
FEWEST, LONGEST_SECONDS, EACH_SECONDS = 180, 1200.0, 1.0
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
ROW = re.compile(r'<tr data-row="([^"]+)"')
STATE = re.compile(r'<div class="page-head">.*?<span class="pill[^>]*>(.*?)</span>', re.DOTALL)
ENDS = ("succeeded", "failed", "ended", "left undone", "refused", "paused")


@dataclass
class Bulk:
    """Megabytes of the portal's processes each second, milliseconds and bytes of each look at its page, and its end."""

    applications: int
    megabytes: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    seconds: float = 0.0
    end: str = ""


def bulk_on(portal: Portal) -> Bulk:
    """Asks for it as a responder does, and looks at its page each second until it has ended.

    Raises RuntimeError where too few may be synced, or it does not end in time.
    """
    browser = signed_in(portal.url, "remy")
    address = f"{portal.url}actions/bulk/?{FILTERS}"
    page = browser.get(address).text
    names = [each.rsplit("/", 1)[1] for each in ROW.findall(page) if each.startswith(f"{INSTANCE}/")]
    for name in names:
        fields = {"sync_seconds": OPERATION_SECONDS}
        portal.fleet.ask("POST", "/world/application", {"instance": INSTANCE, "application": name, "fields": fields})
    bulk = Bulk(len(names), [pss_megabytes(portal.children())])
    if bulk.applications < FEWEST:
        raise RuntimeError(f"only {bulk.applications} Applications are there to be synced")
    watched(portal, browser, submitted(browser, address), bulk)
    return bulk


def submitted(browser: requests.Session, address: str) -> str:
    """The page of the bulk, which is asked for again where something changed after a look; raises RuntimeError where
    something speaks against it."""
    for _ in range(TRIES):
        form = browser.get(address).text.partition('id="preflight"')[2].partition("</form>")[0]
        told = {name: html.unescape(value) for name, value in HIDDEN.findall(form)}
        count = re.findall(r"Type how many go \((\d+)\)", form)
        told |= {"reason": "measured", "typed_name": count[0] if count else ""}
        answer = browser.post(address, told, headers={"Referer": address})
        if "/actions/bulk/" not in answer.url:
            return answer.url
    raise RuntimeError(f"it was not begun: {re.findall('Still needed[^<]*', answer.text)}")


def watched(portal: Portal, browser: requests.Session, address: str, bulk: Bulk) -> None:
    """Looks at its page each second."""
    began = time.monotonic()
    while bulk.seconds < LONGEST_SECONDS:
        at = time.perf_counter()
        answer = browser.get(address)
        bulk.milliseconds.append((time.perf_counter() - at) * 1000)
        bulk.bytes.append(len(answer.content))
        bulk.megabytes.append(pss_megabytes(portal.children()))
        bulk.seconds = time.monotonic() - began
        bulk.end = state_in(answer.text)
        if bulk.end.startswith(ENDS):
            return
        time.sleep(max(0.0, EACH_SECONDS - (time.perf_counter() - at)))
    raise RuntimeError(f"the bulk was still {bulk.end} after {bulk.seconds:.0f} s")


def state_in(page: str) -> str:
    """What the page's head says of its state."""
    found = STATE.search(page)
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split()) if found else ""
