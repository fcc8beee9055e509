"""Viewers: browsers that each ask for one page a second."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import requests

Times = dict[str, list[float]]


def signed_in(url: str, persona: str = "vera") -> requests.Session:
    """A browser in which a persona of the demo, by default a viewer, has signed in on the provider's page."""
    browser = requests.Session()
    browser.trust_env = False
    page = browser.get(f"{url}accounts/sign-in/")
    page.raise_for_status()
    landed = browser.post(page.url, {"person": persona})
    landed.raise_for_status()
    assert landed.url.startswith(url), f"{persona} is not signed in, but at {landed.url}"
    return browser


def watch(url: str, pages: dict[str, str], *, viewers: int, seconds: float) -> Times:
    """Milliseconds that each page took, by name, over `seconds` of `viewers` asking for one page a second each."""
    times: Times = defaultdict(list)
    cookies = signed_in(url).cookies
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=one_viewer, args=(url, pages, cookies, number, number / viewers, until, times))
        for number in range(viewers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def one_viewer(
    url: str,
    pages: dict[str, str],
    cookies: requests.cookies.RequestsCookieJar,
    number: int,
    delay: float,
    until: float,
    times: Times,
) -> None:
    """One viewer's round of the pages, beginning at a page and a moment of its own."""
    browser = requests.Session()
    browser.trust_env = False
    browser.cookies = cookies
    names = list(pages)
    next_at = time.monotonic() + delay
    while next_at < until:
        time.sleep(max(0.0, next_at - time.monotonic()))
        name = names[number % len(names)]
        began = time.perf_counter()
        answer = browser.get(url + pages[name])
        times[name].append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, f"{name} answered {answer.status_code}"
        number += 1
        next_at += 1.0
