"""Reading a source of runbooks: what it has is compared with the rows, and only what differs is read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamBadReply, UpstreamError
from apps.core.text import clean, counted
from apps.integrations.git import Change, EntryKind
from apps.integrations.http import failure
from apps.sources.catalog import SourceSpec
from apps.sources.fleetfile.runbooks import RunbookSource
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.models import Source
from apps.sources.reading import ReadOutcome
from apps.sources.runbook_clients import git_remote, runbook_source

from .fetching import PROBLEMS, File, FolderTree, GitTree, Tree
from .models import Runbook, RunbookFile, RunbookTree
from .reading_web import web_read
from .services import Differences, Image, Told, runbooks_write
from .texts import LARGEST_IMAGE, image_type, images_named, is_runbook, unreadable, written
from .wanted import paths_wanted

MOST_RUNBOOKS = 5_000
MOST_TEXT = 32 * 1024 * 1024
MOST_IMAGES = 500
LONGEST_PATH = 700
MODULE = PROBLEMS[EntryKind.MODULE]


def runbooks_read(spec: SourceSpec, fleet: FleetFile) -> ReadOutcome:
    """Reads one source of runbooks. Raises UpstreamError; what was read before then stays."""
    source = runbook_source(fleet, spec.key)
    if source.http is not None:
        return web_read(spec, fleet, source, source.http)
    connection_let_go()
    tree = _tree(spec, source)
    return _whole_read(spec, tree, paths_wanted(fleet, source.name))


def _tree(spec: SourceSpec, source: RunbookSource) -> Tree:
    if source.git is not None:
        remote = git_remote(spec.key, source, source.git)
        return GitTree(remote, name=source.name, under=source.under, seconds=spec.deadline)
    if source.folder is None:
        raise AssertionError("the fleet file names exactly one place")
    return FolderTree(source.folder, key=spec.key, under=source.under, seconds=spec.deadline)


@dataclass(frozen=True)
class _Rows:
    """What is known of a source: its runbooks without their texts, and its images' digests."""

    runbooks: Mapping[str, Runbook]
    images: Mapping[str, str]
    revision: str | None

    @classmethod
    def of(cls, source: str) -> Self:
        return cls(
            {row.path: row for row in Runbook.objects.filter(source=source).defer("text")},
            dict(RunbookFile.objects.filter(source=source).values_list("path", "digest")),
            RunbookTree.objects.filter(source=source).values_list("revision", flat=True).first(),
        )


def _whole_read(spec: SourceSpec, tree: Tree, wanted: frozenset[str]) -> ReadOutcome:
    rows = _Rows.of(spec.group)
    files = {file.path: file for file in tree.files if is_runbook(file.path) or file.path in wanted}
    files = {path: file for path, file in files.items() if len(path) <= LONGEST_PATH and file.problem != MODULE}
    _refuse_too_many(spec.key, files.values())
    new = [file for path, file in files.items() if _digest(rows, path) != file.digest]
    gone = frozenset(rows.runbooks.keys() - files.keys())
    differences, remark = Differences(), ""
    if new or gone or tree.revision != rows.revision:
        differences, remark = _differences(spec.group, tree, files, new, gone, rows)
    runbooks_write(source=spec.group, revision=tree.revision, is_whole=True, differences=differences)
    return _outcome(spec, tree, len(files), remark)


def _digest(rows: _Rows, path: str) -> str:
    row = rows.runbooks.get(path)
    return row.digest if row else ""


def _refuse_too_many(key: str, files: Iterable[File]) -> None:
    sizes = [file.size for file in files]
    if len(sizes) > MOST_RUNBOOKS:
        words = f"it has {len(sizes):,} runbooks, {MOST_RUNBOOKS:,} are read at most: name a folder of it with 'under'"
        raise failure(UpstreamBadReply, key, words)
    if sum(sizes) > MOST_TEXT:
        words = f"its runbooks are larger than {MOST_TEXT // 1024 // 1024} MiB: name a folder of it with 'under'"
        raise failure(UpstreamBadReply, key, words)


