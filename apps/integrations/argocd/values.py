"""What Argo CD tells, as frozen values. Times are aware UTC datetimes or None where it does not tell."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

REQUEST_ID: Final = "portal.request-id"
REQUESTED_BY: Final = "requested-by"
REASON: Final = "reason"
TICKET: Final = "ticket"
"""The names of the infos that the portal gives an operation on its way."""


class Condition(Struct, frozen=True):
    """One of `status.conditions`: type (ComparisonError, SyncError, …Warning), message, when it began."""

    type: str
    message: str
    at: datetime | None = None


class Operation(Struct, frozen=True):
    """The running or last operation, of `operation` and `status.operationState` together.

    phase is "Pending" where `operation` is set and `operationState` is not there yet (just accepted), else
    Running, Terminating, Failed, Error or Succeeded. `infos` are the name/value pairs given when it was asked for.
    """

    phase: str
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_count: int = 0
    automated: bool = False
    initiated_by: str = ""
    revision: str = ""
    dry_run: bool = False
    infos: tuple[tuple[str, str], ...] = ()

    @property
    def request_id(self) -> str:
        """The portal's request that began it; "" where none did, and where its infos are not told."""
        return next((value for name, value in self.infos if name == REQUEST_ID), "")


class Application(Struct, frozen=True):
    """One Application.

    Where `is_complete` is False the value came from a list with narrow fields, which cannot tell `uid`, `set_name`,
    `conditions`, before 3.5 `sync_revision`, and of the operation its message, retries and who began it: those are
    then empty and mean nothing.
    With several sources, repo_url, path, chart, target_revision and sync_revision are the first one's;
    `sync_revisions` has one commit for each.
    """

    namespace: str
    name: str
    project: str
    is_complete: bool
    uid: str = ""
    set_name: str = ""
    labels: dict[str, str] = {}
    created_at: datetime | None = None
    is_deleting: bool = False
    destination_server: str = ""
    destination_name: str = ""
    destination_namespace: str = ""
    repo_url: str = ""
    path: str = ""
    chart: str = ""
    target_revision: str = ""
    source_count: int = 1
    auto_sync: bool = False
    self_heal: bool = False
    auto_prune: bool = False
    sync_options: tuple[str, ...] = ()
    retry_limit: int | None = None
    sync_status: str = ""
    sync_revision: str = ""
    health_status: str = ""
    health_message: str = ""
    health_since: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    operation: Operation | None = None
    sync_revisions: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name): its identity within one Argo CD instance."""
        return (self.namespace, self.name)


class ResourceStatus(Struct, frozen=True):
    """One of `status.resources`, or of `operationState.syncResult.resources` (then `message` and `hook_phase` too).

    `hook_phase` is how far a hook is. Of another resource "Failed" and "Error" alone mean something there: one that was
    applied, and then was not healthy before the next wave; a sync that succeeded leaves "Running" (recorded of 3.6).
    """

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    status: str = ""
    health_status: str = ""
    health_message: str = ""
    requires_pruning: bool = False
    hook: bool = False
    message: str = ""
    hook_phase: str = ""


class HistoryEntry(Struct, frozen=True):
    """One of `status.history`, newest last as Argo CD keeps it."""

    id: int
    revision: str
    deployed_at: datetime | None = None
    started_at: datetime | None = None
    initiated_by: str = ""
    automated: bool = False


class ApplicationDetail(Struct, frozen=True):
    """All that the portal shows of one Application, from GET of that one; never manifests.

    `reconciled_at` is when the comparison began that `sync_status` may be taken from, in whole seconds.
    `refreshing` is "normal" or "hard" where somebody asked for a comparison that it has not made yet (the annotation
    that a refresh leaves).
    """

    application: Application
    resources: tuple[ResourceStatus, ...] = ()
    operation_resources: tuple[ResourceStatus, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    images: tuple[str, ...] = ()
    external_urls: tuple[str, ...] = ()
    reconciled_at: datetime | None = None
    refreshing: str = ""


class ApplicationEvent(Struct, frozen=True):
    """One event of the stream: ADDED (also on the replay at connect), MODIFIED or DELETED."""

    type: str
    application: Application


class ClusterConnection(Struct, frozen=True):
    """A cluster as Argo CD knows it. status is Successful, Failed or Unknown ("not being monitored": no evidence)."""

    server: str
    name: str
    status: str = ""
    message: str = ""
    attempted_at: datetime | None = None
    server_version: str = ""
    application_count: int = 0
    labels: dict[str, str] = {}


class SyncWindow(Struct, frozen=True):
    """One of a project's `syncWindows`. schedule is cron, duration like "1h30m", kind allow or deny."""

    kind: str
    schedule: str
    duration: str
    time_zone: str = "UTC"
    manual_sync: bool = False
    sync_overrun: bool = False
    use_and_operator: bool = False
    applications: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    description: str = ""


