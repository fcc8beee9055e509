"""Argo CD's JSON, as far as the portal reads it, and the values made of it.

Any field may be missing or null: lists with narrow fields and older versions leave out what they like. What has a
value of another type than it should makes its item unreadable (msgspec's ValidationError).
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Raw, Struct, field

from apps.integrations.argocd.values import (
    Application,
    ApplicationDetail,
    ApplicationSet,
    ClusterConnection,
    Condition,
    HistoryEntry,
    Operation,
    Project,
    ResourceStatus,
    SetCondition,
    SyncWindow,
)
from apps.integrations.listing import Count, read_time

ENDED: Final = {"Succeeded", "Failed", "Error"}
REFRESHING: Final = "argocd.argoproj.io/refresh"
DEFAULT_PROJECT: Final = "default"
"""Of an Application that names none."""


class WireOwner(Struct):
    kind: str = ""
    name: str = ""


class WireMetadata(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1)]
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: list[WireOwner] | None = None


class WireSource(Struct, rename="camel"):
    repo_url: str = field(default="", name="repoURL")
    path: str | None = None
    chart: str | None = None
    target_revision: str | None = None


class WireDrySource(Struct, rename="camel"):
    repo_url: str = field(default="", name="repoURL")


class WireSyncSource(Struct, rename="camel"):
    repo_url: str | None = field(default=None, name="repoURL")
    path: str | None = None
    target_branch: str | None = None


class WireHydrator(Struct, rename="camel"):
    """Argo CD 3: what is written to `syncSource`, by default of the same repository, is what is synced."""

    dry_source: WireDrySource | None = None
    sync_source: WireSyncSource | None = None


class WireDestination(Struct):
    server: str | None = None
    name: str | None = None
    namespace: str | None = None


class WireAutomated(Struct, rename="camel"):
    prune: bool | None = None
    self_heal: bool | None = None
    enabled: bool | None = None


class WireRetry(Struct):
    limit: Count | None = None


class WireSyncPolicy(Struct, rename="camel"):
    automated: WireAutomated | None = None
    sync_options: list[str] | None = None
    retry: WireRetry | None = None


class WireSpec(Struct, rename="camel"):
    project: str | None = None
    destination: WireDestination | None = None
    source: WireSource | None = None
    sources: list[WireSource] | None = None
    source_hydrator: WireHydrator | None = None
    sync_policy: WireSyncPolicy | None = None


class WireHealth(Struct, rename="camel"):
    status: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


class WireSyncStatus(Struct):
    status: str | None = None
    revision: str | None = None
    revisions: list[str] | None = None


class WireCondition(Struct, rename="camel"):
    type: str = ""
    message: str | None = None
    status: str | None = None
    reason: str | None = None
    last_transition_time: str | None = None


class WireInfo(Struct):
    name: str = ""
    value: str = ""


class WireInitiator(Struct):
    username: str | None = None
    automated: bool | None = None


class WireSync(Struct, rename="camel"):
    revision: str | None = None
    revisions: list[str] | None = None
    dry_run: bool | None = None


class WireOperation(Struct, rename="camel"):
    sync: WireSync | None = None
    info: list[WireInfo] | None = None
    initiated_by: WireInitiator | None = None


class WireResource(Struct, rename="camel"):
    kind: str
    name: str
    group: str | None = None
    version: str | None = None
    namespace: str | None = None
    status: str | None = None
    health: WireHealth | None = None
    requires_pruning: bool | None = None
    hook: bool | None = None
    hook_type: str | None = None
    hook_phase: str | None = None
    message: str | None = None


class WireSyncResult(Struct):
    revision: str | None = None
    revisions: list[str] | None = None
    resources: list[WireResource] | None = None


class WireOperationState(Struct, rename="camel"):
    phase: str | None = None
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    retry_count: Count | None = None
    operation: WireOperation | None = None
    sync_result: WireSyncResult | None = None


class WireHistory(Struct, rename="camel"):
    id: Count = 0
    revision: str | None = None
    revisions: list[str] | None = None
    deployed_at: str | None = None
    deploy_started_at: str | None = None
    initiated_by: WireInitiator | None = None


class WireSummary(Struct):
    images: list[str] | None = None
    external_urls: list[str] | None = field(default=None, name="externalURLs")


class WireStatus(Struct, rename="camel"):
    sync: WireSyncStatus | None = None
    health: WireHealth | None = None
    conditions: list[WireCondition] | None = None
    operation_state: WireOperationState | None = None
    resources: list[WireResource] | None = None
    history: list[WireHistory] | None = None
    summary: WireSummary | None = None
    reconciled_at: str | None = None


class WireApplication(Struct):
    metadata: WireMetadata
    spec: WireSpec | None = None
    status: WireStatus | None = None
    operation: WireOperation | None = None


class WireList(Struct):
    """`items` null is how an empty list is written."""

    items: list[Raw] | None = None


class WireConnectionState(Struct, rename="camel"):
    status: str | None = None
    message: str | None = None
    attempted_at: str | None = None


class WireClusterInfo(Struct, rename="camel"):
    connection_state: WireConnectionState | None = None
    server_version: str | None = None
    applications_count: Count | None = None


class WireCluster(Struct, rename="camel"):
    server: str
    name: str | None = None
    labels: dict[str, str] | None = None
    connection_state: WireConnectionState | None = None
    server_version: str | None = None
    info: WireClusterInfo | None = None


class WireWindow(Struct, rename="camel"):
    kind: str = ""
    schedule: str = ""
    duration: str = ""
    time_zone: str | None = None
    manual_sync: bool | None = None
    sync_overrun: bool | None = None
    and_operator: bool | None = None
    applications: list[str] | None = None
    namespaces: list[str] | None = None
    clusters: list[str] | None = None
    description: str | None = None


class WireProjectSpec(Struct, rename="camel"):
    sync_windows: list[WireWindow] | None = None


class WireProject(Struct):
    metadata: WireMetadata
    spec: WireProjectSpec | None = None


class WireSetStatus(Struct):
    conditions: list[WireCondition] | None = None


class WireSet(Struct):
    metadata: WireMetadata
    status: WireSetStatus | None = None


def narrow_application(wire: WireApplication) -> Application:
    """The value of an item of a list with narrow fields."""
    return application(wire, is_complete=False)


def whole_application(wire: WireApplication) -> Application:
    """The value of an Application that was asked for whole, or with all the fields that the value has."""
    return application(wire, is_complete=True)


def application(wire: WireApplication, *, is_complete: bool) -> Application:
    spec, status = wire.spec or WireSpec(), wire.status or WireStatus()
    destination = spec.destination or WireDestination()
    policy = spec.sync_policy or WireSyncPolicy()
    sources = _sources(spec)
    source = sources[0]
    sync, health = status.sync or WireSyncStatus(), status.health or WireHealth()
    revisions = sync.revisions or [sync.revision or ""]
    return Application(
        namespace=wire.metadata.namespace or "",
        name=wire.metadata.name,
        project=spec.project or DEFAULT_PROJECT,
        is_complete=is_complete,
        uid=wire.metadata.uid or "",
        set_name=_set_name(wire.metadata),
        labels=wire.metadata.labels or {},
        created_at=read_time(wire.metadata.creation_timestamp),
        is_deleting=bool(wire.metadata.deletion_timestamp),
        destination_server=destination.server or "",
        destination_name=destination.name or "",
        destination_namespace=destination.namespace or "",
        repo_url=source.repo_url,
        path=source.path or "",
        chart=source.chart or "",
        target_revision=source.target_revision or "",
        source_count=len(sources),
        auto_sync=policy.automated is not None and policy.automated.enabled is not False,
        self_heal=bool(policy.automated and policy.automated.self_heal),
        auto_prune=bool(policy.automated and policy.automated.prune),
        sync_options=tuple(policy.sync_options or ()),
        retry_limit=policy.retry.limit if policy.retry else None,
        sync_status=sync.status or "",
        sync_revision=revisions[0],
        sync_revisions=tuple(filter(None, revisions)),
        health_status=health.status or "",
        health_message=health.message or "",
        health_since=read_time(health.last_transition_time),
        conditions=tuple(_condition(c) for c in status.conditions or ()),
        operation=_operation(wire.operation, status.operation_state),
    )


def _sources(spec: WireSpec) -> list[WireSource]:
    """What is synced, as Argo CD's own GetSources tells it; one that says nothing where there is none."""
    if hydrator := spec.source_hydrator:
        dry, synced = hydrator.dry_source or WireDrySource(), hydrator.sync_source or WireSyncSource()
        return [WireSource(synced.repo_url or dry.repo_url, synced.path, target_revision=synced.target_branch)]
    return spec.sources or [spec.source or WireSource()]


