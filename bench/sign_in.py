"""What signing in adds to opening a link, for somebody whose session at the provider is alive."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from playwright.sync_api import Page

from bench.servers import Portal, pss_megabytes

TIMES = 30


@dataclass
class SignIns:
    """Milliseconds from opening a link to its page, by somebody who is signed in and by somebody who is not yet."""

    within: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)


def sign_ins_on(page: Page, portal: Portal, path: str) -> SignIns:
    """TIMES of each in turn; the window is that of somebody who has signed in at the provider."""
    told = SignIns()
    for _ in range(TIMES):
        told.within.append(opened(page, portal.url + path))
        page.context.clear_cookies(name="sessionid")
        told.through.append(opened(page, portal.url + path))
    return told


def opened(page: Page, link: str) -> float:
    """Milliseconds until the page of the link is read."""
    began = time.perf_counter()
    page.goto(link, wait_until="domcontentloaded")
    took = (time.perf_counter() - began) * 1000
    assert page.url == link, f"{link} led to {page.url}"
    return took


def provider_megabytes(portal: Portal) -> float:
    """The provider's own memory (PSS)."""
    of_demo = [each for each in portal.children(with_demo=True) if each not in portal.children()]
    return pss_megabytes([each for each in of_demo if "demo_fleet" not in each.cmdline()])
