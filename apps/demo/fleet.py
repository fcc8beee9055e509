"""The simulated fleet as one thing that can be started and stopped: a world, its servers, its fleet file."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from apps.demo.agenda import wall_clock
from apps.demo.alertmanager import AlertmanagerApi
from apps.demo.argocd.accounts import ACCOUNTS
from apps.demo.argocd.api import ArgoApi
from apps.demo.control import ControlApi
from apps.demo.faults import KINDS, Fault
from apps.demo.fleetfile import CLIENT_ID, fleet_file_write, secret_write
from apps.demo.http import RequestLog, Server, Upstream
from apps.demo.kubernetes.api import KubernetesApi
from apps.demo.life import Life
from apps.demo.observatorium import GatewayApi, TokenEndpoint
from apps.demo.prometheus import PrometheusApi
from apps.demo.provider import CLIENT_ID as PORTAL_AT_PROVIDER
from apps.demo.provider import SETTINGS_FILE, SignIn, settings_write
from apps.demo.runbooks import SOURCE, runbooks_write
from apps.demo.world.building import Counts, build
from apps.demo.world.clusters import Cluster
from apps.demo.world.world import World

CONTROL = "control"
START_DEADLINE = 30.0
# One that restarted a moment ago has forgotten its alerts, and a portal would not take their absence for their end.
ALERTMANAGERS_UP_FOR = timedelta(days=3)
T = TypeVar("T")


@dataclass(frozen=True)
class FleetOptions:
    """How big a fleet, what it does by itself, and where its files go.

    state: the folder of its secrets. fleet_file: where the fleet file goes, `state`/fleet.yaml without. port_base: the
    first of consecutive ports, 0 for any free ones. is_still: nothing happens by itself. speed: how many seconds of
    its life pass in a second. issuer: of the OpenID provider that somebody else starts with the settings written to
    `state`/provider.json ("": there is none). portals: the origins of the portals that it serves.
    """

    state: Path
    fleet_file: Path | None = None
    seed: int = 1
    counts: Counts = field(default_factory=Counts)
    port_base: int = 0
    is_still: bool = False
    speed: float = 1.0
    began_at: datetime | None = None
    issuer: str = ""
    portals: tuple[str, ...] = ()


def start(options: FleetOptions) -> RunningFleet:
    """Start a fleet in a thread of its own; returns when every server listens and the fleet file is written.

    Raises OSError when a port is taken, ValueError when the counts make no fleet.
    """
    fleet = RunningFleet(options)
    fleet.start()
    return fleet


class RunningFleet:
    """A fleet that runs. Its methods may be called from any thread."""

    def __init__(self, options: FleetOptions) -> None:
        self._options = options
        self.fleet_file = options.fleet_file or options.state / "fleet.yaml"
        began_at = options.began_at or wall_clock()
        self.world: World = build(seed=options.seed, began_at=began_at, clock=wall_clock, counts=options.counts)
        self.tokens = _tokens(self.world)
        self.servers: dict[str, Server] = {}
        self.remark = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Event | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each server, by its name; the names of sources are the portal's own."""
        return {name: server.url for name, server in self.servers.items()}

    @property
    def control_url(self) -> str:
        """The base URL of the control endpoint."""
        return self.servers[CONTROL].url

    @property
    def is_running(self) -> bool:
        """Whether it still lives."""
        return self._thread is not None and self._thread.is_alive()

    # --- starting and stopping ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Claim the ports, listen, write the fleet file."""
        ports = itertools.count(self._options.port_base) if self._options.port_base else itertools.repeat(0)
        for name, upstream in _upstreams(self.world, self.tokens, self):
            self.servers[name] = _server(name, upstream)
            self.servers[name].claim(next(ports))
        self.world.on_reachability.append(self._follow_reachability)
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(started)), name="demo-fleet", daemon=True)
        self._thread.start()
        if not started.wait(START_DEADLINE):
            raise OSError("the servers of the demo fleet did not start")
        secrets = {name: self._secret(name) for name in self._secret_names()}
        runbooks = runbooks_write(self._options.state / SOURCE, self.world.began_at)
        self.remark = runbooks.remark
        others = {**runbooks.fleet_file_parts, **self._people()}
        fleet_file_write(self.fleet_file, self.world, self.urls, secrets, others)

    def stop(self) -> None:
        """End everything and give the ports back; the files stay."""
        loop, ended, thread = self._loop, self._ended, self._thread
        if loop is None or ended is None or thread is None or not self.is_running:
            return
        loop.call_soon_threadsafe(ended.set)
        thread.join(START_DEADLINE)

    async def _live(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        for server in self.servers.values():
            server.listen()
        if not self._options.is_still:
            Life(self.world).begin()
        gc.freeze()
        agenda = asyncio.create_task(self.world.agenda.run(speed=self._options.speed))
        started.set()
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait({ended, agenda}, return_when=asyncio.FIRST_COMPLETED)
        agenda.cancel()
        await asyncio.gather(*(server.close() for server in self.servers.values()))
        with contextlib.suppress(asyncio.CancelledError):
            await agenda  # if it is what ended, its fault is to be seen

    def _secret_names(self) -> Iterator[str]:
        yield from (f"argocd/{name}" for name in self.world.argocds)
        yield from (f"kubernetes/{name}" for name in self.world.clusters)
        yield "oauth2/rhobs"

    def _secret(self, server: str) -> str:
        account = CLIENT_ID if server.startswith(("oauth2", "argocd")) else "portal"
        return secret_write(self._options.state / "secrets", server.replace("/", "-"), self.tokens[server, account])

    def _people(self) -> dict[str, Any]:
        """The fleet file's sections about people; what their provider needs to know is written beside."""
        if not self._options.issuer:
            return {}
        secret = _token(self.world.seed, "provider", PORTAL_AT_PROVIDER)
        sign_in = SignIn(self._options.issuer, self._options.portals, secret)
        settings_write(self._options.state / SETTINGS_FILE, sign_in)
        return sign_in.fleet_file_parts(secret_write(self._options.state / "secrets", "provider", secret))

    # --- what tests do to it ------------------------------------------------------------------------------------

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the fleet's own thread, where the world may be read and changed, and return its result."""

        async def run() -> T:
            return function()

        if self._loop is None:
            raise RuntimeError("the fleet is not started")
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_DEADLINE)

    def fault(self, server: str, kind: str, **options: Any) -> None:
        """Switch a fault of `faults.KINDS` on, or off with "none". Options are those of `faults.Fault`."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind}")
        fault = None if kind in {"none", "refuse"} else Fault(kind, **options)
        self.call(lambda: self.fault_set(server, fault, refuses=kind == "refuse"))

    def log(self, server: str) -> RequestLog:
        """What a server was asked for."""
        return self.servers[server].log

    def advance(self, seconds: float) -> None:
        """Let seconds of the fleet's life pass at once."""
        self.call(lambda: self.world.agenda.advance(seconds))

    def fault_set(self, server: str, fault: Fault | None, *, refuses: bool) -> None:
        """Switch a fault on or off, in the fleet's own thread. Raises KeyError for an unknown server."""
        chosen = self.servers[server]
        chosen.fault = fault
        if refuses:
            chosen.refuse()
            return
        chosen.cut()
        chosen.listen()

    def _follow_reachability(self, cluster: Cluster) -> None:
        self.fault_set(f"kubernetes/{cluster.name}", None, refuses=cluster.is_lost)


