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

from playwright.sync_api import Browser

from bench.bulk import bulk_on
from bench.clicks import clicks_on
from bench.figures import Figures, percentile
from bench.following import alert_delays, application_delays, others_hanging
from bench.idle import crowd_watching, web_cpu
from bench.screens import FirstView, chromium, filter_typed, first_view, left_alone, search_typed, window
from bench.servers import (
    DEFAULT,
    HUGE,
    LARGE,
    ROOT,
    Portal,
    Size,
    fleet_running,
    paused,
    portal_running,
    pss_megabytes,
)
from bench.sign_in import provider_megabytes, sign_ins_on
from bench.soak import soaked
from bench.viewers import signed_in, watch
from tests.servers import free_port, postgresql

VIEWERS = 50
PAGE_GOAL_MS, RARE_PAGE_GOAL_MS = 100.0, 300.0
COLD_PAGE, COLD_TURNS, COLD_VIEWS = "alerts/?environment=all", 3, 9
BULK_FLEET = Size(applications=416)
GOALS_MADE_ANEW = {"runbooks, searched": 100.0, "preview of a silence, from an alert": 300.0}
TRIES = 45
"""Of typing: the p95 of few would be the worst of them."""
BULKS = 3
PARTS = ("rounds", "demo", "large", "screens", "idle", "changes", "clicks", "sign-in", "bulk", "soak", "postgresql")
ALERT_INTERVAL_SECONDS = 10.0
ALERT_RULE = "ImageControllerDown"
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


def pages_from(portal: Portal, database_url: str, which: str = "pages_of") -> dict[str, Any]:
    """The pages to be asked for, told by a process that sees the portal's database."""
    code = f"import json,django;django.setup();from bench.pages import {which};print(json.dumps({which}()))"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded",
        "PORTAL_STATE": str(portal.state),
        "PORTAL_DATABASE_URL": database_url,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    pages: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return pages


def wait_until_all_is_read(portal: Portal, seconds: float = 600) -> float:
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
    with paused(portal):
        idle = watch(portal.url, pages, viewers=VIEWERS, seconds=seconds)
    time.sleep(CATCHING_UP_SECONDS)
    for how, times in (("idle", idle), ("collecting", busy)):
        for page, values in times.items():
            figures.add(f"{label} {page}, {how}: p50", percentile(values, 0.5), "ms")
            figures.add(f"{label} {page}, {how}: p95", percentile(values, 0.95), "ms", PAGE_GOAL_MS)
            figures.add(f"{label} {page}, {how}: p99", percentile(values, 0.99), "ms", RARE_PAGE_GOAL_MS)
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


def measure_made_anew(figures: Figures, portal: Portal) -> None:
    """Pages that nobody else is given, one after another, with the collectors running."""
    browser = signed_in(portal.url, "remy")
    for name, paths in pages_from(portal, "", "pages_made_anew").items():
        times = []
        for path in paths:
            began = time.perf_counter()
            answer = browser.get(portal.url + path)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, f"{path} answered {answer.status_code}"
        figures.add(f"{name}: p50", percentile(times, 0.5), "ms")
        figures.add(f"{name}: p95", percentile(times, 0.95), "ms", GOALS_MADE_ANEW.get(name))


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
        measure_made_anew(figures, portal)
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


def on_screens(figures: Figures, folder: Path) -> None:
    """What Chromium measures, at 2,000 alerts and beside it at 10,000; typing where nothing else is beside it."""
    with portal_running(folder / "large", LARGE, port=free_port()) as large:
        wait_until_all_is_read(large)
        with portal_running(folder / "huge", HUGE, port=free_port()) as huge, chromium() as browser:
            wait_until_all_is_read(huge)
            measure_first_views(figures, browser, large, huge)
        time.sleep(CATCHING_UP_SECONDS)
        with chromium() as browser:
            measure_typing(figures, browser, large)


def measure_first_views(figures: Figures, browser: Browser, large: Portal, huge: Portal) -> None:
    """Alerts, cold; the two portals in turn, so that whatever else the machine does meets both alike.

    Only the collectors of the one that is looked at run meanwhile, once they have made up for their pause. The first
    view of each turn is none that counts.
    """
    views: dict[str, list[FirstView]] = {"large": [], "huge": []}
    for _ in range(COLD_TURNS):
        for name, portal, other in (("large", large, huge), ("huge", huge, large)):
            with paused(other):
                time.sleep(CATCHING_UP_SECONDS)
                views[name] += [first_view(browser, portal.url, COLD_PAGE) for _ in range(COLD_VIEWS)][1:]
    told: dict[str, tuple[str, str, float | None]] = {
        "first alert painted after": ("painted_ms", "ms", 700.0),
        "first view on the wire": ("kilobytes", "kB", 100.0),
        "main thread busy (its own time)": ("busy_ms", "ms", 500.0),
        "DOM nodes, texts too": ("nodes", "nodes", 5000.0),
        "DOM elements": ("elements", "elements", 5000.0),
    }
    for title, (name, unit, goal) in told.items():
        middle = {size: percentile([getattr(view, name) for view in of], 0.5) for size, of in views.items()}
        figures.add(f"alerts, cold, 2,000 alerts: {title}", middle["large"], unit, goal)
        figures.add(f"alerts, cold, 10,000 alerts to that: {title}", middle["huge"] / middle["large"], "×", 1.1)


