"""Addresses that come from data are asked only where the fleet file says, and never lead inwards (F31)."""

from __future__ import annotations

import ast
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import UpstreamBadReply, UpstreamRejected, UpstreamUnavailable
from apps.integrations.http.outside import Outside, ascii_host, is_inner, is_public, outside_get, target_told

APPS = Path(__file__).resolve().parents[2] / "apps"
HOST = "runbooks.example.com"
INWARDS = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2001:db8::1", "::127.0.0.1",
)  # fmt: skip
NO_NAMES = (
    "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/",
    "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1./",
    "http://[::ffff:127.0.0.1]/", "http://①②⑦.0.0.1/", "http://[::1%25lo]/", "http://0/", "http:///", "http://./",
)  # fmt: skip
NO_WAYS = (
    "file:///etc/passwd", "gopher://runbooks.example.com/x", "ftp://runbooks.example.com/", "dict://127.0.0.1:11211/",
    "javascript:alert(1)", "//runbooks.example.com/", "runbooks.example.com", "", "http:runbooks.example.com",
    f"https://{HOST}@evil.example/", f"https://me:pw@{HOST}/", f"https://{HOST}\\@evil.example/", f"https://{HOST}\n/",
    f"https://{HOST}:99999/", f"https://{HOST}:x/", "https://" + "x" * 3000, "https://[::1", f"https://{HOST}%2e/",
)  # fmt: skip
OTHER_HOSTS = (
    "https://evil.example/", f"https://{HOST}.evil.example/", f"https://evil{HOST}/", f"https://{HOST}:8443/",
    "https://runbooks.exаmple.com/", "https://ｒunbooks.example.org/", "http://localhost/", "http://localhost.localdomain/",
)  # fmt: skip
ANYBODY = Outside(source="runbooks", hosts=frozenset({HOST}))


class Site:
    """A server of this machine, which every name stands for; `asked` is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.leads: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                place = site.leads.get(self.path)
                self.send_response(302 if place else 200)
                if place:
                    self.send_header("Location", place)
                self.send_header("Set-Cookie", "a=b")
                self.send_header("Content-Length", "7")
                self.end_headers()
                self.wfile.write(b"runbook")

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.outside = Outside(source="runbooks", hosts=frozenset({f"{HOST}:{self.port}"}), may_be=lambda _: True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


Names = Callable[..., list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Says what every name stands for, from now on: at each asking the next, the last again and again."""
    asked: list[str] = []
    told: list[list[str]] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host.replace(".", "").isdigit() or ":" in host:
            return real(host, port, type=socket.SOCK_STREAM)
        asked.append(host)
        addresses = told.pop(0) if len(told) > 1 else told[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def stand_for(*addresses: list[str]) -> list[str]:
        told[:] = addresses
        return asked

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return stand_for


@pytest.mark.parametrize("url", [*NO_NAMES, *NO_WAYS])
def test_what_is_no_name_of_a_host_over_http_is_refused_f31(names: Names, url: str) -> None:
    asked = names(["127.0.0.1"])
    with pytest.raises(UpstreamRejected) as refused:
        outside_get(url, outside=ANYBODY)
    assert refused.value.never_sent
    assert asked == []


@pytest.mark.parametrize("url", OTHER_HOSTS)
def test_a_host_that_is_not_on_the_list_is_refused_before_its_name_is_asked_for_f31(names: Names, url: str) -> None:
    asked = names(["127.0.0.1"])
    with pytest.raises(UpstreamRejected, match="not among the hosts"):
        outside_get(url, outside=ANYBODY)
    assert asked == []


@pytest.mark.parametrize("address", INWARDS)
def test_a_name_that_stands_for_an_inner_address_is_not_connected_to_f31(names: Names, address: str) -> None:
    names([address])
    with pytest.raises(UpstreamRejected, match="an address that we do not connect to") as refused:
        outside_get(f"https://{HOST}/", outside=ANYBODY)
    assert refused.value.never_sent
    assert not is_public(ipaddress.ip_address(address))


def test_one_inner_address_among_others_is_enough_f31(names: Names) -> None:
    names(["93.184.215.14", "127.0.0.1"])
    with pytest.raises(UpstreamRejected):
        outside_get(f"https://{HOST}/", outside=ANYBODY)


def test_a_name_that_is_answered_anew_after_it_was_judged_gains_nothing_f31(names: Names, site: Site) -> None:
    """DNS rebinding: the first answer is judged and connected to; nobody asks a second time."""
    seen: list[str] = []
    judging = Outside(
        source="r", hosts=site.outside.hosts, may_be=lambda address: bool(seen.append(str(address)) or True)
    )
    asked = names(["127.0.0.1"], ["127.9.9.9"])
    assert outside_get(f"{site.url}/x", outside=judging).body == b"runbook"
    assert (asked, seen) == ([HOST], ["127.0.0.1"])


def test_the_next_address_is_tried_where_the_first_does_not_answer_f31(names: Names, site: Site) -> None:
    names(["127.0.0.2", "127.0.0.1"])
    assert outside_get(f"{site.url}/x", outside=site.outside).status == 200
    names(["127.0.0.2"])
    with pytest.raises(UpstreamUnavailable):
        outside_get(f"{site.url}/x", outside=site.outside)


def test_a_runbook_is_read_as_its_address_says_and_nothing_goes_along_f31(names: Names, site: Site) -> None:
    names(["127.0.0.1"])
    answer = outside_get(f"HTTP://RunBooks.Example.com.:{site.port}/a/b/?q=1&r=%20#part", outside=site.outside)
    assert (answer.status, answer.body) == (200, b"runbook")
    ((path, headers),) = site.asked
    assert path == "/a/b/?q=1&r=%20"
    assert headers["Host"] == f"{HOST}:{site.port}"
    assert {"Authorization", "Cookie", "Proxy-Authorization"}.isdisjoint(headers)


@pytest.mark.parametrize(
    "inwards",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/",
        "//evil.example/",
        "file:///etc/passwd",
        "gopher://x/",
        "https://[::1]/",
    ],
)
def test_a_redirect_inwards_or_to_another_host_is_not_followed_f31(names: Names, site: Site, inwards: str) -> None:
    names(["127.0.0.1"])
    site.leads = {"/x": inwards}
    with pytest.raises((UpstreamRejected, UpstreamBadReply)):
        outside_get(f"{site.url}/x", outside=site.outside)
    assert [path for path, _ in site.asked] == ["/x"]


