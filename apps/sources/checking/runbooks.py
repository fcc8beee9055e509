"""Whether a source of runbooks can be reached, and what stands there."""

from __future__ import annotations

import time
from pathlib import Path

from apps.core.errors import UpstreamError
from apps.integrations.git import tip_of
from apps.integrations.http import plain_line
from apps.sources.catalog import SourceSpec
from apps.sources.checking.mending import Place
from apps.sources.checking.results import Fault, Findings, SourceCheck
from apps.sources.fleetfile.runbooks import GitPlace, HttpPlace, RunbookSource
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.runbook_clients import file_client, git_remote, runbook_source


def runbooks_check(fleet: FleetFile, spec: SourceSpec, place: Place) -> SourceCheck:
    """One source of runbooks, tried. Nothing of it is copied."""
    source = runbook_source(fleet, spec.key)
    if source.git is not None:
        return _git(spec, source, source.git, place)
    return _folder(spec, source, place) if source.http is None else _web(spec, source, source.http, place)


def _git(spec: SourceSpec, source: RunbookSource, git: GitPlace, place: Place) -> SourceCheck:
    began = time.monotonic()
    try:
        tip = tip_of(git_remote(spec.key, source, git), seconds=spec.deadline)
    except UpstreamError as error:
        return SourceCheck(spec, (), (Fault(plain_line(error.message), place.mend(error)),), (), None, None)
    seen = (f"branch {git.branch} is at {tip[:12]}",)
    return SourceCheck(spec, seen, (), (), time.monotonic() - began, None)


def _folder(spec: SourceSpec, source: RunbookSource, place: Place) -> SourceCheck:
    folder = Path(source.folder or "") / source.under
    try:
        seen = ("is there, and not empty" if any(folder.iterdir()) else "is there, and empty",)
    except OSError as error:
        what = f"{folder} cannot be read: {error.strerror}"
        mend = f"see whether `{place.url}` is right, and whether the portal's user may read it"
        return SourceCheck(spec, (), (Fault(what, mend),), (), None, None)
    return SourceCheck(spec, seen, (), (), None, None)


def _web(spec: SourceSpec, source: RunbookSource, web: HttpPlace, place: Place) -> SourceCheck:
    with file_client(spec.key, source, web) as client:
        found = Findings(client, place.mend)
        status = found.attempt("", client.reach)
        if status is not None:
            found.seen.append(f"answers ({status})")
            found.notes.append("files are asked for once a rule or an alert links them")
        return found.result(spec)
