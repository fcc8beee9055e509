"""Secrets by reference: read when needed, read again when changed, never shown."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from apps.sources.fleetfile.secrets import Secret, SecretUnavailable


def test_a_variable_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret.referred_to_by("env:STONESOUP_TEST_TOKEN")
    monkeypatch.setenv("STONESOUP_TEST_TOKEN", "one")
    assert secret.value() == "one"
    monkeypatch.setenv("STONESOUP_TEST_TOKEN", "two")
    assert secret.value() == "two"


def test_a_file_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    secret = Secret.referred_to_by("file:token", tmp_path)
    assert secret.value() == "first"
    fresh = tmp_path / "fresh"
    fresh.write_text("other\r\n")
    stamp = file.stat()
    os.utime(fresh, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    fresh.replace(file)
    assert secret.value() == "other"


def test_only_trailing_newlines_are_taken_off(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" a b \n\n")
    assert Secret("file", str(tmp_path / "token")).value() == " a b "


def test_an_unchanged_file_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("kept")
    secret = Secret("file", str(tmp_path / "token"))
    secret.value()
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("read again"))
    assert secret.value() == "kept"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "does not exist"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff", "is not text")]
)
def test_a_file_without_a_secret_is_told_by_its_path(tmp_path: Path, content: bytes | None, reason: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SecretUnavailable, match=f"the secret's file {file} {reason}"):
        Secret("file", str(file)).value()


def test_a_variable_that_is_not_set_is_told_by_its_name() -> None:
    with pytest.raises(SecretUnavailable, match="the variable STONESOUP_NOT_SET is not set"):
        Secret("env", "STONESOUP_NOT_SET").value()


@pytest.mark.parametrize(
    "reference", ["hunter2", "", "env:", "file:", "env", "https://x", None, 12, ["env:A"], {"env": "A"}]
)
def test_what_is_no_reference_is_refused_without_being_repeated(reference: object) -> None:
    with pytest.raises(ValueError, match="a secret never stands in this file") as refused:
        Secret.referred_to_by(reference)
    assert "hunter2" not in str(refused.value)


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    secret = Secret("file", str(tmp_path / "token"))
    assert secret.value() == "hunter2"
    shown = [repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{secret!r:>10}"]
    assert all("hunter2" not in text and "***" in text for text in shown)
    (tmp_path / "token").write_bytes(b"hunter2\xff")
    try:
        secret.value()
    except SecretUnavailable as error:
        assert "hunter2" not in "".join(traceback.format_exception(error))  # noqa: PT017
    else:
        pytest.fail("a file that is not text was taken")


def test_two_references_to_the_same_place_are_the_same_secret() -> None:
    assert Secret("env", "A") == Secret("env", "A")
    assert len({Secret("env", "A"), Secret("env", "A"), Secret("env", "B")}) == 2