def measure_typing(figures: Figures, browser: Browser, portal: Portal) -> None:
    """From the last key to rows and results."""
    words = ("build-service", "gitops", "release")
    with window(browser, portal.url) as page:
        filtered = [filter_typed(page, portal.url, words[number % 3]) for number in range(TRIES)]
        how = "Enter pressed, NO LIVE FILTER" if any(needed for _, needed in filtered) else "typed"
        times = [each for each, _ in filtered]
        figures.add(f"filter of applications, {how}: rows settled, p95", percentile(times, 0.95), "ms", 250)
        found = [search_typed(page, portal.url, words[number % 3]) for number in range(TRIES)]
    shown = [each for each in found if each is not None]
    if len(shown) < len(found):
        sys.stderr.write(f"!!! NOT MEASURED: the search by / showed nothing in {len(found) - len(shown)} of {TRIES}\n")
    if shown:
        figures.add("search: last key to results, p95", percentile(shown, 0.95), "ms", 100)


def on_idle_viewers(figures: Figures, folder: Path, seconds: float) -> None:
    """What a viewer costs who only has a page open, on a fleet that stands still."""
    with portal_running(folder / "idle", LARGE, port=free_port(), still=True) as portal:
        wait_until_all_is_read(portal)
        time.sleep(CATCHING_UP_SECONDS)
        before = web_cpu(portal)
        time.sleep(seconds)
        alone = web_cpu(portal) - before
        with crowd_watching(portal, VIEWERS) as crowd:
            before, received = web_cpu(portal), crowd.received
            time.sleep(seconds)
            cpu, received = web_cpu(portal) - before - alone, crowd.received - received
        share = 60 / seconds / VIEWERS
        how = "on the stream" if crowd.has_stream else "polling, NO STREAM"
        figures.add(f"idle viewer, {how}: bytes a minute", received * share / 1000, "kB", 4)
        figures.add(f"idle viewer, {how}: CPU of the web process a minute", cpu * share * 1000, "ms", 4)
        with chromium() as browser:
            wire = left_alone(browser, portal.url, "alerts/", seconds)
        for address in sorted(wire.urls.values()):
            print("     asked for", address.removeprefix(portal.url), flush=True)
        figures.add("page left alone in Chromium: bytes a minute", wire.total * 60 / seconds / 1000, "kB", 4)
        figures.add("page left alone in Chromium: requests a minute", len(wire.urls) * 60 / seconds, "requests")


def on_changes(figures: Figures, folder: Path) -> None:
    """From a change at the upstream to the screen, alone and while other sources hang."""
    with portal_running(folder / "changes", LARGE, port=free_port()) as portal, chromium() as browser:
        wait_until_all_is_read(portal)
        path = pages_from(portal, "")["application"]
        with window(browser, portal.url) as page:
            measure_changes(figures, "applications", 2.0, lambda: application_delays(page, portal, path), portal)
            goal = ALERT_INTERVAL_SECONDS + 2.0
            measure_changes(figures, "alerts", goal, lambda: alert_delays(page, portal, ALERT_RULE), portal)


def measure_changes(
    figures: Figures, what: str, goal: float, delays: Callable[[], list[float]], portal: Portal
) -> None:
    """p50 and p95, and p95 beside hanging sources as a ratio."""
    alone = delays()
    figures.add(f"change of {what} to the screen: p50", percentile(alone, 0.5), "s")
    figures.add(f"change of {what} to the screen: p95", percentile(alone, 0.95), "s", goal)
    with others_hanging(portal.fleet):
        beside = delays()
    figures.add(f"change of {what}, others hang: p95", percentile(beside, 0.95), "s")
    ratio = percentile(beside, 0.95) / percentile(alone, 0.95)
    figures.add(f"change of {what}, others hang, to that", ratio, "×", 1.1)


def on_clicks(figures: Figures, folder: Path) -> None:
    """From a click on Resync to accepted, and from the end of the operation to its outcome, on the demo fleet."""
    with portal_running(folder / "clicks", DEFAULT, port=free_port(), still=True) as portal, chromium() as browser:
        wait_until_all_is_read(portal)
        with window(browser, portal.url, "remy") as page:
            told = clicks_on(page, portal)
    figures.add("click on Resync: clicks", len(told.accepted), "clicks")
    figures.add("click on Resync: led to a question first", told.asked_more, "clicks")
    figures.add("click on Resync to accepted: p50", percentile(told.accepted, 0.5), "s")
    figures.add("click on Resync to accepted: p95", percentile(told.accepted, 0.95), "s", 0.5)
    figures.add("end of the operation to its outcome: p50", percentile(told.ended, 0.5), "s")
    figures.add("end of the operation to its outcome: p95", percentile(told.ended, 0.95), "s", 2.0)


