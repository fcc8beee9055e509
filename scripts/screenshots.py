"""Screenshots of every page of a running portal, 360 to 2560 pixels wide, dark and light: `make screenshots`.

Without --url it starts the demo itself. What Chromium says against the content security policy is a failure. A page
that is not there is said and left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.servers import DEFAULT, portal_running
from tests.servers import free_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HEIGHTS = {360: 740, 768: 1024, 1440: 900, 2560: 1440}
PAGES = {
    "now": "",
    "alerts": "alerts/",
    "applications": "apps/",
    "matrix": "apps/matrix/",
    "clusters": "clusters/",
    "timeline": "timeline/",
    "sources": "sources/",
    "search": "search/?q=stone",
    "wall": "wall/",
}
DETAILS = {"alert": "alerts/", "application": "apps/", "cluster": "clusters/", "source": "sources/"}


def first_detail(page: Page, listed_at: str) -> str:
    """The address of the first thing that a list's page links to."""
    links = page.eval_on_selector_all("main a[href]", "links => links.map(link => link.getAttribute('href'))")
    lists = {f"/{path}" for path in PAGES.values()}
    return next(link for link in links if link.startswith(f"/{listed_at}") and link.split("?")[0] not in lists)


def shoot(url: str, folder: Path, *, widths: list[int], schemes: list[str]) -> list[str]:
    """Takes them all; returns what the console said."""
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width in widths:
            for scheme in schemes:
                size = {"width": width, "height": HEIGHTS[width]}
                page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
                page.on("console", lambda message: said.append(message.text))
                shoot_all(page, url, folder, f"{width}-{scheme}")
                page.close()
        browser.close()
    return said


def shoot_all(page: Page, url: str, folder: Path, suffix: str) -> None:
    """Signs in on the provider's page and takes every page, lists and details."""
    page.goto(url)
    page.screenshot(path=folder / f"sign-in-{suffix}.png")
    page.click("button[value=ada]")
    page.wait_for_url(url)
    for name, path in PAGES.items():
        answer = page.goto(url + path)
        if answer and answer.ok:
            page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=name != "wall")
        else:
            sys.stderr.write(f"!!! LEFT OUT: there is no page {name} at /{path}\n")
    for name, path in DETAILS.items():
        page.goto(url + path)
        page.goto(url.rstrip("/") + first_detail(page, path))
        page.screenshot(path=folder / f"{name}-{suffix}.png", full_page=True)


def main() -> int:
    """Exit status 1 when the console said anything."""
    parser = argparse.ArgumentParser(prog="screenshots")
    parser.add_argument("--url", help="of a running demo, with the slash at its end")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--width", type=int, action="append", choices=list(HEIGHTS), help="only this one, repeatable")
    parser.add_argument("--readme", action="store_true", help="only the README's: Now, desktop, light")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.url:
        said = take(options.url, options)
    else:
        with tempfile.TemporaryDirectory() as state, portal_running(Path(state), DEFAULT, port=free_port()) as portal:
            time.sleep(45)
            said = take(portal.url, options)
    for line in said:
        print(line)
    return 1 if said else 0


def take(url: str, options: argparse.Namespace) -> list[str]:
    """All of them, or the one of the README."""
    if not options.readme:
        return shoot(url, options.out, widths=options.width or list(HEIGHTS), schemes=["light", "dark"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        page.goto(url)
        page.click("button[value=ada]")
        page.wait_for_url(url)
        page.screenshot(path=options.out / "now.png")
        browser.close()
    return []


if __name__ == "__main__":
    sys.exit(main())
