"""The kinds of value that a fleet file holds, each with its check and its plain words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema
from pydantic.fields import FieldInfo

from apps.core.durations import PATTERN, duration_read, duration_text
from apps.core.links import safe_link
from apps.core.markdown import INCIDENT
from apps.core.matchers import LabelMatcher, matchers_read
from apps.sources.fleetfile.secrets import Secret, SecretUnavailable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
SSH_PLACE = re.compile(r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?/[^?#]+\Z")


@dataclass(frozen=True)
class Surroundings:
    """Where a fleet file is read: the folder that relative paths start from, and whether what it names must exist."""

    folder: Path | None = None
    must_exist: bool = False


def _surroundings(info: ValidationInfo) -> Surroundings:
    return info.context if isinstance(info.context, Surroundings) else Surroundings()


def _plain_name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError(f"{value[:40]!r} is not a plain name: it takes up to 100 letters, digits, '.', '_' and '-'")
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("is not a URL: its host or port cannot be read") from error
    if parts.scheme not in {"http", "https"}:
        raise ValueError(
            f"{parts.scheme!r} is not http or https" if parts.scheme else "must begin with http:// or https://"
        )
    if not host or any(character.isspace() for character in value):
        raise ValueError("is not a URL: no host, or blanks in it")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password: name the secret in its own key (env:NAME or file:PATH)")
    if parts.query or parts.fragment:
        raise ValueError("must end before any '?' or '#'")
    return value.rstrip("/")


def _issuer(value: str) -> str:
    """As it is written: it is compared letter by letter."""
    parts = urlsplit(_web_address(value))
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://: only on this machine itself may it be http://")
    return value


def _incident_shape(value: str) -> str:
    """As it is written; where an incident's id goes, a letter stands for the check."""
    if INCIDENT not in value:
        raise ValueError(f"must have {INCIDENT} in it, where an incident's id goes")
    if not safe_link(value.replace(INCIDENT, "x")) or INCIDENT in urlsplit(value).netloc:
        raise ValueError("must begin with http:// or https:// and a host, without user name or blanks")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _file_path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, (str, Path)) or not str(value).removeprefix("file:"):
        raise ValueError("is not a path of a file")
    around = _surroundings(info)
    path = (around.folder or Path()) / Path(str(value).removeprefix("file:")).expanduser()
    if around.must_exist and not path.is_file():
        raise ValueError(f"the file {path} does not exist")
    return path


def _folder_path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, (str, Path)) or not str(value):
        raise ValueError("is not a path of a folder")
    return (_surroundings(info).folder or Path()) / Path(value).expanduser()


def _git_url(value: object, info: ValidationInfo) -> str:
    """As git takes it; a path as file://…, so that git treats it as any other repository."""
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise ValueError("is not the address of a Git repository")
    scheme, _, rest = value.partition("://")
    if not rest:
        if ":" in value.partition("/")[0]:
            raise ValueError("must begin with https://, ssh:// or /: write git@host:path as ssh://git@host/path")
        return f"file://{_folder_path(value, info).absolute()}"
    if scheme == "file" and rest.startswith("/"):
        return value
    if scheme == "ssh" and SSH_PLACE.match(rest):
        return value
    if scheme in {"http", "https"}:
        return _web_address(value)
    raise ValueError("must begin with https://, ssh://user@host/ or /")


def _secret(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    around = _surroundings(info)
    secret = Secret.referred_to_by(value, around.folder)
    if around.must_exist:
        try:
            secret.value()
        except SecretUnavailable as error:
            raise ValueError(str(error)) from None
    return secret


def _matchers(value: object) -> tuple[LabelMatcher, ...]:
    if not isinstance(value, str):
        raise ValueError("""is not a line of matchers: write it in quotes, like 'slo="true"'""")  # noqa: TRY004
    return matchers_read(value)


def _within(least: str, most: str) -> Callable[[object], timedelta]:
    """A reader of durations between two bounds, both allowed."""
    lower, upper = duration_read(least), duration_read(most)

    def read(value: object) -> timedelta:
        duration = duration_read(value)
        if not lower <= duration <= upper:
            raise ValueError(f"must be from {least} to {most}")
        return duration

    return read


def _lines(matchers: tuple[LabelMatcher, ...]) -> str:
    return ", ".join(map(str, matchers))


def _duration_schema() -> WithJsonSchema:
    written = [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}]
    return WithJsonSchema({"$comment": "duration", "anyOf": written, "examples": ["30s", "1h30m", "2d"]})


def _told(kind: str, **more: str) -> FieldInfo:
    """What kind of text it is, for the documents (`$comment`) and for editors."""
    told: FieldInfo = Field(json_schema_extra={"$comment": kind, **more})
    return told


_AS_TEXT = PlainSerializer(duration_text)
_DURATION = _duration_schema()

Name = Annotated[str, AfterValidator(_plain_name), _told("name", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, AfterValidator(_web_address), _told("URL", format="uri", pattern="^https?://")]
Issuer = Annotated[str, AfterValidator(_issuer), _told("URL", format="uri", pattern="^https?://")]
IncidentUrl = Annotated[str, AfterValidator(_incident_shape), _told("URL with `<id>`", pattern="^https?://.*<id>")]
FilePath = Annotated[
    Path,
    BeforeValidator(_file_path),
    PlainSerializer(str),
    WithJsonSchema({"$comment": "path of a file", "type": "string", "minLength": 1}),
]
FolderPath = Annotated[
    Path,
    BeforeValidator(_folder_path),
    PlainSerializer(str),
    WithJsonSchema({"$comment": "path of a folder", "type": "string", "minLength": 1}),
]
GitUrl = Annotated[
    str,
    BeforeValidator(_git_url),
    WithJsonSchema({"$comment": "URL or path of a Git repository", "type": "string", "minLength": 1}),
]
SecretReference = Annotated[
    Secret,
    BeforeValidator(_secret),
    PlainSerializer(lambda secret: secret.reference, return_type=str),
    WithJsonSchema({"$comment": "secret", "type": "string", "pattern": "^(env|file):.+$"}),
]
Matchers = Annotated[
    tuple[LabelMatcher, ...],
    BeforeValidator(_matchers),
    PlainSerializer(_lines, return_type=str),
    WithJsonSchema({"$comment": "matchers", "type": "string", "minLength": 2, "examples": ['slo="true"']}),
]
Interval = Annotated[timedelta, BeforeValidator(_within("5s", "1h")), _AS_TEXT, _DURATION]
ConnectTimeout = Annotated[timedelta, BeforeValidator(_within("1s", "1m")), _AS_TEXT, _DURATION]
Deadline = Annotated[timedelta, BeforeValidator(_within("1s", "5m")), _AS_TEXT, _DURATION]
Span = Annotated[timedelta, BeforeValidator(_within("1s", "3650d")), _AS_TEXT, _DURATION]
Retention = Annotated[timedelta, BeforeValidator(_within("1d", "3650d")), _AS_TEXT, _DURATION]
CoolDown = Annotated[timedelta, BeforeValidator(_within("0s", "1d")), _AS_TEXT, _DURATION]
ApprovalTime = Annotated[timedelta, BeforeValidator(_within("1m", "7d")), _AS_TEXT, _DURATION]
