"""A total deadline for one exchange: connecting, TLS, request, headers and body together.

The timeouts of `requests` are per read, so a server that sends one byte a second is never too slow for them. Here one
thread, shared by all, shuts a connection down when its time is over; whoever waits on it then sees its end at once.
"""

from __future__ import annotations

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager, ProxyManager
from urllib3.util.connection import create_connection

Resolve = Callable[[str, int], Sequence[str]]


class Watch:
    """The time that one exchange has. Holds its own handle of the connection, so that a reused number does no harm."""

    def __init__(self, seconds: float, *, resolve: Resolve | None = None) -> None:
        self.resolve = resolve  # as in Endpoint
        self.moment = time.monotonic() + seconds
        self.is_over = False
        self.is_on_kept_connection = False  # one that served another call before
        self.is_sent = False  # the first byte of the request may have gone out; what a proxy is asked before is none
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._is_done = False
        _reaper.add(self)

    @property
    def remaining(self) -> float:
        """Seconds that are left, never less than a hundredth."""
        return max(0.01, self.moment - time.monotonic())

    def attach(self, connection: Any) -> None:
        """Watch over this socket from now on (a plain one, or one that speaks TLS)."""
        with self._lock:
            self._release()
            self._handle = socket.socket(fileno=os.dup(connection.fileno()))
            if self.is_over:
                self._shut()

    def expire(self) -> None:
        """The time is over: end the connection, unless the exchange has ended."""
        with self._lock:
            if not self._is_done:
                self.is_over = True
                self._shut()

    def shut(self) -> None:
        """End the connection now, for a reason of the caller's."""
        with self._lock:
            self._shut()

    def done(self) -> None:
        """The exchange has ended: let go of the connection."""
        with self._lock:
            self._is_done = True
            self._release()

    def lift(self) -> None:
        """No deadline from here on; the connection stays in hand (a stream whose headers have come)."""
        self.moment = float("inf")

    def _shut(self) -> None:
        if self._handle is not None:
            with suppress(OSError):  # it may have ended by itself
                self._handle.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class Reaper:
    """One daemon thread that calls `expire` of each watch at its moment; it starts with the first watch."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Watch]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        with self._changed:
            heapq.heappush(self._heap, (watch.moment, next(self._numbers), watch))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="http-deadlines", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            watch = self._next_due()
            if watch.moment <= time.monotonic():
                watch.expire()

    def _next_due(self) -> Watch:
        with self._changed:
            while not self._heap or self._heap[0][0] > time.monotonic():
                self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
            return heapq.heappop(self._heap)[2]


_reaper = Reaper()
_current: ContextVar[Watch | None] = ContextVar("current_watch", default=None)


def _renew_reaper() -> None:
    """A forked child has none of its parent's threads, and the lock as it happened to stand."""
    global _reaper
    _reaper = Reaper()


os.register_at_fork(after_in_child=_renew_reaper)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Connections that this thread opens or uses within are watched over by `watch`."""
    token = _current.set(watch)
    try:
        yield
    finally:
        _current.reset(token)


class _Watched(HTTPConnection):
    """A connection that shows itself to the watch of its thread, and says whether it was used before."""

    _is_used = False
    _is_connecting = False

    def connect(self) -> None:
        self._is_connecting = True
        try:
            super().connect()
        finally:
            self._is_connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        watch = _current.get()
        if watch is not None and not self._is_connecting:
            watch.is_sent = True
        super().send(data)

    def _new_conn(self) -> socket.socket:
        self._is_used = False
        self._show(None)
        connection = self._connected()
        self._show(connection)
        return connection

    def _connected(self) -> socket.socket:
        """To the first address that answers, of those that the endpoint lets be connected to, if it chooses."""
        watch = _current.get()
        if watch is None or watch.resolve is None:
            return super()._new_conn()
        failed: OSError = socket.gaierror(f"no address of {self.host}")
        for address in watch.resolve(self.host, self.port):
            try:
                return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                failed = error
        raise failed

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._show(self.sock)
        super().request(*args, **kwargs)
        self._is_used = True

    def _show(self, connection: socket.socket | None) -> None:
        watch = _current.get()
        if watch is None:
            return
        watch.is_on_kept_connection = self._is_used
        if connection is not None:
            watch.attach(connection)


class _WatchedHTTP(_Watched):
    """Over plain TCP."""


class _WatchedHTTPS(_Watched, HTTPSConnection):
    """Over TLS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS

    def _validate_conn(self, conn: Any) -> None:
        """Connects, as it does anyway, without a Python warning where verification is off.

        That is a decision of the fleet file, which the portal shows on its pages.
        """
        if conn.is_closed:
            conn.connect()


def _with_watched_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class WatchedAdapter(HTTPAdapter):
    """Keeps two connections to one upstream and retries nothing; `server_name` as in Endpoint."""

    def __init__(self, server_name: str | None) -> None:
        self._names: dict[str, Any] = {}
        if server_name:
            self._names = {"server_hostname": server_name, "assert_hostname": server_name}
        super().__init__(pool_connections=1, pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self._names)
        _with_watched_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **options, **self._names)
        _with_watched_pools(manager)
        return manager
