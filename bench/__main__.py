"""`make bench`: all figures, one table, and the same as JSON in the file named by BENCH_JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import Figures, percentile
from bench.servers import DEFAULT, LARGE, ROOT, Portal, Size, fleet_running, paused, portal_running, pss_megabytes
from bench.viewers import signed_in, watch
from tests.servers import free_port, postgresql

VIEWERS = 50
PAGE_GOAL_MS = 100.0
CATCHING_UP_SECONDS = 20.0


def measure_rounds(figures: Figures, folder: Path, size: Size) -> None:
    """CPU, bytes and writes of each collector's round, and the pages' queries, on a fleet that stands still."""
    large = rounds_on(folder / "large", size, changed=size.applications // 100)
    small = rounds_on(folder / "small", DEFAULT, changed=0)
    for kind, told in large["unchanged"].items():
        label = f"round of {kind} ({told['sources']:.0f} sources), unchanged"
        figures.add(f"{label}: CPU", told["cpu"] * 1000, "ms")
        figures.add(f"{label}: bytes on the wire", told["bytes"] / 1000, "kB")
        figures.add(f"{label}: entity rows written", told["writes"], "writes", 0)
    told = large["changed"]["argocd"]
    figures.add("round of argocd, 1 % changed: CPU", told["cpu"] * 1000, "ms")
    figures.add("round of argocd, 1 % changed: bytes on the wire", told["bytes"] / 1000, "kB")
    figures.add("round of argocd, 1 % changed: statements that wrote", told["writes"], "writes")
    for page, count in large["queries"].items():
        figures.add(f"queries of {page}", count, "queries", small["queries"][page])


def rounds_on(state: Path, size: Size, *, changed: int) -> dict[str, Any]:
    """What bench.rounds tells of a fleet of that size."""
    state.mkdir()
    with fleet_running(state, size, still=True) as fleet:
        environment = {**os.environ, "PORTAL_STATE": str(state), "PORTAL_FLEET": str(fleet.file)}
        command = [sys.executable, "-m", "bench.rounds", fleet.control, *([str(changed)] if changed else [])]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def pages_from(portal: Portal, database_url: str) -> dict[str, str]:
    """The pages to be asked for, told by a process that sees the portal's database."""
    code = "import json,django;django.setup();from bench.pages import pages_of;print(json.dumps(pages_of()))"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded",
        "PORTAL_STATE": str(portal.state),
        "PORTAL_DATABASE_URL": database_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    pages: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return pages


def wait_until_all_is_read(portal: Portal, seconds: float = 180) -> float:
    """How long it took until every source had been read once."""
    began = time.monotonic()
    browser = signed_in(portal.url)
    while time.monotonic() - began < seconds:
        figures = browser.get(f"{portal.url}metrics").text
        states = [line for line in figures.splitlines() if line.startswith("portal_source_state{")]
        if states and all('state="fresh"' in line for line in states):
            return time.monotonic() - began
        time.sleep(0.5)
    raise RuntimeError("not every source was read in time")


def measure_pages(figures: Figures, portal: Portal, database_url: str, seconds: float, label: str) -> float:
    """p50 and p95 of each page at 50 viewers, with the collectors running and standing still; p95 over all pages."""
    pages = pages_from(portal, database_url)
    watch(portal.url, pages, viewers=VIEWERS, seconds=5)
    busy = watch(portal.url, pages, viewers=VIEWERS, seconds=seconds)
    with paused(portal.collectors()):
        idle = watch(portal.url, pages, viewers=VIEWERS, seconds=seconds)
    time.sleep(CATCHING_UP_SECONDS)
    for how, times in (("idle", idle), ("collecting", busy)):
        for page, values in times.items():
            figures.add(f"{label} {page}, {how}: p50", percentile(values, 0.5), "ms")
            figures.add(f"{label} {page}, {how}: p95", percentile(values, 0.95), "ms", PAGE_GOAL_MS)
    return percentile([value for values in busy.values() for value in values], 0.95)


def measure_viewers_cost(figures: Figures, portal: Portal, pages: dict[str, str], seconds: float) -> None:
    """Upstream requests with nobody looking and with 50 viewers."""
    before = portal.fleet.requests_received()
    time.sleep(seconds)
    alone = portal.fleet.requests_received() - before
    before = portal.fleet.requests_received()
    watch(portal.url, pages, viewers=VIEWERS, seconds=seconds)
    watched = portal.fleet.requests_received() - before
    figures.add("upstream requests a minute, no viewers", alone * 60 / seconds, "requests")
    figures.add("upstream requests a minute, 50 viewers", watched * 60 / seconds, "requests")
    figures.add("upstream requests, 50 viewers to none", watched / max(alone, 1), "×", 1.1)