def application_detail(wire: WireApplication) -> ApplicationDetail:
    """All that is shown of one Application that was asked for by name."""
    status = wire.status or WireStatus()
    state = status.operation_state or WireOperationState()
    result = state.sync_result or WireSyncResult()
    summary = status.summary or WireSummary()
    return ApplicationDetail(
        application=whole_application(wire),
        resources=tuple(_resource(r) for r in status.resources or ()),
        operation_resources=tuple(_resource(r) for r in result.resources or ()),
        history=tuple(_history_entry(entry) for entry in status.history or ()),
        images=tuple(summary.images or ()),
        external_urls=tuple(summary.external_urls or ()),
        reconciled_at=read_time(status.reconciled_at),
        refreshing=(wire.metadata.annotations or {}).get(REFRESHING, ""),
    )


def _set_name(metadata: WireMetadata) -> str:
    owners = metadata.owner_references or ()
    return next((owner.name for owner in owners if owner.kind == "ApplicationSet"), "")


def _condition(wire: WireCondition) -> Condition:
    return Condition(type=wire.type, message=wire.message or "", at=read_time(wire.last_transition_time))


def _operation(asked: WireOperation | None, state: WireOperationState | None) -> Operation | None:
    """Right after an accepted sync `operation` is there and `operationState` is not: then it is Pending."""
    if state is None or not state.phase or (asked is not None and state.phase in ENDED):
        return _operation_of(asked, WireOperationState(phase="Pending")) if asked else None
    return _operation_of(state.operation or asked or WireOperation(), state)


