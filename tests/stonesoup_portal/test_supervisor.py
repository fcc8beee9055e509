"""One command starts everything, keeps it alive, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests

from stonesoup_portal import supervisor
from stonesoup_portal.supervisor import CannotStart, Supervisor, refuse_a_taken_port
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return what()


def sleeper(*, ignores_sigterm: bool = False) -> list[str]:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if ignores_sigterm else ""
    return [sys.executable, "-c", f"import signal,time;{ignore}print('up',flush=True);time.sleep(600)"]


def test_a_child_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.0)
    keeper = Supervisor()
    child = keeper.add("sleeper", sleeper(), dict(os.environ))
    assert child.process
    first = child.process.pid
    watching = threading.Thread(target=keeper.watch)
    watching.start()
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: child.process is not None and child.process.pid != first, 10)
    keeper.ending.set()
    watching.join(10)
    keeper.end()
    assert child.process.poll() is not None


def test_a_child_that_does_not_want_to_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.5)
    keeper = Supervisor()
    child = keeper.add("stubborn", sleeper(ignores_sigterm=True), dict(os.environ))
    time.sleep(0.3)
    keeper.end()
    assert child.process
    assert child.process.returncode == -signal.SIGKILL


def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotStart, match="PORT="):
            refuse_a_taken_port(taken.getsockname()[1])


def test_a_wrong_fleet_file_starts_nothing_and_is_told_in_full_f54(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("argocd:\n- {name: production, url: 'ftp://argocd.example.com', tokn: x}\n- {name: production}\n")
    command = [sys.executable, "-m", "stonesoup_portal.supervisor", "--fleet", str(fleet), "--port", str(free_port())]
    done = subprocess.run(
        [*command, "--state", str(tmp_path / "state")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "argocd[0].url" in done.stderr
    assert "tokn" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "portal.sqlite3").exists()


@pytest.fixture
def demo(tmp_path: Path) -> Callable[[], tuple[subprocess.Popen[str], str]]:
    def start() -> tuple[subprocess.Popen[str], str]:
        port = free_port()
        command = [sys.executable, "-m", "stonesoup_portal.supervisor", "--demo", "--port", str(port)]
        process = subprocess.Popen(
            [*command, "--state", str(tmp_path / "state")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process, f"http://127.0.0.1:{port}/"

    return start


def test_the_demo_is_live_within_a_minute_and_ends_without_a_trace(
    demo: Callable[[], tuple[subprocess.Popen[str], str]],
) -> None:
    process, url = demo()
    try:
        assert process.stdout
        said = ""
        while url not in said and (line := process.stdout.readline()):
            said += line
        assert url in said, said
        browser = requests.Session()
        page = browser.get(url).text
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        signed_in = browser.post(
            f"{url}accounts/sign-in/", {"persona": "vera", "csrfmiddlewaretoken": token, "next": "/apps/"}
        )
        assert signed_in.status_code == 200
        assert wait_for(lambda: "build-service-stone-prd-m01" in browser.get(f"{url}apps/?q=build-service").text, 60)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 5
    finally:
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=30)[0]
    assert process.returncode == 0, rest
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert "Traceback" not in rest
