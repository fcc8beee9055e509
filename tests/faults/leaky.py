"""Secrets seeded wherever the portal is given one, and an upstream that says each of them back in every way it can."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.integrations.wire_server import Asked, Peer

PLACES = (
    "argocd-token", "alertmanager-password", "prometheus-token", "kubernetes-token", "kubeconfig-token",
    "kubeconfig-key", "tenant-secret", "tenant-token", "proxy-password", "client-secret",
    "secret-key", "token-key", "metrics-token",
    "database-password", "broker-password", "local-variable", "form-password", "sop-token", "site-token",
)  # fmt: skip
SEEDS = {place: f"s33d-{place.replace('-', '')}-{number:04d}zQ7x" for number, place in enumerate(PLACES, 4711)}
"""What is given at each place: words that nobody else writes."""

ANSWERS = ("refused", "denied", "broken", "redirect", "page", "shape", "header", "cut")


def spellings(secret: str) -> Iterator[str]:
    """How it may look where it has leaked: as it is, and in base64 at each of three beginnings."""
    yield secret
    yield quote(secret, safe="")
    for before in ("", "a", "ab", "user:"):
        encoded = base64.b64encode(f"{before}{secret}".encode()).decode().rstrip("=")
        yield encoded[6:-2]


def leaks_in(text: str) -> set[str]:
    """The places whose secret stands in the text."""
    return {place for place, secret in SEEDS.items() if any(spelling in text for spelling in spellings(secret))}


def fleet_file(folder: Path, url: str) -> str:
    """A fleet file with a secret at every place that has one; the upstreams of all are at `url`."""
    for place, secret in SEEDS.items():
        (folder / place).write_text(secret)
    kubeconfig: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": SEEDS["kubeconfig-token"]}}],
    }  # fmt: skip
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
    broken = (
        json.dumps(kubeconfig)
        .replace("token", "client-key-data")
        .replace(SEEDS["kubeconfig-token"], SEEDS["kubeconfig-key"])
    )
    (folder / "kubeconfig-broken").write_text(broken)
    proxy = f"http://me:{SEEDS['proxy-password']}@127.0.0.1:9"
    kubeconfig["clusters"] = [{"name": "k", "cluster": {"server": url, "proxy-url": proxy}}]
    (folder / "kubeconfig-proxy").write_text(json.dumps(kubeconfig))
    return f"""
environments: [{{name: production}}]
clusters:
  - {{name: a, role: host, environment: production, kubernetes: {{server: '{url}', token: 'file:kubernetes-token'}}}}
  - {{name: b, role: member, environment: production, kubernetes: {{kubeconfig: 'file:kubeconfig'}}}}
  - {{name: c, role: member, environment: production, kubernetes: {{kubeconfig: 'file:kubeconfig-broken'}}}}
  - {{name: d, role: member, environment: production, kubernetes: {{kubeconfig: 'file:kubeconfig-proxy'}}}}
argocd: [{{name: production, url: '{url}', token: 'file:argocd-token', environment: production}}]
alertmanagers: [{{name: main, members: ['{url}'], username: u, password: 'file:alertmanager-password'}}]
prometheuses: [{{name: main, url: '{url}', token: 'file:prometheus-token'}}]
observatorium:
  - name: far
    url: '{url}'
    tenant: t
    oauth2: {{token_url: '{url}/token', client_id: portal, client_secret: 'file:tenant-secret'}}
  - {{name: near, url: '{url}', tenant: t, token: 'file:tenant-token'}}
sso: {{issuer: '{url}', client_id: portal, client_secret: 'file:client-secret'}}
access: [{{group: sre, role: viewer}}]
runbooks:
  - {{name: sop, git: {{url: '{url}/sop.git', token: 'file:sop-token'}}, urls: ['https://a.example/<path>']}}
  - {{name: site, http: {{base: '{url}/raw', token: 'file:site-token'}}}}
"""


class Parrot:
    """Answers every request with what it was sent, in the way that is its turn."""

    def __init__(self) -> None:
        self.how = ANSWERS[0]
        self.heard = ""

    def __call__(self, peer: Peer, asked: Asked) -> None:
        said = " ".join([*asked.headers.values(), asked.body.decode("utf-8", "replace"), asked.target])
        said = f"{said} {decoded_of(said)}"
        self.heard += f"{said}\n"
        self._answer(peer, said)

    def _answer(self, peer: Peer, said: str) -> None:
        told = json.dumps({"message": said, "error": said, "error_description": said, "status": "error"})
        statuses = {"refused": 400, "denied": 403, "broken": 500}
        if self.how in statuses:
            peer.send(head(statuses[self.how], told), told)
        elif self.how == "redirect":
            peer.send(head(302, "", Location=f"https://{quote(said)[:60]}.example/{quote(said)}?{quote(said)}"))
        elif self.how == "page":
            peer.send(head(200, said, kind="text/html"), said)
        elif self.how == "shape":
            odd = json.dumps(
                {"items": said, "status": said, "data": said, "issuer": said, "metadata": said, "token": said}
            )
            peer.send(head(200, odd), odd)
        elif self.how == "header":
            peer.send(f"HTTP/1.1 200 {said}\r\nContent-Type: {said}\r\nX: {said}\r\nContent-Length: 2\r\n\r\n{{}}")
        else:
            peer.send(head(200, told), told[: len(told) // 2])


def head(status: int, body: str, *, kind: str = "application/json", **headers: str) -> str:
    """The beginning of an answer, after which the connection ends."""
    lines = [f"HTTP/1.1 {status} {headers.get('reason', 'Told')}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"Content-Length: {len(body.encode())}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""])


def decoded_of(said: str) -> str:
    """What was sent as Basic, in clear: an upstream may say a password back that way."""
    words = said.partition("Basic ")[2].split(" ")[0]
    try:
        return base64.b64decode(words).decode() if words else ""
    except ValueError:
        return ""
