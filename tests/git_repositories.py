"""Git repositories for tests: made by the program git, and served over HTTP as real servers do."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers import program

AUTHOR = {
    "GIT_AUTHOR_NAME": "Kim Author",
    "GIT_AUTHOR_EMAIL": "kim@example.com",
    "GIT_COMMITTER_NAME": "Kim Author",
    "GIT_COMMITTER_EMAIL": "kim@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A repository with a work tree, of which commits are made."""

    def __init__(self, folder: Path) -> None:
        program("git", "git")
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "http.uploadpack", "true")

    @property
    def url(self) -> str:
        """Where git finds it on this machine."""
        return f"file://{self.folder}"

    def git(self, *arguments: str, moment: str = "", author: str = "") -> str:
        """What git tells."""
        environment = {**os.environ, **AUTHOR}
        if moment:
            environment |= {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        if author:
            environment["GIT_AUTHOR_NAME"] = author
        command = ["git", "-C", str(self.folder), "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def write(self, path: str, content: bytes | str) -> None:
        """A file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, bytes | str] | None = None, *, moment: str = "", author: str = "") -> str:
        """The id of a commit with these files and all else that changed."""
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "words", moment=moment, author=author)
        return self.git("rev-parse", "HEAD")


class GitServer:
    """Repositories of a folder over smart HTTP on a free loopback port, by git's own http-backend.

    `password` is asked for where it is not ""; `filters` says whether files can be left out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = ""
        self.redirects_to = ""
        self.filters = True
        self.hangs = threading.Event()
        self.is_over = threading.Event()
        self.asked: list[str] = []
        backend = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, backend))
        self.http.daemon_threads = True
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.http.server_port}"

    def stop(self) -> None:
        """Ends it."""
        self.is_over.set()
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


def _handler(server: GitServer, backend: Path) -> type[Handler]:
    return type("HandlerOfOne", (Handler,), {"git": server, "backend": backend})


class Handler(BaseHTTPRequestHandler):
    """Passes each request on to http-backend, unless its server is told to do otherwise."""

    git: GitServer
    backend: Path

    def do_GET(self) -> None:
        """Refs."""
        self._answer()

    def do_POST(self) -> None:
        """Packs."""
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Writes down what was asked."""
        self.git.asked.append(str(args[0]))

    def _answer(self) -> None:
        if self.git.hangs.is_set():
            self.git.is_over.wait(30)
        elif self.git.redirects_to:
            self._refuse(301, ("Location", self.git.redirects_to + self.path))
        elif self.git.password and not self._is_let_in():
            self._refuse(401, ("WWW-Authenticate", 'Basic realm="git"'))
        else:
            self._pass_on()

    def _is_let_in(self) -> bool:
        _, _, told = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(told).decode().endswith(f":{self.git.password}")

    def _refuse(self, status: int, header: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header(*header)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = self._environment(len(body))
        output = subprocess.run([self.backend], input=body, capture_output=True, env=environment, check=False).stdout
        head, _, content = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _environment(self, length: int) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        settings = {"uploadpack.allowFilter": str(self.git.filters).lower(), "safe.directory": "*"}
        environment = {
            **os.environ,
            **AUTHOR,
            "GIT_PROJECT_ROOT": str(self.git.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for index, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return environment
