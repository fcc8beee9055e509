"""What is known of an Application now: from Argo CD's own answer where there is one, else from its row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.structs import converted
from apps.core.text import clean
from apps.core.verdict.application import SYNCED, UNDER_WAY, UNKNOWN_SYNC
from apps.gitops.merging import operation_of
from apps.gitops.models import Application
from apps.gitops.models import ApplicationDetail as DetailRow
from apps.integrations.argocd import ApplicationDetail, Operation, ResourceStatus

from .case import Case, Live
from .options import Options, Resource

RUNNING = UNDER_WAY
DETAIL_LASTS = timedelta(minutes=10)
LONGEST_TEXT = 1000
MOST_DOOMED_TOLD = 500


@dataclass(frozen=True, kw_only=True)
class Known:
    """An Application as it is now; texts cut as its row's columns are, so that both ways to know it agree.

    `source` is (repository, path, target revision), `destination` (server or name, namespace). `prunable` is what Git
    has not any more: what a sync with prune would delete; None where that is not known. `revision` is the first
    source's, "" while nothing can be compared; `revisions` are those of all its sources where it has several and Argo
    CD told them (the row has not).
    """

    uid: str
    source: tuple[str, str, str]
    destination: tuple[str, str]
    auto_sync: bool
    self_heal: bool
    is_deleting: bool
    sync_status: str
    revision: str
    operation: Operation | None
    prunable: tuple[Resource, ...] | None
    revisions: tuple[str, ...] = ()

    @property
    def running(self) -> Operation | None:
        """The operation that is under way."""
        return self.operation if self.operation and self.operation.phase in RUNNING else None

    @property
    def began_at(self) -> datetime | None:
        """When the running or last operation began; None where there was none, or it was only just accepted."""
        return self.operation.started_at if self.operation else None

    def doomed(self, options: Options) -> tuple[Resource, ...] | None:
        """What a sync with these options deletes; None where that is not known."""
        if not options.prune:
            return ()
        if self.prunable is None or not options.resources:
            return self.prunable
        return tuple(resource for resource in self.prunable if resource in options.resources)


def known_of(case: Case) -> Known:
    """What is known of the Application of a case."""
    return known_by(case.application, case.live, detail_of(case.application, case.now))


def known_by(application: Application, live: Live | None, detail_row: DetailRow | None) -> Known:
    """By Argo CD's answer if it came, else by the row and its details."""
    return known_live(live.detail) if live and live.detail else known_of_row(application, detail_row)


def known_of_row(application: Application, detail_row: DetailRow | None = None) -> Known:
    """By the row, and by its details where they are no older than the row's last change."""
    row = application
    return Known(
        uid=row.uid,
        source=(row.repo_url, row.path, row.target_revision),
        destination=(row.destination, row.destination_namespace),
        auto_sync=row.auto_sync,
        self_heal=row.self_heal,
        is_deleting=row.is_deleting,
        sync_status=row.sync_status,
        revision=_compared(row.sync_status, row.sync_revision),
        operation=operation_of(row),
        prunable=_kept_prunable(row, detail_row),
    )


def known_live(told: ApplicationDetail) -> Known:
    """By Argo CD's answer."""
    it = told.application
    return Known(
        uid=clean(it.uid, 100),
        source=(clean(it.repo_url, 1000), clean(it.path or it.chart, 1000), clean(it.target_revision, 300)),
        destination=(clean(it.destination_server or it.destination_name, 500), clean(it.destination_namespace, 253)),
        auto_sync=it.auto_sync,
        self_heal=it.self_heal,
        is_deleting=it.is_deleting,
        sync_status=clean(it.sync_status, 50),
        revision=_compared(it.sync_status, clean(it.sync_revision, 300)),
        operation=it.operation,
        prunable=_prunable(told.resources),
        revisions=it.sync_revisions if it.source_count > 1 and it.sync_status != UNKNOWN_SYNC else (),
    )


def _compared(sync_status: str, revision: str) -> str:
    """The revision that was compared; "" while nothing can be."""
    return "" if sync_status == UNKNOWN_SYNC else revision


def doomed_told(case: Case) -> dict[str, object]:
    """What prune would delete, for the audit log: each by name, and how many more; nothing without prune."""
    if not case.options.prune:
        return {}
    doomed = known_of(case).doomed(case.options)
    if doomed is None:
        return {"prunes": None}
    more = len(doomed) - MOST_DOOMED_TOLD
    named = [str(each) for each in doomed[:MOST_DOOMED_TOLD]]
    return {"prunes": named, **({"prunes_more": more} if more > 0 else {})}


def detail_of(application: Application, now: datetime) -> DetailRow | None:
    """Its details where they were read lately."""
    row: DetailRow | None = getattr(application, "detail", None)
    return row if row and row.read_at and now - row.read_at < DETAIL_LASTS else None


def _kept_prunable(row: Application, detail_row: DetailRow | None) -> tuple[Resource, ...] | None:
    if detail_row is None or detail_row.read_at is None or detail_row.error or not detail_row.data:
        return None
    changed = (row.sync_since, row.revision_since, row.operation_since)
    if any(moment and moment > detail_row.read_at for moment in changed):
        return None
    kept = converted(detail_row.data.get("resources", ()), tuple[ResourceStatus, ...])
    is_cut = detail_row.data.get("resource_count", len(kept)) > len(kept)
    if is_cut and kept[-1].status not in {"", SYNCED}:  # worst first: what was cut may be as bad
        return None
    return _prunable(kept)


def _prunable(resources: Iterable[ResourceStatus]) -> tuple[Resource, ...]:
    """Hooks are marked like that too, but no sync prunes them."""
    return tuple(
        sorted(
            Resource(*(clean(text, LONGEST_TEXT) for text in (each.group, each.kind, each.namespace, each.name)))
            for each in resources
            if each.requires_pruning and not each.hook
        )
    )
