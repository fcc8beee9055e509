"""Secrets by reference. Nothing here ever shows a secret: not its repr, not an error, not a log line."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import NamedTuple

from apps.core.errors import RuleViolation

LARGEST_FILE = 1_048_576


class SecretUnavailable(RuleViolation):
    """A secret's variable or file cannot be read; the text names it and never its contents."""


class _Stamp(NamedTuple):
    modified_ns: int
    size: int
    inode: int


class Secret:
    """A reference to a secret, `env:NAME` or `file:PATH`, that is read when it is needed.

    Equal to another one with the same reference. A file is read again when its time, size or inode changed, so that a
    rotated token comes into use without a restart.
    """

    __slots__ = ("_kept", "_lock", "kind", "place")

    def __init__(self, kind: str, place: str) -> None:
        self.kind = kind
        self.place = place
        self._kept: tuple[_Stamp, str] | None = None
        self._lock = threading.Lock()

    @classmethod
    def referred_to_by(cls, reference: object, folder: Path | None = None) -> Secret:
        """The secret that a text names, relative paths being looked for in `folder`; ValueError without the text."""
        kind, _, place = reference.partition(":") if isinstance(reference, str) else ("", "", "")
        if kind == "vault":
            raise ValueError("vault: is not supported yet; use env:NAME or file:PATH")
        if kind not in {"env", "file"} or not place:
            raise ValueError(
                "a secret never stands in this file: name where it is, as env:NAME (a variable of the environment)"
                " or file:PATH"
            )
        if kind == "file" and folder is not None:
            place = str(folder / Path(place).expanduser())
        return cls(kind, place)

    @property
    def reference(self) -> str:
        """Where the secret is ("env:TOKEN", "file:/run/secrets/token"): fit to be shown."""
        return f"{self.kind}:{self.place}"

    def value(self) -> str:
        """The secret itself, without trailing newlines; raises SecretUnavailable."""
        text = self._from_environment() if self.kind == "env" else self._from_file()
        if not text:
            raise SecretUnavailable(f"{self._named()} is empty")
        return text

    def _from_environment(self) -> str:
        text = os.environ.get(self.place)
        if text is None:
            raise SecretUnavailable(f"{self._named()} is not set")
        return text.rstrip("\r\n")

    def _from_file(self) -> str:
        try:
            with self._lock:
                return self._from_file_or_kept()
        except FileNotFoundError:
            reason = "does not exist"
        except UnicodeDecodeError:
            reason = "is not text"
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        raise SecretUnavailable(f"{self._named()} {reason}")

    def _from_file_or_kept(self) -> str:
        path = Path(self.place)
        found = path.stat()
        stamp = _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
        if self._kept is None or self._kept[0] != stamp:
            if stamp.size > LARGEST_FILE:
                raise SecretUnavailable(f"{self._named()} is larger than 1 MiB")
            self._kept = (stamp, path.read_text(encoding="utf-8").rstrip("\r\n"))
        return self._kept[1]

    def _named(self) -> str:
        return f"the variable {self.place}" if self.kind == "env" else f"the secret's file {self.place}"

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.reference)
