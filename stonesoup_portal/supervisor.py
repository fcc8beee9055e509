"""One command for the whole portal on one machine: `python -m stonesoup_portal.supervisor`.

Starts broker, web, worker with schedule, follow, and for the demo the simulated fleet; restarts a child that dies; ends
all of them on Ctrl-C and SIGTERM, leaving no process behind; says where to point the browser.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

from . import demonstration
from .broker import broker
from .children import CannotStart, Child, Supervisor, bare_environment

log = logging.getLogger("portal")

MANAGE = [sys.executable, str(Path(__file__).resolve().parents[1] / "manage.py")]
MIGRATE = ("migrate", "--verbosity", "0")
COLLECT_STATIC = ("collectstatic", "--noinput", "--clear", "--verbosity", "0")
READY_SECONDS = 60.0
READERS_NICENESS = 5
"""Of what reads the upstreams: where processors are short, a page is not held up by a round of reads."""
THREADS_BESIDE_SOURCES = 4
"""Of the reading worker, for housekeeping and details."""
ACTION_THREADS = 8
TOLD_TO_DEMO = ("DJANGO_SETTINGS_MODULE", "PORTAL_STATE", "PYTHONFAULTHANDLER", "PYTHONUNBUFFERED")
OTHERS_SETTINGS = ("CELERY_", "UVICORN_", "WEB_CONCURRENCY")
MEMORY_GIVEN_BACK = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""glibc keeps memory apart for threads, eight times as often as there are processors: of a hundred threads that read in
turn each share would come to hold one big answer. And it learns by each big block that goes to keep the next ones: told
where the line is, it does not, and what an answer took goes back when it is read."""


@contextlib.contextmanager
def held(state: Path) -> Iterator[None]:
    """Keeps the folder for this supervisor; the lock goes with the process.

    Raises:
        CannotStart: another portal runs on it.
    """
    with (state / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"another portal runs on {state}: choose another folder with STATE=") from error
        yield


def environment_for(state: Path, fleet: Path, broker_url: str) -> dict[str, str]:
    """What all children are told; what would steer Celery or uvicorn of other programs is kept from them."""
    figures = state / "figures"
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir()
    told = {
        "DJANGO_SETTINGS_MODULE": "stonesoup_portal.settings.embedded",
        "PORTAL_STATE": str(state),
        "PORTAL_FLEET": str(fleet),
        "PORTAL_BROKER_URL": broker_url,
        "PORTAL_WORKER_METRICS_PORT": "",
        "PROMETHEUS_MULTIPROC_DIR": str(figures),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS_SETTINGS)}
    return {**MEMORY_GIVEN_BACK, **ours, **told}


def environment_of_demo(environment: dict[str, str]) -> dict[str, str]:
    """What the demo's servers are told: neither where the portal keeps its data nor any key of it."""
    return {**bare_environment(), **{name: environment[name] for name in TOLD_TO_DEMO}, "PORTAL_FLEET": ""}


def portal_command(environment: dict[str, str], *arguments: str) -> None:
    """Runs one of manage.py's commands to its end, also when Ctrl-C is pressed meanwhile.

    Raises:
        CannotStart: it failed; what it printed says why.
    """
    portal_commands(environment, arguments)


