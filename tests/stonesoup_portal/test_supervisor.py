"""One command starts everything, keeps it alive, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
import redis
import requests

from stonesoup_portal import children, supervisor
from stonesoup_portal.broker import broker
from stonesoup_portal.children import CannotStart, Child, Supervisor
from stonesoup_portal.demonstration import issuer_for
from stonesoup_portal.supervisor import (
    READERS_NICENESS,
    environment_for,
    held,
    refuse_a_taken_port,
    wait_until_ready,
)
from tests.accounts.provider import chosen
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
    monkeypatch.setattr(children, "RESTART_SECONDS", 0.0)
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


def test_what_a_dead_child_had_started_ends_before_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was killed leaves its schedule: two of them would beat."""
    monkeypatch.setattr(children, "RESTART_SECONDS", 0.0)
    note = tmp_path / "grandchild"
    begin = f"import subprocess,sys,time;p=subprocess.Popen({sleeper()!r});open({str(note)!r},'w').write(str(p.pid));"
    keeper = Supervisor()
    child = keeper.add("worker", [sys.executable, "-c", f"{begin}time.sleep(600)"], dict(os.environ))
    assert child.process
    first = child.process.pid
    assert wait_for(lambda: note.exists() and note.read_text().isdigit(), 10)
    grandchild = psutil.Process(int(note.read_text()))
    watching = threading.Thread(target=keeper.watch)
    watching.start()
    os.kill(first, signal.SIGKILL)
    assert wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 10)
    keeper.ending.set()
    watching.join(10)
    keeper.end()


def test_a_broker_that_dies_is_started_again_under_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "RESTART_SECONDS", 0.0)
    keeper = Supervisor()
    with broker(tmp_path, keeper.children) as url:
        [child] = keeper.children
        assert child.process
        os.kill(child.process.pid, signal.SIGKILL)
        watching = threading.Thread(target=keeper.watch)
        watching.start()
        assert wait_for(lambda: answers(url), 10)
        keeper.ending.set()
        watching.join(10)
        keeper.end()


def answers(url: str) -> bool:
    try:
        return bool(redis.from_url(url).ping())
    except redis.ConnectionError:
        return False


def test_a_child_that_does_not_want_to_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.5)
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


def test_a_folder_is_for_one_portal_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(CannotStart, match="STATE="), held(tmp_path):
        pass
    with held(tmp_path):
        assert tmp_path.exists()


def test_the_broker_is_for_those_who_know_its_password_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / 'with "spaces" and \u00fc'
    folder.mkdir()
    others = psutil.Process().children()
    with broker(folder) as url:
        assert redis.from_url(url).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.from_url("redis://" + url.split("@")[1]).ping()
        started = [process for process in psutil.Process().children() if process not in others]
        assert started
        password = url.split(":")[2].split("@")[0]
        assert not any(password in word for process in started for word in process.cmdline())
        assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*.conf"))
    assert not any(process.is_running() for process in started)


def test_other_programs_settings_do_not_reach_the_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"CELERY_BROKER_URL": "redis://elsewhere", "UVICORN_HOST": "0.0.0.0", "WEB_CONCURRENCY": "4"}
    for name, value in {**others, "DJANGO_SETTINGS_MODULE": "other", "PORTAL_WORKER_METRICS_PORT": "9"}.items():
        monkeypatch.setenv(name, value)
    environment = environment_for(tmp_path, tmp_path / "fleet.yaml", "redis://ours")
    assert not others.keys() & environment.keys()
    assert environment["DJANGO_SETTINGS_MODULE"] == "stonesoup_portal.settings.embedded"
    assert not environment["PORTAL_WORKER_METRICS_PORT"]


def test_memory_is_kept_together_unless_somebody_knows_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    told = environment_for(tmp_path, tmp_path / "fleet.yaml", "")
    assert (told["MALLOC_ARENA_MAX"], told["MALLOC_MMAP_THRESHOLD_"]) == ("2", "131072")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert environment_for(tmp_path, tmp_path / "fleet.yaml", "")["MALLOC_ARENA_MAX"] == "4"


def test_a_proxy_is_not_asked_whether_the_portal_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(supervisor, "READY_SECONDS", 3.0)
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert wait_until_ready(f"http://127.0.0.1:{server.server_port}/readyz", threading.Event())
        server.shutdown()


def test_a_supervisor_that_is_killed_leaves_no_child() -> None:
    code = (
        "import os, sys; from stonesoup_portal.children import Supervisor; keeper = Supervisor();"
        "child = keeper.add('sleeper', [sys.executable, '-c', 'import time; time.sleep(600)'], dict(os.environ));"
        "print(child.process.pid, flush=True); keeper.watch()"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
    assert wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)


def test_the_demo_s_provider_keeps_its_address_while_its_port_is_free(tmp_path: Path) -> None:
    """An account is bound to the issuer: with another one everybody would be somebody new."""
    first = issuer_for(tmp_path)
    (tmp_path / "provider.json").write_text(json.dumps({"issuer": first}))
    assert issuer_for(tmp_path) == first
    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))):
        assert issuer_for(tmp_path) != first


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


def is_kept_for_good(answer: requests.Response) -> bool:
    """Whether it is a file that a browser asks for once, and came compressed."""
    told = answer.headers
    return answer.ok and "immutable" in told["Cache-Control"] and told.get("Content-Encoding") == "gzip"


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
        signed_in = chosen(browser, browser.get(f"{url}apps/"), "vera")
        assert (signed_in.status_code, signed_in.url) == (200, f"{url}apps/")
        static = re.findall(r'(?:href|src)="/(static/[^"]+)"', signed_in.text)
        assert len(static) >= 5
        assert [name for name in static if not is_kept_for_good(browser.get(url + name))] == []
        assert signed_in.headers["Content-Encoding"] == "gzip"
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


@pytest.mark.parametrize("seconds", [0.05, 1.0, 2.5])
def test_ctrl_c_during_the_start_ends_it_quietly(tmp_path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "stonesoup_portal.supervisor", "--demo", "--port", str(free_port())]
    with subprocess.Popen(
        [*command, "--state", str(tmp_path / "state")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert wait_for((tmp_path / "state" / "lock").exists, 30)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "cannot start" not in said


def test_what_reads_the_upstreams_gives_way_to_what_answers_pages(tmp_path: Path) -> None:
    autogroup = Path("/proc/self/autogroup")
    told = [tmp_path / name for name in ("reader", "web")]
    code = "import os,sys,pathlib; p = pathlib.Path(sys.argv[2]); w = p.read_text() if p.exists() else ''; "
    code += "pathlib.Path(sys.argv[1]).write_text(f'{os.nice(0)} {w}')"
    for path, niceness in zip(told, (READERS_NICENESS, 0), strict=True):
        child = Child(path.name, [sys.executable, "-c", code, str(path), str(autogroup)], dict(os.environ), niceness)
        child.start()
        child.wait_or_kill(time.monotonic() + 10)
    reader, web = (path.read_text().split() for path in told)
    assert int(reader[0]) == int(web[0]) + READERS_NICENESS
    if autogroup.exists():
        assert reader[-1] == str(READERS_NICENESS)
