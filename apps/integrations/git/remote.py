"""A repository elsewhere: where it is, and how git is let in there without a secret in its arguments."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from apps.core.errors import UpstreamRejected
from apps.integrations.http import failure

# Told to git by name and value. A credential helper is a line of a shell of git's; this one names variables alone.
HELPER = (
    """!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$PORTAL_GIT_NAME" "$PORTAL_GIT_TOKEN"; }; f"""
)
ALWAYS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.bigFileThreshold": "1m",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",
    "fetch.bundleURI": "",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.allow": "never",
    "transfer.bundleURI": "false",
}
# A path's owner may be somebody else: it is the fleet file that names it. What runs there has only these settings.
UPLOAD_PACK = "git -c 'safe.directory=*' -c uploadpack.allowFilter=true upload-pack"


@dataclass(frozen=True, kw_only=True)
class GitRemote:
    """A branch of a repository.

    `source` is the key that errors carry; `url` begins with https, http, ssh or file, and holds no secret. `token` and
    `ssh_key` give the secret when they are asked (and raise UpstreamError); `known_hosts` and `ca` are paths of files.
    """

    source: str
    url: str
    branch: str
    username: str = "oauth2"
    token: Callable[[], str] | None = field(default=None, repr=False)
    ssh_key: Callable[[], str] | None = field(default=None, repr=False)
    known_hosts: str = os.devnull
    ca: str | None = None
    proxy: str | None = None

    @property
    def scheme(self) -> str:
        """How it is reached."""
        return urlsplit(self.url).scheme

    @property
    def options(self) -> tuple[str, ...]:
        """What `fetch` and `ls-remote` are told besides."""
        return (f"--upload-pack={UPLOAD_PACK}",) if self.scheme == "file" else ()

    @contextlib.contextmanager
    def let_in(self, seconds: float) -> Iterator[tuple[Mapping[str, str], tuple[str, ...]]]:
        """The environment in which git may talk with it for so long, and the secrets in it.

        Raises UpstreamError.
        """
        token = self.token() if self.token else ""
        if not token.isprintable():
            words = "our credentials contain a line break or another control character"
            raise failure(UpstreamRejected, self.source, words, never_sent=True)
        settings = {**ALWAYS, **self._settings(seconds)}
        environment = {"GIT_ALLOW_PROTOCOL": self.scheme, **settings_told(settings)}
        if token:
            environment |= {"PORTAL_GIT_NAME": self.username, "PORTAL_GIT_TOKEN": token}
        with self._key_file() as key:
            yield {**environment, **self._ssh(key)}, (token,) if token else ()

    def _settings(self, seconds: float) -> dict[str, str]:
        found = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(int(seconds) + 1)}
        if self.token:
            parts = urlsplit(self.url)
            found[f"credential.{parts.scheme}://{parts.netloc}.helper"] = HELPER
        if self.ca:
            found["http.sslCAInfo"] = self.ca
        if self.proxy:
            found["http.proxy"] = self.proxy
        return found

    def _ssh(self, key: str) -> dict[str, str]:
        if not key:
            return {}
        options = (
            "BatchMode=yes",
            "ConnectTimeout=10",
            "GlobalKnownHostsFile=/dev/null",
            "IdentitiesOnly=yes",
            "PreferredAuthentications=publickey",
            "ServerAliveInterval=10",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            f"UserKnownHostsFile={shlex.quote(self.known_hosts)}",
        )
        words = ["ssh", "-F", os.devnull, "-i", key, *(word for option in options for word in ("-o", option))]
        return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}

    @contextlib.contextmanager
    def _key_file(self) -> Iterator[str]:
        """The key in a file that only we read: ssh refuses others, and a mounted secret is often one."""
        if self.ssh_key is None:
            yield ""
            return
        descriptor, path = tempfile.mkstemp(prefix="portal-key-")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(self.ssh_key().strip() + "\n")
            yield path
        finally:
            Path(path).unlink()


def settings_told(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as git reads them from its environment."""
    pairs = list(settings.items())
    told = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs):
        told |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return told
