"""What `make demo` starts beside the portal: the simulated fleet, and the OpenID provider of its people."""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import socket
from pathlib import Path

SETTINGS_FILE = "provider.json"
"""Where the simulated fleet writes what the provider needs to know, beside the fleet file."""

PORTS, MOST_TRIES = range(15_000, 32_000), 1000


def origins(port: int) -> list[str]:
    """Those of the portal, as a browser on this machine may name it."""
    return [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]


def issuer_for(folder: Path) -> str:
    """The provider's address: the one of last time while its port is free, since an account is bound to its issuer."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = str(json.loads((folder / SETTINGS_FILE).read_text())["issuer"])
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(kept.rpartition(":")[2])))
        return kept
    return f"http://127.0.0.1:{free_loopback_port()}"


def free_loopback_port() -> int:
    """A port that nobody listens on now, and that the system gives to no connection that goes out (Linux: 32768 up).

    Such a connection could have it just when the server that it was found for starts, or starts again.
    """
    for _ in range(MOST_TRIES):
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"none of {MOST_TRIES} ports of 127.0.0.1 could be had")


def fleet_arguments(options: argparse.Namespace, fleet: Path, issuer: str) -> list[str]:
    """manage.py's, for the simulated fleet: as large and as lively as asked for."""
    counts = {name: getattr(options, name) for name in ("clusters", "applications", "alerts")}
    return [
        *("demo_fleet", "--seed", str(options.seed), "--fleet-file", str(fleet), "--state", str(fleet.parent)),
        *("--issuer", issuer, *(f"--portal={origin}" for origin in origins(options.port))),
        *(f"--{name}={count}" for name, count in counts.items() if count),
        *(["--still"] if options.still else []),
    ]


def provider_arguments(fleet: Path) -> list[str]:
    """manage.py's, for the provider, once the fleet file is there."""
    return ["demo_provider", "--provider-settings", str(fleet.parent / SETTINGS_FILE)]


def words(issuer: str) -> list[str]:
    """What a person needs to know of it."""
    return [
        "Click there, and sign in as one of seven people: viewer, responders of three scopes, approver, admin, nobody.",
        f"Who they are is told by the demo's own OpenID provider; its administrator's page is {issuer}/people",
    ]
