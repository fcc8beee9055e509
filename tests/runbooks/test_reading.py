"""Reading sources of which all files are known: what is written down of them, what is kept, and what is told."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core.errors import UpstreamUnavailable
from apps.core.topics import version_of
from apps.integrations.git import Change, GitCopy
from apps.integrations.http import failure
from apps.runbooks import reading
from apps.runbooks.finding import Finding, runbook_found
from apps.runbooks.models import Runbook, RunbookFile, RunbookTree
from apps.runbooks.tasks import read_source
from apps.sources.catalog import SourceKind
from apps.sources.models import SourceState
from stonesoup_portal.celery import QUEUES, TASK_OF_KIND
from stonesoup_portal.pruning import prune_what_is_old
from tests.git_repositories import Repository
from tests.pages import html_of
from tests.runbooks.source_stage import URL, SourceStage, problems, rule_row, texts

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def git(upstream: Repository, **more: object) -> dict[str, object]:
    """A source of this repository."""
    return {"git": {"url": str(upstream.folder)}} | more


def test_every_kind_of_source_has_a_task_that_some_worker_has() -> None:
    assert TASK_OF_KIND["runbooks"] == read_source.name
    assert set(TASK_OF_KIND) == {kind.value for kind in SourceKind}
    assert "runbooks" in QUEUES


def test_a_branch_becomes_runbooks_with_titles_texts_and_who_changed_them(
    stage: SourceStage, upstream: Repository
) -> None:
    upstream.commit({"a/b.md": "intro\n\n# How *to* `fix` it\n", "code.py": "x"}, moment="2026-01-01T10:00:00Z")
    commit = upstream.commit({"c.md": "no heading"}, moment="2026-01-02T10:00:00Z", author="Ada")
    upstream.commit({"d.MD": "Setext\n==\n"})
    stage.put(git(upstream))
    source = stage.read()
    assert (source.items, source.unreadable, source.error, source.note) == (3, 0, "", "")
    titles = dict(Runbook.objects.values_list("path", "title"))
    assert titles == {"a/b.md": "How to fix it", "c.md": "c.md", "d.MD": "Setext"}
    row = Runbook.objects.get(path="c.md")
    assert (row.text, row.revision, row.changed_by) == ("no heading", commit, "Ada")
    assert row.changed_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    tree = RunbookTree.objects.get()
    assert (tree.source, tree.is_whole, source.version) == ("sop", True, tree.revision[:12])


def test_only_what_changed_is_written_and_told(stage: SourceStage, upstream: Repository) -> None:
    upstream.commit({"a.md": "1", "b.md": "1"})
    stage.put(git(upstream))
    stage.read()
    version, read_at = version_of(["runbooks"]), RunbookTree.objects.get().read_at
    with CaptureQueriesContext(connection) as queries:
        stage.read()
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert not [sql for sql in written if '"runbooks_runbook"' in sql]
    assert version_of(["runbooks"]) == version
    assert RunbookTree.objects.get().read_at > read_at
    before = Runbook.objects.get(path="b.md")
    upstream.commit({"a.md": "2"})
    stage.read()
    assert version_of(["runbooks"]) == version + 1
    assert texts() == {"a.md": "2", "b.md": "1"}
    assert Runbook.objects.get(path="b.md").read_at == before.read_at


def test_a_branch_is_followed_when_it_is_force_pushed_and_emptied(stage: SourceStage, upstream: Repository) -> None:
    first = upstream.commit({f"{index}.md": "1" for index in range(6)})
    stage.put(git(upstream))
    stage.read()
    upstream.commit({"a.md": "2"})
    stage.read()
    upstream.git("reset", "--quiet", "--hard", first)
    upstream.git("rm", "--quiet", "[1-5].md")
    upstream.commit({"0.md": "new"})
    assert stage.read().note.startswith("dropped from 7 runbooks to 1 at ")
    assert texts() == {"0.md": "new"}
    assert stage.read().note == ""
    upstream.git("rm", "--quiet", "0.md")
    upstream.commit()
    source = stage.read()
    assert (texts(), source.items, source.error) == ({}, 0, "")
    assert runbook_found(stage.fleet, f"{URL}0.md").state is Finding.DEAD


def test_a_source_that_is_down_leaves_its_last_copy_with_its_age(stage: SourceStage, upstream: Repository) -> None:
    upstream.commit({"a.md": "1"})
    stage.put(git(upstream))
    stage.read()
    read_at = RunbookTree.objects.get().read_at
    moved = upstream.folder.rename(upstream.folder.with_name("elsewhere"))
    for _ in range(3):
        source = stage.read()
    assert source.error.startswith("there is no such repository")
    assert source.error_kind == "not_found"
    assert source.state(read_at) is SourceState.DOWN
    assert texts() == {"a.md": "1"}
    assert RunbookTree.objects.get().read_at == read_at
    assert runbook_found(stage.fleet, f"{URL}a.md").state is Finding.FOUND
    moved.rename(upstream.folder)
    assert stage.read().error == ""


def test_a_repository_without_any_branch_is_no_evidence_that_its_runbooks_are_gone(
    stage: SourceStage, upstream: Repository
) -> None:
    upstream.commit({"a.md": "1"})
    stage.put(git(upstream))
    stage.read()
    upstream.git("checkout", "--quiet", "--detach")
    upstream.git("branch", "--quiet", "-D", "main")
    assert stage.read().error.startswith("it has no branch 'main'")
    assert texts() == {"a.md": "1"}


def test_what_is_wrong_with_a_file_stands_at_the_file_and_all_others_are_read(
    stage: SourceStage, upstream: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "repositories" / "other")
    other.commit({"inside.md": "x"})
    lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    upstream.commit(
        {
            "good.md": "# good\r\n\r\ntext\rend",
            "big.md": b"# big\n" + b"x" * 10_000_000,
            "broken.md": b"# caf\xe9 \xff\n\x01",
            "nul.md": b"\x7fELF\0\0",
            "late-nul.md": b"# x\n" + b"x" * 9_000 + b"\0end",
            "bom.md": b"\xef\xbb\xbf# bom",
            "pointer.md": lfs,
            "empty.md": "",
            "deep.md": "> " * 5_000 + "# deep",
        }
    )
    (upstream.folder / "link.md").symlink_to("/etc/passwd")
    upstream.git("submodule", "--quiet", "add", other.url, "vendor.md")
    upstream.commit()
    stage.put(git(upstream))
    source = stage.read()
    assert problems() == {
        "big.md": "larger than 512 kB: it is not read",
        "broken.md": "not all of it is UTF-8: what is not is shown as �",
        "empty.md": "it is empty",
        "nul.md": "not a text",
        "pointer.md": "kept in Git LFS: its text is not in the repository",
        "link.md": "a symlink: it is not followed",
    }
    assert (source.items, source.unreadable) == (10, 7)
    assert source.unreadable_reason == "big.md: larger than 512 kB: it is not read"
    told = texts()
    assert told["good.md"] == "# good\n\ntext\nend"
    assert told["broken.md"] == "# caf� �\n\x01"
    assert told["late-nul.md"].endswith("x\ufffdend")
    assert (told["bom.md"], told["big.md"], told["link.md"], told["empty.md"]) == ("# bom", "", "", "")
    assert runbook_found(stage.fleet, f"{URL}link.md").state is Finding.FOUND
    assert runbook_found(stage.fleet, f"{URL}vendor.md/inside.md").state is Finding.DEAD


def test_a_submodule_is_told_on_the_source(stage: SourceStage, upstream: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "repositories" / "other")
    other.commit({"inside.md": "x"})
    upstream.git("submodule", "--quiet", "add", other.url, "vendor/sop")
    upstream.commit({"a.md": "1"})
    stage.put(git(upstream))
    source = stage.read()
    assert source.unreadable_reason == "vendor/sop: a submodule: its files are not read"
    assert texts() == {"a.md": "1"}


def test_only_what_lies_below_a_folder_is_read(stage: SourceStage, upstream: Repository) -> None:
    upstream.commit({"docs/a.md": "1", "docs.md": "2", "other/b.md": "3"})
    stage.put(git(upstream, under="/docs"))
    stage.read()
    assert texts() == {"docs/a.md": "1"}
    assert runbook_found(stage.fleet, f"{URL}docs/a.md").state is Finding.FOUND
    assert runbook_found(stage.fleet, f"{URL}other/b.md").state is Finding.NOT_CONFIGURED
    stage.put(git(upstream))
    stage.read()
    assert set(texts()) == {"docs/a.md", "docs.md", "other/b.md"}


def test_a_file_of_another_kind_is_kept_once_a_rule_links_it(stage: SourceStage, upstream: Repository) -> None:
    upstream.commit({"a.adoc": "= Title", "image.bin": b"\0\0"})
    stage.put(git(upstream))
    stage.read()
    assert texts() == {}
    rule_row(f"{URL}a.adoc")
    rule_row(f"{URL}image.bin?x")
    stage.read()
    assert texts() == {"a.adoc": "= Title", "image.bin": ""}
    assert problems() == {"a.adoc": "not Markdown by its name: it may look odd here", "image.bin": "not a text"}


def test_images_that_a_runbook_names_are_kept_and_no_others(stage: SourceStage, upstream: Repository) -> None:
    runbook = """# x
