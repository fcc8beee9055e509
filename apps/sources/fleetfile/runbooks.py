"""What the fleet file says of runbooks: where they are, and which addresses lead to them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from apps.sources.fleetfile.fields import (
    Deadline,
    FilePath,
    FolderPath,
    GitUrl,
    Interval,
    Name,
    SecretReference,
    Text,
    Url,
)
from apps.sources.fleetfile.sections import Section
from apps.sources.fleetfile.shapes import UrlShape

NO_BRANCH = re.compile(r"\A[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|\.lock\Z|[/.]\Z")


def _branch(value: str) -> str:
    if NO_BRANCH.search(value):
        raise ValueError("is not the name of a branch")
    return value


def _below(value: str) -> str:
    parts = [part for part in value.split("/") if part]
    if any(part in {".", ".."} for part in parts) or not value.isprintable():
        raise ValueError("must be a folder below the source's root, like docs/")
    return "".join(f"{part}/" for part in parts)


def _shape(value: object) -> UrlShape:
    if isinstance(value, UrlShape):
        return value
    if not isinstance(value, str):
        raise ValueError("is not text: write a URL with <path> in it")  # noqa: TRY004
    try:
        return UrlShape.told(value)
    except UnicodeDecodeError as error:
        raise ValueError("holds a %-sign that stands for no letter") from error


Branch = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_branch)]
Below = Annotated[str, Field(max_length=500), AfterValidator(_below)]
Shape = Annotated[
    UrlShape,
    BeforeValidator(_shape),
    PlainSerializer(str),
    WithJsonSchema({"$comment": "URL with `<path>`", "type": "string", "pattern": "^https?://.*<path>"}),
]


class GitPlace(Section):
    """A Git repository. It is read by the program git, from a copy without a work tree."""

    url: GitUrl = Field(description="Its address: https://…, ssh://…, or the path of a repository on this machine.")
    branch: Branch = Field(default="main", description="The branch that is read.")
    token: SecretReference | None = Field(
        default=None, description="Token that may read it, for https; it is sent as the password."
    )
    username: Text = Field(default="oauth2", description="User name that goes with the token.")
    ssh_key: SecretReference | None = Field(default=None, description="Private key that may read it, for ssh.")
    known_hosts: FilePath | None = Field(
        default=None, description="File of the server's host keys (as of ssh-keyscan), for ssh."
    )

    @property
    def scheme(self) -> str:
        """How it is reached: "https", "http", "ssh" or "file"."""
        return urlsplit(self.url).scheme

    @model_validator(mode="after")
    def _way_in_fits(self) -> Self:
        if self.token is not None and self.scheme not in {"http", "https"}:
            raise ValueError("'token' goes with https:// only")
        has_ssh = (self.ssh_key is not None, self.known_hosts is not None)
        if self.scheme == "ssh" and not all(has_ssh):
            raise ValueError("ssh:// needs 'ssh_key' and 'known_hosts'")
        if self.scheme != "ssh" and any(has_ssh):
            raise ValueError("'ssh_key' and 'known_hosts' go with ssh:// only")
        return self


class HttpPlace(Section):
    """A web server, of which only the files are asked for that rules and firing alerts name."""

    base: Url = Field(description="Address that the files' paths are put behind.")
    token: SecretReference | None = Field(default=None, description="Bearer token.")


class RunbookSource(Section):
    """Where runbooks are: one of `git`, `http` and `folder`. Their paths count from its root."""

    name: Name = Field(description="Unique name.")
    git: GitPlace | None = Field(default=None, description="A Git repository.")
    http: HttpPlace | None = Field(default=None, description="A web server.")
    folder: FolderPath | None = Field(default=None, description="A folder on this machine.")
    under: Below = Field(default="", description="Read only what lies below this folder of it, like docs/.")
    urls: tuple[Shape, ...] = Field(
        default=(),
        description="What a `runbook_url` that leads here looks like; `<path>` stands for the file's path in the"
        " source. Query and fragment are not looked at. Where the file is called otherwise:"
        " `https://docs.example.com/<path>/ -> <path>.md`. Addresses below `http.base` are known without.",
    )
    interval: Interval = Field(default=timedelta(minutes=5), description="Time from one read to the next.")
    deadline: Deadline = Field(default=timedelta(minutes=1), description="How long one read may take as a whole.")
    ca: FilePath | None = Field(default=None, description="File of the authority (PEM) that signed its certificate.")
    proxy: Url | None = Field(
        default=None, description="HTTP proxy on the way to it. None is taken from the environment."
    )

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return self.git.url if self.git else self.http.base if self.http else str(self.folder)

    @property
    def shapes(self) -> tuple[UrlShape, ...]:
        """All shapes of URLs that lead here."""
        return (*self.urls, *([UrlShape.told(f"{self.http.base}/<path>")] if self.http else []))

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.git, self.http, self.folder)) != 1:
            raise ValueError("needs exactly one of 'git', 'http' and 'folder'")
        is_web = self.http is not None or (self.git is not None and self.git.scheme in {"http", "https"})
        if not is_web and (self.ca is not None or self.proxy is not None):
            raise ValueError("'ca' and 'proxy' go with https:// only")
        if not self.shapes:
            raise ValueError("needs 'urls': without them no alert's runbook_url leads here")
        return self
