"""`make audit`: what it lets pass, and what it says of weaknesses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts import audit


def package(licence: str | None, name: str = "a-package") -> dict[str, Any]:
    """As the bill of materials tells it."""
    licences = [] if licence is None else [{"license": {"name": licence}}]
    return {"name": name, "version": "1", "bom-ref": name, "licenses": licences}


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0 OR BSD-3-Clause", "(MIT AND PSF-2.0)", "License :: OSI Approved :: BSD License", "MPL-2.0"],
)
def test_a_licence_that_was_looked_at_passes(licence: str) -> None:
    assert list(audit.unknown_licences([package(licence)])) == []


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "Proprietary", "UNKNOWN", "MITRE", "", None]
)
def test_any_other_licence_is_somebodys_to_look_at(licence: str | None) -> None:
    assert len(list(audit.unknown_licences([package(licence)]))) == 1


def test_the_lock_files_are_read_whole() -> None:
    runtime, dev = audit.locked(audit.RUNTIME), audit.locked(audit.DEV)
    assert {"django", "kubernetes", "celery", "authlib"} <= runtime.keys()
    assert runtime.items() <= dev.items()
    assert len(runtime) == sum(not line.startswith((" ", "#")) for line in audit.RUNTIME.read_text().splitlines())


def test_the_bill_holds_the_wanted_packages_and_what_they_need_of_each_other() -> None:
    root = {"bom-ref": "root", "name": "portal"}
    needs = [{"ref": "root", "dependsOn": ["a", "b"]}, {"ref": "a", "dependsOn": ["b"]}, {"ref": "b"}]
    bill = {
        "metadata": {"component": root},
        "components": [package("MIT", "a"), package("MIT", "b")],
        "dependencies": needs,
    }
    kept = audit.narrowed(bill, ["a"])
    assert [each["name"] for each in kept["components"]] == ["a"]
    assert kept["dependencies"] == [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": []}]


def test_a_version_that_is_not_the_locked_one_is_said() -> None:
    assert list(audit.differing([package("MIT", "A_Package")], {"a-package": "1"})) == []
    (said,) = audit.differing([package("MIT", "A_Package")], {"a-package": "2"})
    assert "1 is installed, 2 is locked" in said


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A source of weaknesses, which knows what the test puts into it, by name; one package is locked."""
    known: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"vulns": known.get(asked["package"]["name"], [])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_address[1]}/v1/query")
    lock = tmp_path / "some.lock"
    lock.write_text(f"left-pad==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(audit, "DEV", lock)
    yield known
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_known_weakness_is_told_with_the_version_that_mends_it(source: dict[str, Any]) -> None:
    assert audit.weaknesses() == ([], "")
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]
    affected = [{"package": {"ecosystem": "PyPI", "name": "left-pad"}, "ranges": ranges, "versions": ["1.0"]}]
    source["left-pad"] = [
        {"id": "PYSEC-2026-1", "summary": "pads", "affected": affected, "published": "2026-01-01T00:00:00Z"}
    ]
    assert audit.weaknesses() == (["left-pad 1.0: PYSEC-2026-1, mended in 1.1"], "")


def test_a_source_that_does_not_answer_is_said(source: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_OSV_URL", "http://127.0.0.1:9/v1/query")
    found, why_not = audit.weaknesses()
    assert found == []
    assert "refused" in why_not
