"""Text of an upstream, made fit for one line of ours: no control characters, no credentials, no great length."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping

import msgspec

LONGEST = 300
SHORTEST_SECRET = 6
MASK = "[hidden]"

_TOKENS = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}|eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*")


def plain_line(text: str, *, secrets: Iterable[str] = ()) -> str:
    """The text on one line of at most 300 characters, without control characters and without what looks secret."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _TOKENS.sub(MASK, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: LONGEST * 4]).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def told_reason(body: bytes) -> str:
    """What an error body says, or "" of one that says nothing.

    Argo CD has error and message, or error as an object (its stream); Kubernetes a Status with message; Prometheus and
    Observatorium error; OAuth error and error_description; Alertmanager a bare JSON string, or code and message.
    """
    text = body[: LONGEST * 40].decode("utf-8", "replace")
    if text.lstrip()[:1] == "<":
        return ""
    try:
        return _reason_in(msgspec.json.decode(body))
    except (ValueError, RecursionError):  # not JSON, or hostile JSON: its text as it is
        return text


def _reason_in(told: object) -> str:
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return ""
    for key in ("message", "error_description", "error"):
        value = told.get(key)
        if isinstance(value, dict):
            return _reason_in(value)
        if isinstance(value, str) and value:
            return value
    return ""


def secrets_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What of these headers must never be repeated: credentials whole, and in their parts."""
    found: list[str] = []
    for name, value in headers.items():
        if name.lower() in {"authorization", "proxy-authorization", "cookie", "x-api-key"}:
            scheme, _, rest = value.partition(" ")
            found += [value, rest]
            if scheme.lower() == "basic":
                found += _basic_parts(rest)
    return tuple(sorted((s for s in found if len(s) >= SHORTEST_SECRET), key=len, reverse=True))


def _basic_parts(encoded: str) -> list[str]:
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [password, f"{user}:{password}"]