def _operation_of(asked: WireOperation, state: WireOperationState) -> Operation:
    sync, initiator = asked.sync or WireSync(), asked.initiated_by or WireInitiator()
    result = state.sync_result or WireSyncResult()
    return Operation(
        phase=state.phase or "",
        message=state.message or "",
        started_at=read_time(state.started_at),
        finished_at=read_time(state.finished_at),
        retry_count=state.retry_count or 0,
        automated=bool(initiator.automated),
        initiated_by=initiator.username or "",
        revision=_revision(result) or _revision(sync),
        dry_run=bool(sync.dry_run),
        infos=tuple((info.name, info.value) for info in asked.info or ()),
    )


def _revision(told: WireSyncResult | WireSync) -> str:
    """Of several sources the first one's. What was synced (the result) is always a commit; what was asked for is the
    tag's own object where an annotated tag is followed."""
    return told.revision or (told.revisions or [""])[0]


def _resource(wire: WireResource) -> ResourceStatus:
    health = wire.health or WireHealth()
    return ResourceStatus(
        group=wire.group or "",
        version=wire.version or "",
        kind=wire.kind,
        namespace=wire.namespace or "",
        name=wire.name,
        status=wire.status or "",
        health_status=health.status or "",
        health_message=health.message or "",
        requires_pruning=bool(wire.requires_pruning),
        hook=bool(wire.hook or wire.hook_type),
        message=wire.message or "",
        hook_phase=wire.hook_phase or "",
    )


def _history_entry(wire: WireHistory) -> HistoryEntry:
    initiator = wire.initiated_by or WireInitiator()
    return HistoryEntry(
        id=wire.id,
        revision=wire.revision or (wire.revisions or [""])[0],
        deployed_at=read_time(wire.deployed_at),
        started_at=read_time(wire.deploy_started_at),
        initiated_by=initiator.username or "",
        automated=bool(initiator.automated),
    )


def cluster_connection(wire: WireCluster) -> ClusterConnection:
    """`info` has what the outer fields, deprecated, have too."""
    info = wire.info or WireClusterInfo()
    state = info.connection_state or wire.connection_state or WireConnectionState()
    return ClusterConnection(
        server=wire.server,
        name=wire.name or "",
        status=state.status or "",
        message=state.message or "",
        attempted_at=read_time(state.attempted_at),
        server_version=info.server_version or wire.server_version or "",
        application_count=info.applications_count or 0,
        labels=wire.labels or {},
    )


def project(wire: WireProject) -> Project:
    spec = wire.spec or WireProjectSpec()
    return Project(name=wire.metadata.name, sync_windows=tuple(sync_window(w) for w in spec.sync_windows or ()))


def sync_window(wire: WireWindow) -> SyncWindow:
    return SyncWindow(
        kind=wire.kind,
        schedule=wire.schedule,
        duration=wire.duration,
        time_zone=wire.time_zone or "UTC",
        manual_sync=bool(wire.manual_sync),
        sync_overrun=bool(wire.sync_overrun),
        use_and_operator=bool(wire.and_operator),
        applications=tuple(wire.applications or ()),
        namespaces=tuple(wire.namespaces or ()),
        clusters=tuple(wire.clusters or ()),
        description=wire.description or "",
    )


def application_set(wire: WireSet) -> ApplicationSet:
    conditions = (wire.status or WireSetStatus()).conditions or ()
    return ApplicationSet(
        namespace=wire.metadata.namespace or "",
        name=wire.metadata.name,
        conditions=tuple(
            SetCondition(type=c.type, status=c.status or "", reason=c.reason or "", message=c.message or "")
            for c in conditions
        ),
    )