def ages_of_reads(portal: Portal, source: str, seconds: float) -> list[float]:
    """The greatest age that a source's data reached before each new read, over `seconds`."""
    browser, peaks, last = signed_in(portal.url), [], 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        lines = browser.get(f"{portal.url}metrics").text.splitlines()
        age = next(
            float(line.split()[-1])
            for line in lines
            if line.startswith(f'portal_source_age_seconds{{source="{source}"')
        )
        if age < last:
            peaks.append(last)
        last = age
        time.sleep(0.1)
    return peaks


def measure_lag(figures: Figures, portal: Portal, seconds: float) -> None:
    """How much older a healthy source's data gets while another hangs."""
    healthy, hanging = "alertmanager/appsre/0", "alertmanager/appsre/1"
    before = ages_of_reads(portal, healthy, seconds)
    portal.fleet.ask("POST", f"/faults/{hanging}", {"fault": "hang"})
    during = ages_of_reads(portal, healthy, seconds)
    portal.fleet.ask("POST", f"/faults/{hanging}", {"fault": "none"})
    figures.add("age of a healthy source before its next read", sum(before) / len(before), "s")
    figures.add(
        "the same while another source hangs, to that", sum(during) / len(during) * len(before) / sum(before), "×", 1.1
    )


def measure_memory(figures: Figures, portal: Portal, label: str, goal: float | None) -> None:
    """Of all the portal's processes together, and of the simulated fleet beside them."""
    own = pss_megabytes(portal.children())
    figures.add(f"memory of the portal's processes, {label}", own, "MB (PSS)", goal)
    figures.add(
        f"memory of the simulated fleet, {label}", pss_megabytes(portal.children(with_demo=True)) - own, "MB (PSS)"
    )


def on_a_large_fleet(figures: Figures, folder: Path, size: Size, seconds: float) -> float:
    """Pages, viewers' cost, lag and memory on SQLite; p95 over all pages."""
    with portal_running(folder / "sqlite", size, port=free_port()) as portal:
        figures.add("large fleet: every source read after", wait_until_all_is_read(portal), "s")
        p95 = measure_pages(figures, portal, "", seconds, "page")
        measure_viewers_cost(figures, portal, pages_from(portal, ""), seconds * 1.5)
        measure_lag(figures, portal, 75)
        measure_memory(figures, portal, "large fleet", None)
    return p95


def on_postgresql(figures: Figures, folder: Path, size: Size, seconds: float, sqlite_p95: float) -> None:
    """The pages again, on PostgreSQL, as a ratio to SQLite."""
    with postgresql() as url, portal_running(folder / "postgresql", size, port=free_port(), database_url=url) as portal:
        wait_until_all_is_read(portal)
        p95 = measure_pages(Figures(), portal, url, seconds, "PostgreSQL")
        figures.add("PostgreSQL: p95 over all pages, collecting", p95, "ms")
        figures.add("PostgreSQL: p95 to SQLite's", p95 / sqlite_p95, "×")


def on_the_demo_fleet(figures: Figures, folder: Path) -> None:
    """How long `make demo` takes to be of use, and its memory."""
    began = time.monotonic()
    with portal_running(folder / "demo", DEFAULT, port=free_port()) as portal:
        figures.add("make demo: page is live after", time.monotonic() - began, "s", 60)
        figures.add("make demo: then every source read after", wait_until_all_is_read(portal), "s")
        watch(portal.url, pages_from(portal, ""), viewers=5, seconds=20)
        measure_memory(figures, portal, "demo fleet", 400)


def main() -> None:
    """Everything, or the parts named on the command line."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("parts", nargs="*", default=["rounds", "demo", "large", "postgresql"])
    parser.add_argument("--seconds", type=float, default=30, help="of watching the pages, for each figure")
    options = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        run(figures, Path(name), options.parts, options.seconds)
    print("\n" + figures.table())
    figures.write()


def run(figures: Figures, folder: Path, parts: list[str], seconds: float) -> None:
    """The parts in their order; PostgreSQL's needs the large fleet's."""
    p95 = 0.0
    steps: dict[str, Callable[[], None]] = {
        "rounds": lambda: measure_rounds(figures, folder, LARGE),
        "demo": lambda: on_the_demo_fleet(figures, folder),
    }
    for part, step in steps.items():
        if part in parts:
            step()
    if "large" in parts:
        p95 = on_a_large_fleet(figures, folder, LARGE, seconds)
    if "postgresql" in parts and p95:
        on_postgresql(figures, folder, LARGE, seconds, p95)


if __name__ == "__main__":
    main()