class Project(Struct, frozen=True):
    """An AppProject: its name and sync windows."""

    name: str
    sync_windows: tuple[SyncWindow, ...] = ()


class ApplicationSet(Struct, frozen=True):
    """An ApplicationSet with its own conditions (ErrorOccurred, ParametersGenerated, ResourcesUpToDate)."""

    namespace: str
    name: str
    conditions: tuple[SetCondition, ...] = ()


class SetCondition(Struct, frozen=True):
    """A condition of an ApplicationSet: type, status True/False/Unknown, reason, message."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class UserInfo(Struct, frozen=True):
    """Who the token is for Argo CD; an access token without its audience is `logged_in` False with 200."""

    logged_in: bool
    username: str = ""
    issuer: str = ""
    groups: tuple[str, ...] = ()


class WindowState(Struct, frozen=True):
    """What Argo CD itself says of the windows of one application (`can_sync` is for a manual sync, now)."""

    can_sync: bool
    active: tuple[SyncWindow, ...] = ()
    assigned: tuple[SyncWindow, ...] = ()


class SyncOrder(Struct, frozen=True):
    """What a sync is asked to do. Never a revision: that needs a right of its own, and fails with auto-sync.

    `resources` as (group, kind, namespace, name), empty for all of the Application. `sync_options` ("Replace=true")
    stand in the place of the Application's own ones, so those that are to hold are among them; empty leaves its own.
    `retry_limit` is how often a sync that fails is tried again: never without end, whatever the Application's own
    strategy says. Raises ValueError for one below 0.
    """

    prune: bool = False
    dry_run: bool = False
    force: bool = False
    resources: tuple[tuple[str, str, str, str], ...] = ()
    sync_options: tuple[str, ...] = ()
    infos: tuple[tuple[str, str], ...] = ()
    retry_limit: int = 0

    def __post_init__(self) -> None:
        if self.retry_limit < 0:
            raise ValueError("a sync of the portal's never retries without end")


class RevisionMetadata(Struct, frozen=True):
    """Who made the commit of a revision, when, its message, and the tags on it."""

    author: str
    date: datetime | None
    message: str
    tags: tuple[str, ...] = ()


class TreeNode(Struct, frozen=True):
    """A live resource of an Application's tree. `parents` are uids, or identities where the tree tells no uid.

    `facts` are what Argo CD tells beside its health, as ("Status Reason", "CrashLoopBackOff").
    """

    uid: str
    identity: str
    kind: str
    namespace: str
    name: str
    parents: tuple[str, ...] = ()
    health_status: str = ""
    health_message: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    created_at: datetime | None = None


class ResourceEvent(Struct, frozen=True):
    """An event of Kubernetes: type is Normal or Warning; of what (`kind`, `namespace`, `name`), and how often."""

    type: str
    reason: str = ""
    message: str = ""
    count: int = 1
    first_at: datetime | None = None
    last_at: datetime | None = None
    kind: str = ""
    namespace: str = ""
    name: str = ""
    component: str = ""
