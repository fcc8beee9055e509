"""What git complains of in the portal's words, that it always ends, and that no secret shows anywhere."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.core import errors
from apps.core.errors import UpstreamError
from apps.integrations.git import GitCopy, program
from apps.integrations.git.words import complaint_told
from tests.faults.processes import until
from tests.git_repositories import GitServer, Repository

Refreshed = Callable[..., GitCopy]
TOKEN = "glpat-of-the-tests-0123"


def refusal(call: Callable[[], object]) -> UpstreamError:
    """The error that a call ends with."""
    with pytest.raises(UpstreamError) as caught:
        call()
    return caught.value


def test_a_password_that_nobody_gave_is_not_waited_for(
    upstream: Repository, server: GitServer, refreshed: Refreshed
) -> None:
    upstream.commit({"a.md": "1"})
    server.password = TOKEN
    error = refusal(lambda: refreshed(f"{server.url}/sop/.git"))
    assert isinstance(error, errors.UpstreamDenied)
    assert error.message.startswith("it asks for a password: ")


def test_a_wrong_token_is_refused_and_never_shown(
    upstream: Repository, server: GitServer, refreshed: Refreshed
) -> None:
    upstream.commit({"a.md": "1"})
    server.password = "another"
    error = refusal(lambda: refreshed(f"{server.url}/sop/.git", token=lambda: TOKEN))
    assert isinstance(error, errors.UpstreamDenied)
    assert error.message.startswith("refused our credentials: ")
    assert TOKEN not in str(error)


def test_a_token_lets_in_and_stands_in_no_file_and_no_argument(
    upstream: Repository, server: GitServer, refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"a.md": "1"})
    server.password = TOKEN
    log = watched_git(tmp_path, monkeypatch)
    copy = refreshed(f"{server.url}/sop/.git", token=lambda: TOKEN)
    assert [entry.path for entry in copy.entries()] == ["a.md"]
    assert "fetch" in log.read_text()
    assert TOKEN not in log.read_text()
    assert not [file for file in copy.folder.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]


def watched_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a git before git that writes its arguments down."""
    real = next(path for place in os.environ["PATH"].split(":") if (path := Path(place) / "git").is_file())
    log = folder / "arguments"
    script(folder / "bin" / "git", f'printf "%s\\n" "$*" >> {log}\nexec {real} "$@"')
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    return log


def script(file: Path, lines: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)


def test_a_token_goes_to_no_other_server(upstream: Repository, server: GitServer, refreshed: Refreshed) -> None:
    other = GitServer(upstream.folder.parent)
    try:
        other.password = TOKEN
        server.redirects_to = other.url
        upstream.commit({"a.md": "1"})
        error = refusal(lambda: refreshed(f"{server.url}/sop/.git", token=lambda: TOKEN))
        assert isinstance(error, errors.UpstreamBadReply)
        assert error.message.startswith("it redirects elsewhere")
        assert other.asked == []
    finally:
        other.stop()


def test_a_server_that_hangs_is_left_at_the_deadline_with_all_that_git_started(
    upstream: Repository, server: GitServer, refreshed: Refreshed
) -> None:
    upstream.commit({"a.md": "1"})
    server.hangs.set()
    began = time.monotonic()
    error = refusal(lambda: refreshed(f"{server.url}/sop/.git", seconds=1))
    assert time.monotonic() - began < 5
    assert isinstance(error, errors.UpstreamUnavailable)
    assert error.message == "no complete answer within 1 s"
    until(lambda: not [line for line in processes() if server.url in line], 5)


