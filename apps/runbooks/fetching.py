"""Sources of which all files are known: a Git branch, and a folder. Nothing in them is followed to elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from django.conf import settings

from apps.core.errors import UpstreamBadReply, UpstreamNotFound, UpstreamUnavailable
from apps.integrations.git import Change, Entry, EntryKind, GitCopy, GitRemote
from apps.integrations.http import failure

from .texts import LARGEST, TOO_LARGE

MOST_LISTED = 100_000
HIDDEN = "."
PROBLEMS = {EntryKind.LINK: "a symlink: it is not followed", EntryKind.MODULE: "a submodule: its files are not read"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of a source: what changes with its content as `digest`, `size` in bytes, why it cannot be read or ""."""

    path: str
    digest: str
    size: int
    problem: str = ""


class Tree(Protocol):
    """All files of a source at one moment."""

    @property
    def revision(self) -> str:
        """What changes with anything in it: the commit, or a digest."""

    @property
    def files(self) -> tuple[File, ...]:
        """Its files, by path; submodules are among them, by their problem."""

    def contents(self, files: Iterable[File]) -> Iterator[tuple[File, bytes]]:
        """What some of its files hold; those that are gone meanwhile are left out. Raises UpstreamError."""

    def changes(self, paths: Iterable[str]) -> Mapping[str, Change]:
        """Who changed some of its files last, where that is known. Raises UpstreamError."""


class GitTree:
    """A branch, refreshed within so many seconds, everything that is read of it included. Raises UpstreamError."""

    def __init__(self, remote: GitRemote, *, name: str, under: str, seconds: float) -> None:
        self._copy = GitCopy.refreshed(remote, copies_folder() / name, seconds=seconds)
        self._entries = {entry.path: entry for entry in self._copy.entries(under)}
        self.revision = self._copy.commit
        self.files = tuple(_file_of(entry) for entry in self._entries.values())

    def contents(self, files: Iterable[File]) -> Iterator[tuple[File, bytes]]:
        """As in Tree."""
        by_path = {file.path: file for file in files if not file.problem}
        for entry, content in self._copy.contents([self._entries[path] for path in by_path]):
            yield by_path[entry.path], content

    def changes(self, paths: Iterable[str]) -> Mapping[str, Change]:
        """As in Tree."""
        return self._copy.changes(paths)


def copies_folder() -> Path:
    """Where the copies of Git branches are: whatever is lost of them is fetched again."""
    return Path(settings.PORTAL_STATE) / "runbooks"


def copies_forget(*, names: Iterable[str]) -> None:
    """Throws the copies away of sources that are not among these any more."""
    kept = set(names)
    for copy in copies_folder().glob("*"):
        if copy.name not in kept:
            shutil.rmtree(copy, ignore_errors=True)


def _file_of(entry: Entry) -> File:
    if entry.kind is not EntryKind.FILE:
        return File(entry.path, entry.object_id, 0, PROBLEMS[entry.kind])
    if entry.size is None or entry.size > LARGEST:
        return File(entry.path, entry.object_id, 0, TOO_LARGE)
    return File(entry.path, entry.object_id, entry.size)


class FolderTree:
    """A folder of this machine, looked through within so many seconds. Raises UpstreamError."""

    def __init__(self, folder: Path, *, key: str, under: str, seconds: float) -> None:
        self._key, self._seconds = key, seconds
        self._ends_at = time.monotonic() + seconds
        try:
            self._folder = folder.resolve(strict=True)
            self._root = (self._folder / under).resolve(strict=True)
        except OSError as error:
            raise failure(UpstreamNotFound, key, f"there is no folder {folder / under}") from error
        if not self._root.is_relative_to(self._folder):
            raise failure(UpstreamNotFound, key, f"{under} leads out of {folder}")
        self.files = tuple(sorted(self._found(), key=lambda file: file.path))
        told = "\n".join(f"{file.path} {file.digest}" for file in self.files)
        self.revision = blake2b(told.encode(), digest_size=20).hexdigest()

    def contents(self, files: Iterable[File]) -> Iterator[tuple[File, bytes]]:
        """As in Tree."""
        wanted = {file.path: file for file in files if not file.problem}
        for path, name, parent in self._walked():
            file = wanted.get(path)
            if file is not None and (content := _content(name, parent)) is not None:
                yield file, content

    def changes(self, paths: Iterable[str]) -> Mapping[str, Change]:
        """Nobody is told of here."""
        return {}

    def _found(self) -> Iterator[File]:
        for path, name, parent in self._walked():
            with suppress(FileNotFoundError):  # gone since it was listed
                yield _file_at(path, os.stat(name, dir_fd=parent, follow_symlinks=False))

    def _walked(self) -> Iterator[tuple[str, str, int]]:
        """Each file's path, its name, and a descriptor of the folder that it is in."""
        listed = 0
        try:
            for place, folders, names, parent in os.fwalk(self._root, onerror=_raised):
                folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
                listed += len(names) + len(folders)
                if listed > MOST_LISTED:
                    raise failure(UpstreamBadReply, self._key, f"it has more than {MOST_LISTED:,} files")
                if time.monotonic() > self._ends_at:
                    raise failure(UpstreamUnavailable, self._key, f"no complete answer within {self._seconds:g} s")
                for name in names:
                    path = (Path(place) / name).relative_to(self._folder).as_posix()
                    if path.isprintable():
                        yield path, name, parent
        except OSError as error:
            words = f"{error.filename or self._folder} cannot be read: {error.strerror}"
            raise failure(UpstreamUnavailable, self._key, words) from error


def _raised(error: OSError) -> None:
    """What cannot be listed makes the whole answer incomplete."""
    raise error


def _file_at(path: str, about: os.stat_result) -> File:
    digest = f"{about.st_ctime_ns}-{about.st_ino}-{about.st_size}"
    if stat.S_ISLNK(about.st_mode):
        return File(path, digest, 0, PROBLEMS[EntryKind.LINK])
    if not stat.S_ISREG(about.st_mode):
        return File(path, digest, 0, "no file that can be read")
    return File(path, digest, 0, TOO_LARGE) if about.st_size > LARGEST else File(path, digest, about.st_size)


def _content(name: str, parent: int) -> bytes | None:
    """What a file holds, of LARGEST + 1 bytes at most; None where it is no file (any more)."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(LARGEST + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