def on_sign_in(figures: Figures, folder: Path) -> None:
    """What signing in adds to opening a link, on the demo fleet, while the session at the provider is alive."""
    with portal_running(folder / "sign-in", DEFAULT, port=free_port(), still=True) as portal, chromium() as browser:
        wait_until_all_is_read(portal)
        with window(browser, portal.url) as page:
            told = sign_ins_on(page, portal, "apps/")
        megabytes = provider_megabytes(portal)
    within, through = (percentile(each, 0.5) for each in (told.within, told.through))
    figures.add("a link, signed in: p50", within, "ms")
    figures.add("a link, signed in at the provider alone: p50", through, "ms")
    figures.add("a link, signed in at the provider alone: p95", percentile(told.through, 0.95), "ms")
    figures.add("signing in adds: p50", through - within, "ms")
    figures.add("the demo's provider: memory", megabytes, "MB (PSS)")


def on_bulk(figures: Figures, folder: Path) -> None:
    """Memory and the page's answers while bulks of about two hundred run one after another, on a fleet of about four
    hundred: the first fills what is kept, and a later one must find room in that."""
    with portal_running(folder / "bulk", BULK_FLEET, port=free_port(), still=True) as portal:
        wait_until_all_is_read(portal)
        bulks = [bulk_on(portal) for _ in range(BULKS)]
    print(f"     they ended: {', '.join(bulk.end for bulk in bulks)}", flush=True)
    figures.add("bulk: Applications", bulks[0].applications, "Applications")
    figures.add("bulk: ended after", bulks[0].seconds, "s")
    figures.add("bulk: memory before the first", bulks[0].megabytes[0], "MB (PSS)")
    for which, bulk in enumerate(bulks, 1):
        figures.add(f"bulk {which}: memory at its most", max(bulk.megabytes), "MB (PSS)")
    last = bulks[-1].megabytes
    figures.add("bulk: memory, the last one's most to its beginning, growth", (max(last) / last[0] - 1) * 100, "%", 1)
    looks = [each for bulk in bulks for each in bulk.milliseconds]
    figures.add("bulk: its page while it runs: p50", percentile(looks, 0.5), "ms")
    figures.add("bulk: its page while it runs: p95", percentile(looks, 0.95), "ms", RARE_PAGE_GOAL_MS)
    figures.add("bulk: its page, uncompressed, at its biggest", max(bulks[0].bytes) / 1000, "kB")


def on_soak(figures: Figures, folder: Path, rounds: int, views: int, most_seconds: float) -> None:
    """Memory over many rounds and views."""
    with portal_running(folder / "soak", LARGE, port=free_port()) as portal:
        wait_until_all_is_read(portal)
        pages = pages_from(portal, "")
        soak = soaked(portal, pages, rounds=rounds, views=views, viewers=VIEWERS, most_seconds=most_seconds)
    figures.add("soak: rounds of collectors", soak.rounds, "rounds")
    figures.add("soak: page views", soak.views, "views")
    figures.add("soak: memory at the end", soak.megabytes[-1], "MB (PSS)")
    figures.add("soak: memory, growth along its line", soak.growth * 100, "%", 1)


def main() -> None:
    """Everything, or the parts named on the command line."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)} (default: all)", default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=30, help="of watching the pages, for each figure")
    parser.add_argument("--rounds", type=int, default=600, help="of collectors in the soak (in full: 2000)")
    parser.add_argument("--views", type=int, default=3000, help="of pages in the soak (in full: 10000)")
    parser.add_argument(
        "--soak-seconds", type=float, default=3600, help="after which, warmed up, the soak ends in any case"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    figures = Figures()
    print(f"{os.cpu_count()} CPUs, load before: {load()}")
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name:
        run(figures, Path(name), options)
    print(f"\n{figures.table()}\n\n{os.cpu_count()} CPUs, load after: {load()}")
    figures.write()


def load() -> str:
    """What the machine had to do in the last minutes, this included."""
    return ", ".join(f"{each:.1f}" for each in os.getloadavg())


def run(figures: Figures, folder: Path, options: argparse.Namespace) -> None:
    """The parts in their order; PostgreSQL's needs the large fleet's."""
    p95: list[float] = []
    seconds = options.seconds
    steps: dict[str, Callable[[], object]] = {
        "rounds": lambda: measure_rounds(figures, folder, LARGE),
        "demo": lambda: on_the_demo_fleet(figures, folder),
        "large": lambda: p95.append(on_a_large_fleet(figures, folder, LARGE, seconds)),
        "screens": lambda: on_screens(figures, folder),
        "idle": lambda: on_idle_viewers(figures, folder, seconds * 2),
        "changes": lambda: on_changes(figures, folder),
        "clicks": lambda: on_clicks(figures, folder),
        "sign-in": lambda: on_sign_in(figures, folder),
        "bulk": lambda: on_bulk(figures, folder),
        "soak": lambda: on_soak(figures, folder, options.rounds, options.views, options.soak_seconds),
        "postgresql": lambda: [on_postgresql(figures, folder, LARGE, seconds, each) for each in p95],
    }
    for part in PARTS:
        if part in options.parts:
            print(f"— {part}", flush=True)
            steps[part]()


if __name__ == "__main__":
    main()
