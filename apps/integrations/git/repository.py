"""A copy of one branch, without a work tree, and what stands in it.

It is fetched with a depth of one; files larger than anybody reads stay away where the server can leave them out.
Commits and trees of the last changes come along where it can send them without files, for who changed what when.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from apps.core.errors import (
    UpstreamBadReply,
    UpstreamError,
    UpstreamNotFound,
    UpstreamRejected,
    UpstreamUnavailable,
)
from apps.integrations.git import program
from apps.integrations.git.program import Told, git_run
from apps.integrations.git.remote import ALWAYS, GitRemote, settings_told
from apps.integrations.git.words import complaint_told, is_unexplained
from apps.integrations.http import failure

MEBIBYTE = 1024 * 1024
LARGEST = 256 * MEBIBYTE
LARGEST_FILE = 512 * 1024
MOST_LISTED = 32 * MEBIBYTE
AT_ONCE = 8 * MEBIBYTE
GENERATIONS = 200
TIP = "refs/portal/tip"
MARK = "portal-remote"
# Put back around each fetch, which notes where files were left: git would ask there again for each that is missing, and
# without end in a copy that is broken.
PLAIN_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
NO_FILTER = "filtering not recognized"
MISSING_PROGRAM = "the program git is not installed on this machine"


class EntryKind(StrEnum):
    """What stands at a path of a tree."""

    FILE = "file"
    LINK = "link"
    MODULE = "module"


KIND_OF_MODE = {"120000": EntryKind.LINK, "160000": EntryKind.MODULE}


@dataclass(frozen=True, slots=True)
class Entry:
    """A path of the tree. `size` in bytes, None where it was left at the server, being larger than LARGEST_FILE."""

    path: str
    kind: EntryKind
    object_id: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """The commit that changed a file last: its id, when it was made, and its author's name."""

    commit: str
    at: datetime
    by: str


def tip_of(remote: GitRemote, *, seconds: float) -> str:
    """The commit at the branch's tip, as the repository tells it now. Raises UpstreamError."""
    arguments = ("ls-remote", *remote.options, "--", remote.url, f"refs/heads/{remote.branch}", "HEAD")
    told = _talked(remote, arguments, seconds=seconds, ends_at=time.monotonic() + seconds)
    pairs = [line.split("\t") for line in told.output.decode("utf-8", "replace").splitlines()]
    tips = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
    if tip := tips.get(f"refs/heads/{remote.branch}"):
        return tip
    why = "" if tips else ": it is empty, or our account may see nothing of it"
    raise failure(UpstreamNotFound, remote.source, f"it has no branch {remote.branch!r}{why}")