def _differences(
    source: str, tree: Tree, files: Mapping[str, File], new: list[File], gone: frozenset[str], rows: _Rows
) -> tuple[Differences, str]:
    """What differs, and a remark or ""."""
    texts = {file.path: written(file.path, content) for file, content in tree.contents(new)}
    texts |= {file.path: unreadable(file.path, file.problem) for file in new if file.problem}
    digests = {file.path: file.digest for file in new}
    shown = _images_shown(source, {path: text.text for path, text in texts.items()}, files)
    images = _images(tree, shown, rows.images)
    changes, remark = _changes(tree, files)
    told = tuple(
        _told(path, digests[path], text.title, text.text, text.problem, changes.get(path))
        for path, text in texts.items()
    )
    facts = {}
    for path in files.keys() - digests.keys():
        if (change := changes.get(path)) and change.commit != rows.runbooks[path].revision:
            facts[path] = (change.commit, change.at, clean(change.by, 300))
    gone_images = frozenset(rows.images.keys() - shown)
    return Differences(told=told, facts=facts, gone=gone, images=images, images_gone=gone_images), remark


def _changes(tree: Tree, files: Iterable[str]) -> tuple[Mapping[str, Change], str]:
    """Who changed what, asked for last: without it the texts are as good, and a remark says that it is not known."""
    try:
        return tree.changes(files), ""
    except UpstreamError as error:
        return {}, f"who changed its runbooks is not known: {error.message}"


def _told(path: str, digest: str, title: str, text: str, problem: str, change: Change | None) -> Told:
    if change is None:
        return Told(path, digest, title, text, problem, digest)
    return Told(path, digest, title, text, problem, change.commit, change.at, change.by)


def _images_shown(source: str, texts: Mapping[str, str], files: Mapping[str, File]) -> frozenset[str]:
    """The images that the source's runbooks name, by their new texts or else their kept ones."""
    kept = Runbook.objects.filter(source=source, path__in=files.keys() - texts.keys()).values_list("path", "text")
    pairs = (*texts.items(), *kept.iterator())
    return frozenset().union(*(images_named(source, path, text) for path, text in pairs))


def _images(tree: Tree, shown: frozenset[str], known: Mapping[str, str]) -> tuple[Image, ...]:
    there = sorted((file for file in tree.files if file.path in shown and file.size <= LARGEST_IMAGE), key=_path)
    new = [file for file in there[:MOST_IMAGES] if known.get(file.path) != file.digest]
    typed = ((file, image_type(content), content) for file, content in tree.contents(new))
    return tuple(Image(file.path, file.digest, kind, content) for file, kind, content in typed if kind)


def _path(file: File) -> str:
    return file.path


def _outcome(spec: SourceSpec, tree: Tree, items: int, remark: str) -> ReadOutcome:
    broken = list(
        Runbook.objects.filter(source=spec.group).exclude(problem="").order_by("path").values_list("path", "problem")
    )
    broken += [(file.path, file.problem) for file in tree.files if file.problem == MODULE]
    return ReadOutcome(
        items=items,
        unreadable=len(broken),
        unreadable_reason=next((f"{path}: {problem}" for path, problem in broken), ""),
        version=tree.revision[:12] if isinstance(tree, GitTree) else "",
        note=" · ".join(filter(None, [dropped(spec.key, items), remark])),
    )


def dropped(key: str, items: int) -> str:
    """A remark, until the next read, where a source has half of what it had or less. A tree is evidence by itself."""
    before = Source.objects.filter(key=key).values_list("items", flat=True).first() or 0
    if items * 2 > before:
        return ""
    return f"dropped from {counted(before, 'runbook')} to {items} at {database_now():%H:%M:%S} UTC"
