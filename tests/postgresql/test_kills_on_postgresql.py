"""Processes that are killed while people act, on a real PostgreSQL server (faults.md, F40)."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.faults.processes import ROOT
from tests.servers import postgresql

ROUNDS = 15
LONGEST = 300
TAIL = 3000


def test_f40_processes_killed_at_random_moments_on_postgresql() -> None:
    with postgresql() as url:
        done = subprocess.run(
            [sys.executable, "-m", "bench.kills", f"--rounds={ROUNDS}", "--hasten"],
            cwd=ROOT, env={**os.environ, "PORTAL_DATABASE_URL": url},
            capture_output=True, text=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1] if done.stdout else ""
    told = done.stdout[-TAIL:] + done.stderr[-TAIL:]
    assert last == f"kills: {ROUNDS} requests, 0 duplicated, 0 lost, 0 untrue", told
