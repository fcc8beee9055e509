"""What viewers cost who only have a page open while nothing changes."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

import psutil
import requests

from bench.servers import Portal
from bench.viewers import signed_in

TOPICS = "alerts,apps,clusters,silences,sources"
POLL_SECONDS = 10.0
COMING_SECONDS = 5.0


@dataclass
class Crowd:
    """Clients with a page open: on the stream, or, where there is none, asking every ten seconds as the page does."""

    url: str
    received: int = 0
    has_stream: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def came(self, count: int) -> None:
        """So many bytes, heads too."""
        with self.lock:
            self.received += count

    def listen(self, cookies: requests.cookies.RequestsCookieJar) -> None:
        """One client on the stream until the crowd is ended."""
        with requests.Session() as browser:
            browser.trust_env, browser.cookies = False, cookies
            with browser.get(f"{self.url}stream?topics={TOPICS}", stream=True, timeout=60) as answer:
                answer.raise_for_status()
                self.came(head_length(answer))
                for piece in answer.raw.stream(1, decode_content=False):
                    self.came(len(piece))
                    if self.ended.is_set():
                        return

    def poll(self, cookies: requests.cookies.RequestsCookieJar, delay: float) -> None:
        """One client that asks for its fragment again and again."""
        with requests.Session() as browser:
            browser.trust_env, browser.cookies = False, cookies
            page = browser.get(f"{self.url}apps/").text
            found = re.search(r'hx-get="([^"]+)"', page)
            assert found, "the page does not ask again"
            address = self.url.rstrip("/") + unescape(found[1])
            while not self.ended.wait(delay):
                answer = browser.get(address, headers={"HX-Request": "true"})
                self.came(head_length(answer) + len(answer.content))
                delay = POLL_SECONDS


def head_length(answer: requests.Response) -> int:
    """About as many bytes as its head had on the wire."""
    return 20 + sum(len(name) + len(value) + 4 for name, value in answer.headers.items())


@contextlib.contextmanager
def crowd_watching(portal: Portal, count: int) -> Iterator[Crowd]:
    """That many of them, from the moment when all have come."""
    cookies = signed_in(portal.url).cookies
    crowd = Crowd(portal.url, has_stream=has_stream(portal.url, cookies))
    for number in range(count):
        told = (cookies,) if crowd.has_stream else (cookies, number * POLL_SECONDS / count)
        threading.Thread(target=crowd.listen if crowd.has_stream else crowd.poll, args=told, daemon=True).start()
    time.sleep(COMING_SECONDS)
    try:
        yield crowd
    finally:
        crowd.ended.set()


def has_stream(url: str, cookies: requests.cookies.RequestsCookieJar) -> bool:
    """Whether the portal offers one."""
    with requests.get(f"{url}stream?topics={TOPICS}", cookies=cookies, stream=True, timeout=10) as answer:
        return answer.status_code == 200 and "event-stream" in answer.headers.get("Content-Type", "")


def web_cpu(portal: Portal) -> float:
    """Seconds of CPU that the process that answers pages has used."""
    return sum(sum(each.cpu_times()[:2]) for each in portal.children() if is_web(each))


def is_web(process: psutil.Process) -> bool:
    """Whether it answers pages."""
    return "uvicorn" in process.cmdline()