class GitCopy:
    """A copy of a branch in a folder of its own. What it tells is of `commit`, until it is refreshed again."""

    def __init__(self, remote: GitRemote, folder: Path, *, seconds: float) -> None:
        self.remote = remote
        self.folder = folder
        self.commit = ""
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds

    @classmethod
    def refreshed(cls, remote: GitRemote, folder: Path, *, seconds: float) -> Self:
        """The branch as it is now, whatever it was before, within so many seconds, reading what is in it included.

        A copy that is lost, broken or of another repository is made anew. Raises UpstreamError.
        """
        copy = cls(remote, folder, seconds=seconds)
        try:
            copy._refresh()
        except OSError as error:
            words = f"our copy of it cannot be written: {error.strerror}"
            raise failure(UpstreamUnavailable, remote.source, words) from error
        return copy

    def entries(self, under: str = "") -> tuple[Entry, ...]:
        """All that stands below a folder ("docs/"; "" for all), by path. A path that is no UTF-8 has U+FFFD in it."""
        below = ("--", under) if under else ()
        listed = self._read("ls-tree", "-r", "-z", "--full-tree", self.commit, *below, most=MOST_LISTED).output
        rows = [row.partition(b"\t") for row in listed.split(b"\0") if row]
        found = [(*head.decode().split(" "), path.decode("utf-8", "replace")) for head, _, path in rows]
        sizes = self._sizes({object_id for mode, _, object_id, _ in found if mode not in KIND_OF_MODE})
        return tuple(
            Entry(path, KIND_OF_MODE.get(mode, EntryKind.FILE), object_id, sizes.get(object_id))
            for mode, _, object_id, path in found
        )

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """What files hold. Those whose size is not known are left out."""
        for some in _batches([entry for entry in entries if entry.size is not None]):
            wanted = "".join(f"{entry.object_id}\n" for entry in some).encode()
            most = sum((entry.size or 0) + 100 for entry in some)
            output, position = self._read("cat-file", "--batch", given=wanted, most=most).output, 0
            for entry in some:
                begins = output.index(b"\n", position) + 1
                size = int(output[position:begins].split()[2])
                yield entry, output[begins : begins + size]
                position = begins + size + 1

    def changes(self, paths: Iterable[str]) -> dict[str, Change]:
        """What changed these files last; without those for which the commits that are here do not tell."""
        wanted, found = set(paths), dict[str, Change | None]()
        mark = secrets.token_hex(16)  # which no author's name can hold by chance or on purpose
        arguments = ("log", "--topo-order", "-c", "--name-only", "--no-renames", f"--format={mark} %H %ct %an")
        told = self._read(*arguments, self.commit, "--", most=MOST_LISTED, settings={"core.quotePath": "false"}).output
        ends, change = self._where_history_ends(), None
        for line in told.decode("utf-8", "replace").split("\n"):
            if line.startswith(mark):
                change = _change_told(line, ends)
            elif line in wanted:
                found.setdefault(line, change)
        return {path: change for path, change in found.items() if change}

    def _refresh(self) -> None:
        tip, kept = tip_of(self.remote, seconds=self._seconds), self._tip_kept()
        if tip == kept:
            self.commit = tip
            return
        if not kept or _size_of(self.folder) > LARGEST // 2:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self._fetch()
        except UpstreamError as error:
            if not is_unexplained(error):
                raise
            shutil.rmtree(self.folder, ignore_errors=True)
            self._fetch()

    def _where_history_ends(self) -> set[str]:
        """The commits whose parents are not here: they seem to have made every file."""
        with suppress(FileNotFoundError):
            return set((self.folder / "shallow").read_text().split())
        return set()

    def _tip_kept(self) -> str:
        """The commit of the copy; "" where there is none, or of another repository."""
        try:
            if (self.folder / MARK).read_text() != self._mark:
                return ""
            (self.folder / "config").write_text(PLAIN_CONFIG)
            told = self._run(("rev-parse", "--verify", "--quiet", f"{TIP}^{{commit}}"), most=1000)
        except (program.Failed, OSError):
            return ""
        return told.output.decode().strip()

    @property
    def _mark(self) -> str:
        return f"{self.remote.url} {self.remote.branch}"

    def _fetch(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, mode=0o700)
            self._read("init", "--quiet", "--bare", "--template=", str(self.folder), most=1000)
            (self.folder / MARK).write_text(self._mark)
        told = self._fetched(f"+refs/heads/{self.remote.branch}", depth=1, leave_out=f"blob:limit={LARGEST_FILE + 1}")
        self.commit = self._read("rev-parse", "--verify", f"{TIP}^{{commit}}", most=1000).output.decode().strip()
        if NO_FILTER not in told.complaints:
            with suppress(UpstreamError):  # then it is not known who changed what when
                self._fetched(f"+{self.commit}", depth=GENERATIONS, leave_out="blob:none")

    def _fetched(self, what: str, *, depth: int, leave_out: str) -> Told:
        options = ("--quiet", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head", "--no-recurse-submodules")
        arguments = (
            f"--git-dir={self.folder}",
            "fetch",
            *options,
            *self.remote.options,
            f"--depth={depth}",
            f"--filter={leave_out}",
            "--",
            self.remote.url,
            f"{what}:{TIP}",
        )
        try:
            return _talked(
                self.remote,
                arguments,
                seconds=self._seconds,
                ends_at=self._ends_at,
                is_too_much=lambda: _size_of(self.folder) > LARGEST,
            )
        finally:
            (self.folder / "config").write_text(PLAIN_CONFIG)

    def _sizes(self, object_ids: set[str]) -> dict[str, int]:
        """The size of each of these that is here."""
        arguments = ("rev-list", "--no-walk", "--objects", "--no-object-names", "--missing=print", self.commit)
        told = self._read(*arguments, most=MOST_LISTED).output.decode().split("\n")
        here = sorted(object_ids - {line[1:] for line in told if line.startswith("?")})
        wanted = "".join(f"{object_id}\n" for object_id in here).encode()
        check = "--batch-check=%(objectname) %(objectsize)"
        sizes = self._read("cat-file", check, given=wanted, most=MOST_LISTED).output.decode().split("\n")
        return {object_id: int(size) for object_id, size in (line.split(" ") for line in sizes if line)}

    def _read(self, *arguments: str, most: int, given: bytes = b"", settings: Mapping[str, str] | None = None) -> Told:
        """What git tells of the copy. Raises UpstreamError; a copy that it cannot read is thrown away."""
        try:
            return self._run(arguments, most=most, given=given, settings=settings or {})
        except program.Failed as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise complaint_told(error.complaints, source=self.remote.source, secrets=()) from error
        except STOPPED as error:
            raise _stopped(error, self.remote.source, self._seconds) from error

    def _run(
        self, arguments: Sequence[str], *, most: int, given: bytes = b"", settings: Mapping[str, str] | None = None
    ) -> Told:
        environment = settings_told({**ALWAYS, **(settings or {})})
        words = (f"--git-dir={self.folder}", *arguments)
        return git_run(words, environment=environment, ends_at=self._ends_at, most=most, given=given)


STOPPED = (program.GitMissing, program.TimeUp, program.TooMuch)


def _talked(
    remote: GitRemote,
    arguments: Sequence[str],
    *,
    seconds: float,
    ends_at: float,
    is_too_much: Callable[[], bool] = lambda: False,
) -> Told:
    """What git tells of the repository elsewhere. Raises UpstreamError."""
    with remote.let_in(seconds) as (environment, secrets):
        try:
            return git_run(arguments, environment=environment, ends_at=ends_at, most=MEBIBYTE, is_too_much=is_too_much)
        except program.Failed as error:
            raise complaint_told(error.complaints, source=remote.source, secrets=secrets) from error
        except STOPPED as error:
            raise _stopped(error, remote.source, seconds) from error


def _stopped(error: Exception, source: str, seconds: float) -> UpstreamError:
    if isinstance(error, program.GitMissing):
        return failure(UpstreamRejected, source, MISSING_PROGRAM, never_sent=True)
    if isinstance(error, program.TimeUp):
        return failure(UpstreamUnavailable, source, f"no complete answer within {seconds:g} s")
    return failure(UpstreamBadReply, source, f"it is larger than {LARGEST // MEBIBYTE} MiB, or has too many files")


def _change_told(line: str, ends: set[str]) -> Change | None:
    """The commit of a line of the log; None for one that may not have made the change, or without a moment."""
    _, commit, moment, *author = line.split(" ", 3)
    with suppress(ValueError, OverflowError, OSError):
        return None if commit in ends else Change(commit, datetime.fromtimestamp(int(moment), UTC), "".join(author))
    return None


def _size_of(folder: Path) -> int:
    """Bytes in a folder of which files may vanish meanwhile."""
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += (Path(place) / file).lstat().st_size
    return total


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries in lists of at most about AT_ONCE bytes."""
    some, size = list[Entry](), 0
    for entry in entries:
        if some and size + (entry.size or 0) > AT_ONCE:
            yield some
            some, size = [], 0
        some.append(entry)
        size += entry.size or 0
    if some:
        yield some
