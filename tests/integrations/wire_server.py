"""A server on a loopback port that does to its clients whatever a test tells it to, byte by byte."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, over: threading.Event, *, is_kept: bool = False) -> None:
        self._connection = connection
        self.over = over
        self.is_kept = is_kept

    def send(self, *pieces: bytes | str) -> None:
        """Send, or notice that the client has gone."""
        for piece in pieces:
            self._connection.sendall(piece.encode() if isinstance(piece, str) else piece)

    def drip(self, content: bytes, *, pause: float) -> None:
        """One byte at a time, until the client goes or the test is over."""
        for byte in content:
            if self.over.wait(pause):
                return
            self.send(bytes([byte]))

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.over.wait(30)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


TLS_HANDSHAKE = b"\x16"

Script = Callable[[Peer, Asked], None]


def head(status: int = 200, **headers: str) -> str:
    """A status line and headers; underscores in their names stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said So\r\n{lines}\r\n"


def reply(body: bytes | str | Any = b"", *, status: int = 200, zipped: bool = False, **headers: str) -> Script:
    """A script that answers once and properly: bytes and text as they are, anything else as JSON."""
    content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers.setdefault("Content_Type", "application/json")
    if zipped:
        content, headers["Content_Encoding"] = gzip.compress(content, mtime=0), "gzip"
    headers["Content_Length"] = str(len(content))

    def script(peer: Peer, asked: Asked) -> None:
        kept = {} if peer.is_kept else {"Connection": "close"}
        peer.send(head(status, **headers, **kept), content)

    return script


@dataclass
class WireServer:
    """Runs one script for each request; `script` may be changed between calls. `asked` is what came so far."""

    script: Script
    tls: ssl.SSLContext | None = None
    keeps_alive: bool = False
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it and every connection, and wait for its threads."""
        self._over.set()
        for open_socket in (self._listener, *self._open):
            with suppress(OSError):  # it has ended already
                open_socket.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with raw, self.tls.wrap_socket(raw, server_side=True) if self.tls else raw as connection:
                self._answer(connection)
        except OSError:  # the client went away, as many of these tests want it to
            return

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as incoming:
            if incoming.peek(1)[:1] == TLS_HANDSHAKE:  # to a server that speaks plain HTTP
                self.script(Peer(connection, self._over), Asked("", "", {}, b""))
                return
            while line := incoming.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                headers = {}
                while (text := incoming.readline().decode("latin-1").strip()) != "":
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                body = incoming.read(int(headers.get("content-length", 0)))
                asked = Asked(method, target, headers, body)
                self.asked.append(asked)
                self.script(Peer(connection, self._over, is_kept=self._is_kept(headers)), asked)
                if not self._is_kept(headers):
                    return

    def _is_kept(self, headers: Mapping[str, str]) -> bool:
        return self.keeps_alive and headers.get("connection", "").lower() != "close"