def _server(name: str, upstream: Upstream) -> Server:
    if isinstance(upstream, ArgoApi | AlertmanagerApi | GatewayApi):
        return Server(name, upstream, on_request=upstream.received.note_request)
    return Server(name, upstream)


def _tokens(world: World) -> dict[tuple[str, str], str]:
    """The token of each account on each server, by (server, account)."""
    pairs = [(f"argocd/{name}", account.name) for name in world.argocds for account in ACCOUNTS]
    pairs += [(f"kubernetes/{name}", user) for name in world.clusters for user in ("portal", "denied")]
    pairs.append(("oauth2/rhobs", CLIENT_ID))
    return {pair: _token(world.seed, *pair) for pair in pairs}


def _token(seed: int, server: str, account: str) -> str:
    return "demo-" + hashlib.sha256(f"{seed}/{server}/{account}".encode()).hexdigest()[:40]


def _upstreams(world: World, tokens: dict[tuple[str, str], str], fleet: RunningFleet) -> Iterator[tuple[str, Upstream]]:
    yield CONTROL, ControlApi(world, fleet)
    for name, instance in world.argocds.items():
        accounts = {tokens[f"argocd/{name}", account.name]: account for account in ACCOUNTS}
        yield f"argocd/{name}", ArgoApi(world, instance, accounts)
    yield "alertmanager/appsre/0", _alertmanager(world, "appsre", "appsre/0", peers=("appsre-1",))
    yield "alertmanager/appsre/1", _alertmanager(world, "appsre", "appsre/1", peers=("appsre-0",))
    yield "prometheus/appsre", PrometheusApi(world, world.books["appsre"], files="/etc/prometheus/rules")
    endpoint = TokenEndpoint(client_id=CLIENT_ID, client_secret=tokens["oauth2/rhobs", CLIENT_ID], now=world.now)
    metrics = PrometheusApi(world, world.books["rhobs"], files="rhobs/rules")
    alerts = _alertmanager(world, "rhobs", "rhobs", peers=())
    yield "oauth2/rhobs", endpoint
    yield "observatorium/rhobs", GatewayApi(endpoint, metrics, alerts, world.silences["rhobs"])
    for name, cluster in world.clusters.items():
        users = {tokens[f"kubernetes/{name}", user]: user for user in ("portal", "denied")}
        yield f"kubernetes/{name}", KubernetesApi(world, cluster, users)


def _alertmanager(world: World, book: str, silences: str, *, peers: tuple[str, ...]) -> AlertmanagerApi:
    return AlertmanagerApi(
        world.books[book],
        world.silences[silences],
        name=silences.replace("/", "-"),
        peers=peers,
        began_at=world.began_at - ALERTMANAGERS_UP_FOR,
        now=world.now,
        agenda=world.agenda,
    )