def processes() -> list[str]:
    """The command line of every process."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_a_server_that_is_not_there_and_one_that_is_none(server: GitServer, refreshed: Refreshed) -> None:
    assert refusal(lambda: refreshed("http://127.0.0.1:9/sop.git")).message.startswith("it refuses connections")
    error = refusal(lambda: refreshed(f"{server.url}/nowhere.git"))
    assert isinstance(error, errors.UpstreamNotFound)
    error = refusal(lambda: refreshed("file:///nowhere/at/all"))
    assert isinstance(error, errors.UpstreamNotFound)


def test_a_machine_without_git_is_told(refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(lambda: refreshed("file:///x")).message == "the program git is not installed on this machine"


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: Repository) -> Path:
    """An ssh that writes down what it is told and how its key's file stands, then does what it is asked to here."""
    log = tmp_path / "ssh-log"
    lines = f"""
    printf '%s\\n' "$*" >> {log}
    while [ "$1" != -i ]; do shift; done
    stat -c %a "$2" >> {log}; cat "$2" >> {log}
    for last; do :; done
    eval "$last"
    """
    script(tmp_path / "bin" / "ssh", lines)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return log


def test_ssh_is_told_the_key_and_the_known_hosts_and_asks_nobody(
    upstream: Repository, refreshed: Refreshed, ssh: Path, tmp_path: Path
) -> None:
    upstream.commit({"a.md": "1"})
    url = f"ssh://git@git.example.com{upstream.folder}"
    copy = refreshed(url, ssh_key=lambda: "THE KEY", known_hosts=str(tmp_path / "known hosts"))
    assert [entry.path for entry in copy.entries()] == ["a.md"]
    arguments, mode, key, *_ = ssh.read_text().splitlines()
    for words in ("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "-F /dev/null"):
        assert words in arguments
    assert f"UserKnownHostsFile='{tmp_path / 'known hosts'}'" in arguments
    assert (mode, key) == ("600", "THE KEY")
    left = arguments.split(" -i ")[1].split()[0]
    assert not Path(left).exists()
    assert not stat.S_IMODE(copy.folder.stat().st_mode) & 0o077


@pytest.mark.parametrize(
    ("complaints", "kind", "words"),
    [
        ("Host key verification failed.\nfatal: Could not read from remote repository.", errors.UpstreamUntrusted,
         "its host key is not the one that known_hosts has"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
         errors.UpstreamDenied, "refused our credentials"),
        ("fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none",
         errors.UpstreamUntrusted, "its certificate is signed by an authority that we do not trust"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", errors.UpstreamUnavailable,
         "its name cannot be resolved"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 502", errors.UpstreamUnavailable,
         "answered with an error"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 429", errors.UpstreamThrottled,
         "asks us to wait"),
        ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://h/'", errors.UpstreamDenied,
         "refused our credentials"),
        ("fatal: something that nobody foresaw", errors.UpstreamUnavailable, "git failed: fatal: something"),
    ],
)  # fmt: skip
def test_complaints_of_git_in_our_words(complaints: str, kind: type[UpstreamError], words: str) -> None:
    error = complaint_told(complaints, source="runbooks/sop", secrets=())
    assert type(error) is kind
    assert error.message.startswith(words)


def test_gits_own_words_hold_neither_secrets_nor_control_characters() -> None:
    error = complaint_told(f"fatal: \x1b[2J {TOKEN}\nremote: no", source="s", secrets=(TOKEN,))
    assert error.message == "git failed: fatal: [2J [hidden] remote: no"


def test_a_commit_that_would_fill_the_memory_is_refused_within_little_of_it(
    upstream: Repository, server: GitServer, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"a.md": "# a"})
    head = upstream.git("cat-file", "commit", "HEAD").encode() + b"\n" + b"x" * 300 * 1024 * 1024
    hashing = ["git", "-C", str(upstream.folder), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    made = subprocess.run(hashing, input=head, capture_output=True, check=True).stdout.decode().strip()
    upstream.git("update-ref", "refs/heads/main", made)
    monkeypatch.setattr(program, "MOST_MEMORY", 256 * 1024 * 1024)
    error = refusal(lambda: refreshed(f"{server.url}/sop/.git", seconds=60.0))
    assert isinstance(error, errors.UpstreamBadReply)
    assert error.message.startswith("it takes too much memory to read")
