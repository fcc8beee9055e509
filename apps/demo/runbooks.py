"""The runbooks of the simulated fleet: pages of its own, in a Git repository that is made when it starts."""

from __future__ import annotations

import math
import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apps.demo.catalogue import RUNBOOKS

SOURCE = "sop"
PAGES = Path(__file__).parent / "sop"
PICTURE = "images/etcd-size.png"
WIDTH, HEIGHT = 480, 160
WHITE, GREY, BLUE, RED = (255, 255, 255), (200, 200, 200), (40, 90, 160), (190, 40, 40)
# Which pages were changed last so many days ago, and by whom; all others long before.
CHANGES = (
    (12, "Robin Runbook", ("o11y/pods.md", "o11y/etcd-space.md", PICTURE)),
    (2, "Sasha Site", ("README.md", "build/service-down.md")),
)
FIRST = (90, "Robin Runbook")
WITHOUT_GIT = "git is not installed (Debian: apt-get install git): the demo's runbooks are read from a folder instead"


@dataclass(frozen=True)
class WrittenRunbooks:
    """Where they are: the parts of the fleet file about them, and what a person should know ("": nothing)."""

    fleet_file_parts: dict[str, Any]
    remark: str


def runbooks_write(folder: Path, began_at: datetime) -> WrittenRunbooks:
    """Write the pages into a folder, made anew, as commits of the last weeks; as plain files where there is no git."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PAGES, folder)
    (folder / PICTURE).parent.mkdir()
    (folder / PICTURE).write_bytes(picture())
    remark = ""
    try:
        _commit_all(folder, began_at)
    except FileNotFoundError:
        remark = WITHOUT_GIT
    place = {"folder": str(folder)} if remark else {"git": {"url": str(folder), "branch": "main"}}
    source = {"name": SOURCE, **place, "urls": [f"{RUNBOOKS}/<path>"], "interval": "1m"}
    return WrittenRunbooks({"runbooks": [source], "runbook_values": {"cluster": "source_cluster"}}, remark)


def _commit_all(folder: Path, began_at: datetime) -> None:
    _git(folder, "init", "--quiet", "--initial-branch=main")
    later = {path for _, _, paths in CHANGES for path in paths}
    pages = (path.relative_to(folder).as_posix() for path in folder.rglob("*.md"))
    for days, author, paths in ((*FIRST, tuple(sorted(set(pages) - later))), *CHANGES):
        moment = (began_at - timedelta(days=days)).isoformat()
        _git(folder, "add", "--", *paths)
        _git(folder, "commit", "--quiet", "--message", "What we learnt", moment=moment, author=author)


def _git(folder: Path, *words: str, moment: str = "", author: str = "") -> None:
    """Run git in the folder. Raises FileNotFoundError where there is none, OSError where it fails."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": author for who in ("AUTHOR", "COMMITTER") if author},
        **{f"GIT_{who}_EMAIL": "sop@example.com" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_DATE": moment for who in ("AUTHOR", "COMMITTER") if moment},
    }
    ended = subprocess.run(["git", "-C", str(folder), *words], env=environment, capture_output=True, check=False)
    if ended.returncode:
        raise OSError(f"git {words[0]} failed: {ended.stderr.decode(errors='replace').strip()}")


def picture() -> bytes:
    """The size of a database that is compacted until it is not, below the line of its quota, as PNG."""
    rows = [[WHITE] * WIDTH for _ in range(HEIGHT)]
    for line in range(0, HEIGHT, 40):
        rows[line] = [GREY] * WIDTH
    rows[10] = [RED if x % 12 < 8 else WHITE for x in range(WIDTH)]
    heights = [_height(x) for x in range(WIDTH)]
    for x, (here, before) in enumerate(zip(heights, heights[:1] + heights, strict=False)):
        for y in range(min(here, before), max(here, before) + 3):
            rows[HEIGHT - 1 - min(y, HEIGHT - 12)][x] = BLUE
    return _png(rows)


def _height(x: int) -> int:
    """The curve's height in pixels at a column: teeth of a saw, and from two thirds on ever upwards."""
    wave = 45 + (x % 60) * 0.8
    return math.floor(wave if x < 320 else 60 + (x - 320) * 0.62)


def _png(rows: Sequence[Sequence[tuple[int, int, int]]]) -> bytes:
    raw = b"".join(b"\0" + b"".join(map(bytes, row)) for row in rows)
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