def portal_commands(environment: dict[str, str], *commands: Sequence[str]) -> None:
    """The same with several at once, which do not need one another.

    Raises:
        CannotStart: one failed; the others have ended too.
    """
    running = [
        subprocess.Popen([*MANAGE, *words], env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        for words in commands
    ]
    for words, failed in zip(commands, [process.wait() for process in running], strict=True):
        if failed:
            raise CannotStart(f"manage.py {words[0]} failed (see above)")


def refuse_a_taken_port(port: int) -> None:
    """Says so at once when something listens on the port already.

    Raises:
        CannotStart: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(f"port {port} is taken: choose another with PORT=") from error


def wait_for_file(path: Path, child: Child, ending: Event) -> None:
    """Waits until the demo fleet has written its fleet file, or the end is asked for.

    Raises:
        CannotStart: it ended, or took too long.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not path.exists() and not ending.is_set():
        if child.has_died() or time.monotonic() > deadline:
            raise CannotStart(f"the {child.name} did not start")
        time.sleep(0.05)


def wait_until_ready(url: str, ending: Event) -> bool:
    """Whether the URL answered 200 within READY_SECONDS (False too when the end was asked for meanwhile)."""
    deadline = time.monotonic() + READY_SECONDS
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and not ending.wait(0.1):
        try:
            with directly.open(url, timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            continue
    return False


def count_of_sources(fleet: Path) -> int:
    """How many sources the fleet file names: the worker has a thread for each, and twelve more.

    Raises:
        CannotStart: the file is wrong; all its mistakes are told at once.
    """
    from apps.sources.catalog import sources_of
    from apps.sources.fleetfile import FleetFileInvalid, fleet_file_load

    try:
        return len(sources_of(fleet_file_load(path=fleet)))
    except FleetFileInvalid as error:
        raise CannotStart(str(error)) from error


def web_command(port: int) -> list[str]:
    """uvicorn on loopback; access log off (pages are counted in /metrics)."""
    settled = ["--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return [
        *(sys.executable, "-m", "uvicorn", "stonesoup_portal.asgi:application", "--lifespan", "off"),
        *("--http", "stonesoup_portal.heads:BoundedHeads", "--ws", "none"),
        *(*settled, "--timeout-graceful-shutdown", "3", "--no-server-header", "--no-proxy-headers"),
    ]


def worker_command(state: Path, threads: int, *, acts: bool = True) -> list[str]:
    """A Celery worker with the schedule inside, on the queues of all kinds; without actions' where another has it."""
    from .celery import ACTIONS, QUEUES

    queues = [queue for queue in QUEUES if acts or queue != ACTIONS]
    return [*celery_worker(threads, queues), "--beat", "--schedule", str(state / "beat-schedule")]


def actions_command() -> list[str]:
    """A Celery worker for what people do: it waits for no reader, and gives way to none."""
    from .celery import ACTIONS

    return celery_worker(ACTION_THREADS, [ACTIONS])


def celery_worker(threads: int, queues: Sequence[str]) -> list[str]:
    """A worker of threads on some queues, which talks to no other worker."""
    pool = ["--pool", "threads", "--concurrency", str(threads), "--queues", ",".join(queues)]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
    return [sys.executable, "-m", "celery", "--quiet", "--app", "stonesoup_portal", "worker", *pool, *quiet]


def run(options: argparse.Namespace) -> None:
    """Starts everything, says where it is, and stays until the end is asked for."""
    supervisor = Supervisor()
    supervisor.end_on_signals()
    refuse_a_taken_port(options.port)
    if options.fleet:
        count_of_sources(Path(options.fleet))
    state = Path(options.state).resolve()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    fleet = state / "demo" / "fleet.yaml" if options.demo else Path(options.fleet).resolve()
    with held(state), broker(state, supervisor.children) as broker_url:
        environment = environment_for(state, fleet, broker_url)
        os.environ.update(environment)
        try:
            start_children(supervisor, options, state, fleet, environment)
            supervisor.watch()
        finally:
            supervisor.end()


def start_children(
    supervisor: Supervisor, options: argparse.Namespace, state: Path, fleet: Path, environment: dict[str, str]
) -> None:
    """The children in the order in which they need one another.

    Raises:
        CannotStart: one of the steps failed.
    """
    issuer = ""
    if options.demo:
        issuer = start_demo(supervisor, options, fleet, environment)
    else:
        portal_commands(environment, MIGRATE, COLLECT_STATIC)
    if supervisor.ending.is_set():
        return
    portal_command(environment, "portal_align")
    threads = count_of_sources(fleet) + THREADS_BESIDE_SOURCES
    supervisor.add("worker", worker_command(state, threads, acts=False), environment, READERS_NICENESS)
    supervisor.add("actions", actions_command(), environment)
    supervisor.add("follow", [*MANAGE, "portal_follow"], environment, READERS_NICENESS)
    supervisor.add("web", web_command(options.port), environment)
    url = f"http://127.0.0.1:{options.port}/"
    probed = [f"{url}readyz", *([f"{issuer}/.well-known/openid-configuration"] if issuer else [])]
    if all(wait_until_ready(each, supervisor.ending) for each in probed):
        say_where(url, fleet, issuer)
    elif not supervisor.ending.is_set():
        raise CannotStart(f"the portal did not get ready within {READY_SECONDS:.0f} s")


def start_demo(supervisor: Supervisor, options: argparse.Namespace, fleet: Path, environment: dict[str, str]) -> str:
    """Starts the simulated fleet and the provider of its people; returns the provider's issuer.

    Raises:
        CannotStart: one of the steps failed.
    """
    fleet.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fleet.unlink(missing_ok=True)
    issuer, alone = demonstration.issuer_for(fleet.parent), environment_of_demo(environment)
    simulated = [*MANAGE, *demonstration.fleet_arguments(options, fleet, issuer)]
    demo = supervisor.add("demo fleet", simulated, alone)
    portal_commands(environment, MIGRATE, COLLECT_STATIC)
    wait_for_file(fleet, demo, supervisor.ending)
    if not supervisor.ending.is_set():
        supervisor.add("demo provider", [*MANAGE, *demonstration.provider_arguments(fleet)], alone)
    return issuer


def say_where(url: str, fleet: Path, issuer: str) -> None:
    """What a person needs to know now; in the demo also of its provider."""
    lines = [f"The Stonesoup portal is at {url}"]
    if issuer:
        lines += demonstration.words(issuer)
    else:
        lines.append(f"It reads the fleet of {fleet}. Accounts are made by: make account NAME=you ROLE=admin")
    lines.append("Ctrl-C ends it.")
    sys.stdout.write("\n" + "\n".join(f"  {line}" for line in lines) + "\n\n")
    sys.stdout.flush()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="portal", description=__doc__.splitlines()[0] if __doc__ else "")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--fleet", help="the fleet file to serve")
    what.add_argument("--demo", action="store_true", help="serve a simulated fleet")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--state", default="state", help="folder of the database and all else that is kept")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated fleet")
    parser.add_argument("--still", action="store_true", help="in the simulated fleet nothing happens by itself")
    for name in ("clusters", "applications", "alerts"):
        parser.add_argument(f"--{name}", type=int, default=0, help=f"how many {name} the simulated fleet has")
    return parser


def main() -> int:
    """Exit status 0 after an asked-for end, 1 when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        run(arguments().parse_args())
    except CannotStart as reason:
        sys.stderr.write(f"The portal cannot start: {reason}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
