"""Processes that are killed at random moments while people act, in a few rounds of `make kills` (faults.md, F40)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from apps.actions.states import State
from bench.kills_verdict import Row, Verdict, verdict_of
from tests.faults.processes import ROOT

ROUNDS = 25
LONGEST = 300
WELL = "kills: 1 requests, 0 duplicated, 0 lost, 0 untrue"


def call(key: str = "a", **told: Any) -> dict[str, Any]:
    """One sync that Argo CD got."""
    return {"request_id": key, "status": 200, "outcome": "Succeeded", **told}


def row(state: State = State.SUCCEEDED, *, was_sent: bool = True, sendings: int = 1) -> Row:
    return Row("a", state, "", was_sent, sendings)


def judge(*rows: Row, received: list[dict[str, Any]]) -> Verdict:
    return verdict_of(["a"], rows, received)


@pytest.mark.parametrize(
    ("shown", "received"),
    [
        (row(), [call()]),
        (row(State.FAILED), [call(outcome="Failed")]),
        (row(State.NOT_STARTED), []),
        (row(State.NOT_STARTED), [call(status=None, outcome="")]),
        (row(State.REFUSED), [call(status=400, outcome="")]),
        (row(State.REFUSED, was_sent=False, sendings=0), []),
        (row(State.NOT_KNOWN), [call()]),
    ],
)
def test_what_is_so_is_found_right(shown: Row, received: list[dict[str, Any]]) -> None:
    found = judge(shown, received=received)
    assert (found.line, found.is_good) == (WELL, True)


@pytest.mark.parametrize(
    ("shown", "received", "what"),
    [
        (row(), [call(), call()], "1 duplicated"),
        (row(sendings=2), [call()], "1 duplicated"),
        (row(State.RUNNING), [call()], "1 lost"),
        (row(), [], "1 untrue"),
        (row(), [call(outcome="Failed")], "1 untrue"),
        (row(State.FAILED), [call()], "1 untrue"),
        (row(State.NOT_STARTED), [call()], "1 untrue"),
        (row(State.REFUSED), [], "1 untrue"),
        (row(State.REFUSED, was_sent=False), [call(status=400)], "1 untrue"),
    ],
)
def test_what_is_not_so_is_found_out(shown: Row, received: list[dict[str, Any]], what: str) -> None:
    found = judge(shown, received=received)
    assert what in found.line
    assert not found.is_good


def test_a_request_without_a_row_is_lost_and_a_call_without_one_untrue() -> None:
    assert judge(received=[]).line == "kills: 1 requests, 0 duplicated, 1 lost, 0 untrue"
    assert judge(row(), received=[call(), call("b")]).line == "kills: 1 requests, 0 duplicated, 0 lost, 1 untrue"


def test_f40_processes_killed_at_random_moments_double_nothing_lose_nothing_and_say_what_is_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.kills", f"--rounds={ROUNDS}", "--hasten"],
        cwd=ROOT, env={**os.environ, "PORTAL_DATABASE_URL": ""},
        capture_output=True, text=True, timeout=LONGEST, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1] if done.stdout else ""
    assert last == f"kills: {ROUNDS} requests, 0 duplicated, 0 lost, 0 untrue", (
        done.stdout[-3000:] + done.stderr[-3000:]
    )
    assert done.returncode == 0
    kills = re.search(r"(\d+) kills", done.stdout.rsplit("unknown for a while", 1)[0].splitlines()[-1])
    assert kills
    assert int(kills[1]) > 0, "nothing was killed"
