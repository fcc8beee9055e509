"""Reading a web server: only what is linked is asked for, and never at an address that nobody meant (fault 31)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.topics import version_of
from apps.runbooks.finding import Finding, runbook_found
from apps.runbooks.models import Runbook, RunbookFile, RunbookMiss
from tests.integrations.wire_server import Asked, Peer, WireServer, reply
from tests.runbooks.source_stage import SourceStage, firing_row, problems, rule_row, texts
from tests.runbooks.test_reading import PNG


class FileServer:
    """A web server of files; `tags` are their ETags, `statuses` what it answers instead."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | str] = {}
        self.tags: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.types: dict[str, str] = {}
        self.asked: list[Asked] = []
        self.wire = WireServer(self._answer)

    def _answer(self, peer: Peer, asked: Asked) -> None:
        self.asked.append(asked)
        path = asked.path
        content, tag = self.files.get(path), self.tags.get(path, "")
        status = self.statuses.get(path, 404 if content is None else 200)
        if status == 200 and tag and asked.headers.get("if-none-match") == tag:
            status, content = 304, b""
        headers = {"ETag": tag} if tag else {}
        headers |= {"Location": "http://169.254.169.254/latest"} if status == 302 else {}
        answer = reply(content or b"", status=status, Content_Type=self.types.get(path, "text/plain"), **headers)
        answer(peer, asked)

    @property
    def paths(self) -> list[str]:
        """What was asked for since the last look, sorted."""
        paths = sorted(asked.path for asked in self.asked)
        self.asked.clear()
        return paths


@pytest.fixture
def site() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.wire.stop()


def web(site: FileServer, **more: Any) -> dict[str, Any]:
    """The source of this server."""
    return {"http": {"base": f"{site.wire.url}/raw", **more}}


def test_only_what_rules_and_firing_alerts_link_is_asked_for(stage: SourceStage, site: FileServer) -> None:
    base = f"{site.wire.url}/raw"
    site.files = {"/raw/a b.md": "", "/raw/a%20b.md": "# one\n![](img/x.png)", "/raw/c.md": "# two", "/raw/d.md": "no"}
    site.files["/raw/img/x.png"] = PNG
    stage.put(web(site, token=f"file:{token_file(stage)}"))
    rule_row(f"{base}/a%20b.md#x")
    rule_row(f"{base}/gone.md?ref=1")
    rule_row("https://elsewhere.example/raw/e.md")
    rule_row(None)
    firing_row(f"{base}/c.md")
    source = stage.read()
    assert {asked.headers["authorization"] for asked in site.asked} == {"Bearer of-the-site"}
    assert site.paths == ["/raw/a%20b.md", "/raw/c.md", "/raw/gone.md", "/raw/img/x.png"]
    assert texts() == {"a b.md": "# one\n![](img/x.png)", "c.md": "# two"}
    assert (source.items, source.error) == (2, "")
    assert RunbookFile.objects.get().path == "img/x.png"
    assert runbook_found(stage.fleet, f"{base}/gone.md").state is Finding.DEAD
    assert runbook_found(stage.fleet, f"{base}/d.md").state is Finding.UNREAD
    site.files["/raw/gone.md"] = "back"
    stage.read()
    assert runbook_found(stage.fleet, f"{base}/gone.md").state is Finding.FOUND
    assert not RunbookMiss.objects.exists()


def token_file(stage: SourceStage) -> str:
    file = stage._file.path.with_name("token")
    file.write_text("of-the-site\n")
    return str(file)


def test_what_is_unchanged_is_not_sent_again_and_nothing_is_written(stage: SourceStage, site: FileServer) -> None:
    base = f"{site.wire.url}/raw"
    site.files = {"/raw/a.md": "one", "/raw/b.md": "two"}
    site.tags = {"/raw/a.md": 'W/"v1"'}
    stage.put(web(site))
    rule_row(f"{base}/a.md")
    rule_row(f"{base}/b.md")
    stage.read()
    version = version_of(["runbooks"])
    site.asked.clear()
    stage.read()
    assert {asked.path: asked.headers.get("if-none-match") for asked in site.asked} == {
        "/raw/a.md": 'W/"v1"',
        "/raw/b.md": None,
    }
    assert version_of(["runbooks"]) == version
    site.files["/raw/a.md"], site.tags["/raw/a.md"] = "three", 'W/"v2"'
    stage.read()
    assert texts() == {"a.md": "three", "b.md": "two"}


def test_a_file_that_cannot_be_read_now_leaves_its_last_copy_and_is_told(stage: SourceStage, site: FileServer) -> None:
    base = f"{site.wire.url}/raw"
    site.files = {f"/raw/{name}.md": name for name in ("a", "b", "c", "d")}
    stage.put(web(site))
    for name in ("a", "b", "c", "d", "new"):
        rule_row(f"{base}/{name}.md")
    stage.read()
    site.files["/raw/a.md"], site.types["/raw/a.md"] = "<html>Sign in", "text/html"
    site.statuses = {"/raw/b.md": 403, "/raw/c.md": 302, "/raw/new.md": 403}
    site.files["/raw/d.md"] = "x" * 600_000
    source = stage.read()
    assert {path: text for path, text in texts().items() if path != "d.md"} == {"a.md": "a", "b.md": "b", "c.md": "c"}
    assert problems() == {"d.md": "larger than 512 kB: it is not read"}
    assert (source.error, source.unreadable) == ("", 5)
    assert source.unreadable_reason == "a.md: the server answers with a web page (a sign-in page?)"
    assert runbook_found(stage.fleet, f"{base}/new.md").state is Finding.DEAD
    site.statuses = dict.fromkeys([f"/raw/{name}.md" for name in ("a", "b", "c", "d", "new")], 401)
    assert stage.read().error_kind == "credentials"
    assert len(texts()) == 4


