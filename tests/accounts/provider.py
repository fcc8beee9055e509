"""The demo's OpenID provider as a process of the tests, and what an administrator of the organisation does with it."""

from __future__ import annotations

import contextlib
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urljoin

import requests
import yaml

from apps.demo.provider import SETTINGS_FILE, ProviderMissing, SignIn, provider_command, settings_write
from tests.servers import free_port, left_out, wait_until_it_answers

SECRET = "a-secret-between-portal-and-provider"
PEOPLE = re.compile(r'action="/people/(\w+)/(?:disable|enable)"')
CHOICES = re.compile(r'name="person" value="(\w+)"')


@dataclass
class Provider:
    """A running provider that serves the portal at `portal`.

    When it is stopped it has forgotten all sessions; while it is paused, what is asked of it waits.
    """

    sign_in: SignIn
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """Its own name, without a slash at the end."""
        return self.sign_in.issuer

    def start(self) -> None:
        """Returns when it answers."""
        command = provider_command(self.folder / SETTINGS_FILE)
        with (self.folder / "provider.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until_it_answers(f"{self.issuer}/.well-known/openid-configuration", self.process)

    def stop(self) -> None:
        """Ends it: its port refuses connections."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Nothing listens there meanwhile."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It answers nothing meanwhile, and remembers everything."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """It answers 503 meanwhile, and remembers everything."""
        self._post("/failing", on="1")
        try:
            yield
        finally:
            self._post("/failing", on="")

    def disable(self, name: str) -> None:
        """Disables a person: their sessions end, portals are told, refreshing is refused."""
        self._post(f"/people/{name}/disable")

    def enable(self, name: str) -> None:
        """Takes that back."""
        self._post(f"/people/{name}/enable")

    def sessions_end(self, name: str) -> None:
        """Ends a person's sessions; portals are told."""
        self._post(f"/people/{name}/end")

    def everybody_back(self) -> None:
        """Nobody is disabled, nobody is signed in: as it began."""
        for name in PEOPLE.findall(requests.get(f"{self.issuer}/people", timeout=10).text):
            self.sessions_end(name)
            self.enable(name)

    def fleet_file_parts(self) -> str:
        """The sections of a fleet file by which a portal signs people in here, as YAML."""
        return fleet_file_parts(self.sign_in, self.folder)

    def _post(self, path: str, **form: str) -> None:
        requests.post(self.issuer + path, data=form, timeout=10).raise_for_status()


def fleet_file_parts(sign_in: SignIn, folder: Path) -> str:
    """The sections of a fleet file by which a portal signs people in at a provider, as YAML."""
    secret = folder / "client-secret"
    secret.write_text(sign_in.secret)
    return yaml.safe_dump(sign_in.fleet_file_parts(f"file:{secret}"))


@contextlib.contextmanager
def provider_running(folder: Path, *portals: str, issuer: str = "", id_token_seconds: int = 600) -> Iterator[Provider]:
    """A provider for the portals with these origins; the first is told of logouts."""
    provider = Provider(SignIn(issuer or f"http://127.0.0.1:{free_port()}", portals, SECRET), folder)
    settings_write(folder / SETTINGS_FILE, provider.sign_in, id_token_seconds=id_token_seconds)
    try:
        provider.start()
    except ProviderMissing as error:
        left_out(str(error))
    try:
        yield provider
    finally:
        provider.stop()


class Listener(BaseHTTPRequestHandler):
    """A portal as far as a provider sees it: it answers, and keeps the logout tokens that it is told."""

    tokens: queue.SimpleQueue[str]

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.tokens.put(dict(parse_qsl(body))["logout_token"])
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def listener() -> Iterator[tuple[str, queue.SimpleQueue[str]]]:
    """The origin of such a portal, and the logout tokens that it was told."""
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    with HTTPServer(("127.0.0.1", 0), type("Told", (Listener,), {"tokens": told})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()


def chosen(browser: requests.Session, page: requests.Response, name: str) -> requests.Response:
    """What comes after a person was chosen on the provider's page, which a browser without scripts was led to."""
    assert name in CHOICES.findall(page.text), page.text
    return browser.post(page.url, data={"person": name}, timeout=30)


def form_sent(browser: requests.Session, page: requests.Response) -> requests.Response:
    """What comes after the one form of a page, as it stands, was sent."""
    [action] = re.findall(r'<form [^>]*action="([^"]+)"', page.text)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return browser.post(urljoin(page.url, action), data=fields, timeout=30)