![a](img/a.png "title") <img alt='' src="/b%20c.jpeg"> ![r][ref]
![](../docs/d.gif#x) ![](https://elsewhere.example/e.png) ![](../../../etc/f.png) ![](img/fake.png) ![](img/s.svg)
![](img/large.png)

[ref]: img/r.webp
"""
    upstream.commit(
        {
            "docs/a.md": runbook,
            "docs/img/a.png": PNG,
            "b c.jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 9,
            "docs/d.gif": b"GIF89a..",
            "docs/img/r.webp": b"RIFF\0\0\0\0WEBPVP8 ",
            "docs/img/fake.png": "<svg onload=alert(1)>",
            "docs/img/s.svg": "<svg/>",
            "docs/img/large.png": PNG + b"x" * 256 * 1024,
            "docs/img/unnamed.png": PNG,
            "etc/f.png": PNG,
        }
    )
    stage.put(git(upstream))
    stage.read()
    assert dict(RunbookFile.objects.values_list("path", "content_type")) == {
        "docs/img/a.png": "image/png",
        "b c.jpeg": "image/jpeg",
        "docs/d.gif": "image/gif",
        "docs/img/r.webp": "image/webp",
    }
    assert bytes(RunbookFile.objects.get(path="docs/img/a.png").data) == PNG
    upstream.commit({"docs/a.md": "![a](img/a.png)", "docs/img/a.png": PNG + b"2"})
    stage.read()
    assert bytes(RunbookFile.objects.get().data) == PNG + b"2"


def test_too_many_and_too_large_in_all_is_told_and_the_last_copy_stays(
    stage: SourceStage, upstream: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"a.md": "1"})
    stage.put(git(upstream))
    stage.read()
    upstream.commit({"b.md": "22", "c.md": "333"})
    monkeypatch.setattr(reading, "MOST_RUNBOOKS", 2)
    assert stage.read().error.startswith("it has 3 runbooks, 2 are read at most")
    monkeypatch.setattr(reading, "MOST_RUNBOOKS", 3)
    monkeypatch.setattr(reading, "MOST_TEXT", 5)
    assert stage.read().error.startswith("its runbooks are larger than")
    assert texts() == {"a.md": "1"}


def test_a_folder_is_read_without_what_leads_out_of_it(stage: SourceStage, tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("# one\n![x](deep/x.png)")
    (folder / "deep" / "x.png").write_bytes(PNG)
    (folder / "deep" / "b.md").write_text("two")
    (folder / ".git").mkdir()
    (folder / ".git" / "c.md").write_text("hidden")
    (tmp_path / "secret.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.md")
    (folder / "big.md").write_text("x" * 600_000)
    stage.put({"folder": str(folder)})
    source = stage.read()
    assert texts() == {
        "a.md": "# one\n![x](deep/x.png)",
        "deep/b.md": "two",
        "link.md": "",
        "pipe.md": "",
        "big.md": "",
    }
    assert problems() == {
        "big.md": "larger than 512 kB: it is not read",
        "link.md": "a symlink: it is not followed",
        "pipe.md": "no file that can be read",
    }
    assert source.version == ""
    assert RunbookFile.objects.get().path == "deep/x.png"
    (folder / "a.md").write_text("three")
    (folder / "deep" / "b.md").unlink()
    stage.read()
    assert texts()["a.md"] == "three"
    assert "deep/b.md" not in texts()


@pytest.mark.parametrize("under", ["", "out", "nowhere"])
def test_a_folder_that_is_gone_or_leads_out_is_told_and_its_copy_stays(
    stage: SourceStage, tmp_path: Path, under: str
) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "a.md").write_text("1")
    stage.put({"folder": str(folder)})
    stage.read()
    (folder / "out").symlink_to(tmp_path)
    if not under:
        folder.rename(tmp_path / "moved")
    stage.put({"folder": str(folder), "under": under})
    assert stage.read().error_kind == "not_found"
    assert texts() == {"a.md": "1"}


def test_what_was_read_of_a_source_goes_with_it(stage: SourceStage, upstream: Repository, tmp_path: Path) -> None:
    upstream.commit({"a.md": "1"})
    stage.put(git(upstream), git(upstream, name="other", urls=["https://other.example/<path>"]))
    stage.read()
    stage.read("other")
    copies = tmp_path / "state" / "runbooks"
    assert {copy.name for copy in copies.iterdir()} == {"sop", "other"}
    stage.put(git(upstream))
    prune_what_is_old()
    assert [copy.name for copy in copies.iterdir()] == ["sop"]
    assert set(Runbook.objects.values_list("source", flat=True)) == {"sop"}
    assert RunbookTree.objects.get().source == "sop"


def test_where_it_cannot_be_told_who_changed_what_the_texts_are_read(
    stage: SourceStage, upstream: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.commit({"a.md": "# a"})
    stage.put(git(upstream))
    stage.read()
    upstream.commit({"a.md": "# b"}, author="Second")

    def late(copy: GitCopy, paths: object) -> dict[str, Change]:
        raise failure(UpstreamUnavailable, "runbooks/sop", "no complete answer within 20 s")

    with monkeypatch.context() as patched:
        patched.setattr(GitCopy, "changes", late)
        source = stage.read()
    assert (texts(), source.error) == ({"a.md": "# b"}, "")
    assert source.note.startswith("who changed its runbooks is not known: ")
    assert (Runbook.objects.get().changed_at, Runbook.objects.get().changed_by) == (None, "")
    upstream.commit({"b.md": "# b"})
    assert stage.read().note == ""
    assert Runbook.objects.get(path="a.md").changed_by == "Second"


def test_what_a_page_would_not_find_is_said_in_the_runbook(
    stage: SourceStage, upstream: Repository, viewer: Client
) -> None:
    text = "# A\n![map](t.svg) ![gone](gone.png) ![big](big.png) ![there](there.png) [in](b.md) [out](../other/c.md)\n"
    big = PNG + b"x" * 300_000
    files: dict[str, bytes | str] = {
        "docs/a.md": text,
        "docs/t.svg": "<svg/>",
        "docs/big.png": big,
        "docs/there.png": PNG,
        "other/c.md": "c",
    }
    upstream.commit({**files, "docs/b.md": "b"})
    stage.put(git(upstream, under="docs/"))
    stage.read()
    html = html_of(viewer, "/runbooks/sop/docs/a.md/")
    assert re.findall(r'<img src="([^"]*)"', html) == ["/runbooks/-/file/sop/docs/there.png"]
    for words in ("map", "gone", "big"):
        assert f"Image that cannot be shown: {words}" in html
    assert 'href="/runbooks/sop/docs/b.md/"' in html
    assert "other/c.md/" not in html
    for address in re.findall(r'(?:src|href)="(/runbooks/[^"#?]*)"', html):
        assert viewer.get(address).status_code == 200, address