def test_when_half_of_what_was_there_is_gone_at_once_it_is_kept(stage: SourceStage, site: FileServer) -> None:
    base = f"{site.wire.url}/raw"
    site.files = {f"/raw/{index}.md": "x" for index in range(6)}
    stage.put(web(site))
    for index in range(6):
        rule_row(f"{base}/{index}.md")
    stage.read()
    del site.files["/raw/5.md"]
    stage.read()
    assert len(texts()) == 5
    assert runbook_found(stage.fleet, f"{base}/5.md").state is Finding.DEAD
    site.files = {"/raw/0.md": "x"}
    source = stage.read()
    assert (
        source.note == "may have lost its rights: it has 4 of 5 runbooks no more; they are kept until it says so again"
    )
    assert len(texts()) == 5
    assert runbook_found(stage.fleet, f"{base}/1.md").state is Finding.FOUND


def test_what_a_server_says_twice_not_to_have_is_dead_and_what_came_back_is_not(
    stage: SourceStage, site: FileServer
) -> None:
    base = f"{site.wire.url}/raw"
    site.files = {f"/raw/{name}.md": name for name in ("a", "b", "c", "d")}
    stage.put(web(site))
    for name in ("a", "b", "c", "d"):
        rule_row(f"{base}/{name}.md")
    stage.read()
    before, site.files = site.files, {}
    assert "may have lost its rights: it has 4 of 4" in stage.read().note
    assert len(texts()) == 4
    site.files = {"/raw/a.md": before["/raw/a.md"]}
    source = stage.read()
    assert (texts(), source.note, source.error) == ({"a.md": "a"}, "", "")
    assert runbook_found(stage.fleet, f"{base}/b.md").state is Finding.DEAD
    assert runbook_found(stage.fleet, f"{base}/a.md").state is Finding.FOUND
    assert set(RunbookMiss.objects.values_list("path", flat=True)) == {"b.md", "c.md", "d.md"}


def test_an_image_that_is_refused_leaves_the_runbooks_read(stage: SourceStage, site: FileServer) -> None:
    site.files = {"/raw/a.md": "one ![](x.png)", "/raw/x.png": PNG}
    site.statuses = {"/raw/x.png": 403}
    stage.put(web(site))
    rule_row(f"{site.wire.url}/raw/a.md")
    source = stage.read()
    assert (source.error, texts()) == ("", {"a.md": "one ![](x.png)"})
    assert source.note.startswith("1 image not read: x.png: ")
    site.statuses = {"/raw/x.png": 503}
    source = stage.read()
    assert (source.error, source.note[:17]) == ("", "images not read: ")


def test_a_server_that_went_away_keeps_what_it_told_until_then(stage: SourceStage, site: FileServer) -> None:
    site.files = {"/raw/a.md": "one"}
    stage.put(web(site))
    rule_row(f"{site.wire.url}/raw/a.md")
    stage.read()
    site.statuses = {"/raw/a.md": 503}
    assert stage.read().error_kind == "unavailable"
    assert texts() == {"a.md": "one"}


INNER = [
    "http://127.0.0.1:{port}/secret.md", "http://localhost:{port}/secret.md", "http://[::1]:{port}/secret.md",
    "http://2130706433:{port}/secret.md", "http://0x7f.1:{port}/secret.md", "http://169.254.169.254/latest/x.md",
    "http://10.0.0.1/x.md", "file:///etc/passwd", "gopher://127.0.0.1:{port}/x", "//127.0.0.1:{port}/x.md",
    "http://docs.example.com@127.0.0.1:{port}/x.md", "http://docs.example.com:{port}/raw/../secret.md",
    "http://docs.example.com:{port}/raw/%2e%2e/secret.md", "http://docs.example.com:{port}/raw/..%2fsecret.md",
    "http://dоcs.example.com:{port}/raw/x.md",
]  # fmt: skip


def test_f31_addresses_that_point_inside_are_asked_by_no_source(stage: SourceStage, site: FileServer) -> None:
    stage.put({"http": {"base": f"http://docs.example.com:{site.wire.port}/raw"}})
    for url in INNER:
        rule_row(url.format(port=site.wire.port))
        firing_row(url.format(port=site.wire.port))
    assert stage.read().error == ""
    assert site.asked == []
    assert not Runbook.objects.exists()
    for url in INNER:
        assert runbook_found(stage.fleet, url.format(port=site.wire.port)).state is Finding.NOT_CONFIGURED


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "fe80::1", "::ffff:127.0.0.1"])
def test_f31_a_name_that_stands_for_an_inner_address_by_now_is_not_connected_to(
    stage: SourceStage, site: FileServer, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    def answered(host: str, port: int, *_: object, **__: object) -> list[Any]:
        family = socket.AF_INET6 if ":" in inner else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (inner, port))]

    monkeypatch.setattr("apps.integrations.http.outside.socket.getaddrinfo", answered)
    stage.put({"http": {"base": f"http://docs.example.com:{site.wire.port}"}})
    rule_row(f"http://docs.example.com:{site.wire.port}/a.md")
    source = stage.read()
    assert source.error == "docs.example.com stands for an address that we do not connect to"
    assert site.asked == []


def test_f31_a_redirect_is_not_followed(stage: SourceStage, site: FileServer) -> None:
    site.statuses = {"/raw/a.md": 302}
    stage.put(web(site))
    rule_row(f"{site.wire.url}/raw/a.md")
    source = stage.read()
    assert "redirects to another host, 169.254.169.254 (302), which was not followed" in source.error