def test_a_redirect_to_another_host_of_the_list_is_not_followed_either_f31(names: Names, site: Site) -> None:
    names(["127.0.0.1"])
    both = Outside(source="r", hosts=frozenset({f"{HOST}:{site.port}", "other.example"}), may_be=lambda _: True)
    site.leads = {"/x": "http://other.example/"}
    with pytest.raises(UpstreamBadReply, match="another host"):
        outside_get(f"{site.url}/x", outside=both)


def test_a_redirect_within_the_host_is_followed_and_its_address_judged_again_f31(names: Names, site: Site) -> None:
    names(["127.0.0.1"])
    site.leads = {"/x": "/y", "/y": f"{site.url}/z"}
    assert outside_get(f"{site.url}/x", outside=site.outside).body == b"runbook"
    assert [(path, headers.get("Cookie")) for path, headers in site.asked] == [("/x", None), ("/y", None), ("/z", None)]
    site.leads = {"/x": "/x"}
    with pytest.raises(UpstreamBadReply, match="again and again"):
        outside_get(f"{site.url}/x", outside=site.outside)
    first = Outside(source="r", hosts=site.outside.hosts, may_be=lambda address: str(address) == "127.0.0.1")
    names(["127.0.0.1"], ["127.0.0.5"])
    site.leads = {"/x": "/y"}
    with pytest.raises(UpstreamRejected):
        outside_get(f"{site.url}/x", outside=first)


def test_a_name_in_other_letters_is_told_by_its_ascii_name_f31() -> None:
    """CVE-2023-4399: what a list forbids or allows must be what is asked."""
    assert ascii_host("RunBooks.Example.COM.") == HOST
    assert ascii_host("ｒｕｎｂｏｏｋｓ.example.com") == HOST
    assert ascii_host("bücher.example") == "xn--bcher-kva.example"
    assert ascii_host("runbooks.exаmple.com") != HOST
    assert target_told("https://bücher.example/", Outside("r", frozenset({"xn--bcher-kva.example"}))).host.startswith(
        "xn"
    )


def test_an_own_network_may_be_reached_where_that_is_said_but_never_this_machine_f31() -> None:
    inner = {address for address in INWARDS if is_inner(ipaddress.ip_address(address))}
    assert {"10.0.0.1", "172.16.0.1", "192.168.1.1", "fc00::1"} <= inner
    never = {
        "127.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "0.0.0.0",
        "224.0.0.1",
    }
    assert inner.isdisjoint(never)
    assert is_public(ipaddress.ip_address("93.184.215.14"))


ASKS = {
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "httpx",
    "aiohttp",
    "ftplib",
    "smtplib",
    "subprocess",
    "ssl",
}
ASKS |= {"socket", "redis", "kubernetes", "telnetlib", "xmlrpc", "pycurl", "websockets", "asyncio.streams"}
ALLOWED = {
    "integrations/kubernetes/config.py": {"kubernetes"},  # reads a kubeconfig; asks nothing by itself
    "integrations/git/program.py": {"subprocess"},  # the program git, the one exception (decision 10)
    "core/hints.py": {"redis"},  # the broker
    "actions/tasks.py": {"redis"},  # its exceptions
    "core/leases.py": {"socket"},  # the name of this machine
}


def test_nothing_in_the_portal_makes_requests_but_the_http_layer_f31() -> None:
    found = {}
    for path in APPS.rglob("*.py"):
        name = str(path.relative_to(APPS))
        if name.startswith(("demo/", "integrations/http/")):
            continue
        used = imported(path) - ALLOWED.get(name, set())
        if used:
            found[name] = used
    assert found == {}


def imported(path: Path) -> set[str]:
    """Which of the modules that can ask something a file imports, anywhere in it; also authlib's own clients."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    asks = {ask for ask in ASKS for name in names if name == ask or name.startswith(f"{ask}.")}
    return asks | {name for name in names if name.startswith("authlib.integrations")}
