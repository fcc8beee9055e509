"""Reading Argo CD (REST API v1; facts of 3.6 from its own source). What changes something there is in `writing`."""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct, field

from apps.core.errors import UpstreamDenied, UpstreamError, UpstreamNotFound, UpstreamNotInstalled
from apps.integrations.argocd import around, wire
from apps.integrations.argocd.stream import ApplicationStream
from apps.integrations.argocd.values import (
    Application,
    ApplicationDetail,
    ApplicationSet,
    ClusterConnection,
    Project,
    ResourceEvent,
    RevisionMetadata,
    TreeNode,
    UserInfo,
    WindowState,
)
from apps.integrations.argocd.writing import Writing, place
from apps.integrations.http import Answer, Endpoint
from apps.integrations.listing import Listing, read_items, read_time

LISTED_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.labels",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "spec",
    "status.sync.status",
    "status.sync.revision",
    "status.health",
    "status.operationState.phase",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "operation.sync",
)
"""What the list can select (its server keeps a list by hand, and ignores other names without an error).

Before 3.5 that list has `spec` as a whole only and no `status.sync.revision` (pkg/apiclient/application/
forwarder_overwrite.go at v2.8.0 to v3.4.0): then the revision is told by the stream alone.
"""

STREAMED_FIELDS: Final = (
    *(f for f in LISTED_FIELDS if f not in {"spec", "operation.sync"}),
    "metadata.uid",
    "metadata.ownerReferences",
    "spec.project",
    "spec.destination",
    "spec.source",
    "spec.sources",
    "spec.sourceHydrator",
    "spec.syncPolicy",
    "status.sync.revisions",
    "status.conditions",
    "status.operationState.message",
    "status.operationState.retryCount",
    "status.operationState.operation",
    "operation",
)
"""The stream selects any path; resourceVersion and reconciledAt are left out, since each reconcile changes them.

An error within the stream is a field like others: one that is not selected is cut out of its line.
"""


class _Version(Struct):
    version: str = field(default="", name="Version")


class _UserInfo(Struct, rename="camel"):
    logged_in: bool = False
    username: str = ""
    iss: str = ""
    groups: list[str] | None = None


class _CanI(Struct):
    value: str = ""


class _Windows(Struct, rename="camel"):
    can_sync: bool = False
    active_windows: list[wire.WireWindow] | None = None
    assigned_windows: list[wire.WireWindow] | None = None


class _Revision(Struct):
    author: str | None = None
    date: str | None = None
    message: str | None = None
    tags: list[str] | None = None


class ArgoCDClient(Writing):
    """One Argo CD instance. All methods raise UpstreamError, each kind as its class says.

    An account that may list nothing is answered with an empty list and 200: no items is not evidence that none exist.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, refine=_refusal)

    def applications(self) -> Listing[Application]:
        """Every Application that the account may get, with the narrow fields that tell state (`is_complete` False)."""
        fields = ",".join(f"items.{name}" for name in LISTED_FIELDS) + ",metadata.resourceVersion"
        raws = self._items("applications", query=[("fields", fields)])
        return read_items(raws, wire.WireApplication, wire.narrow_application)

    def application(self, name: str, *, namespace: str, project: str) -> ApplicationDetail:
        """One Application with its resources, the last operation's results and its history.

        With a project, one that is missing is UpstreamNotFound; without, missing and forbidden are both UpstreamDenied.
        """
        answer = self._get("applications", name, query=place(namespace, project))
        return wire.application_detail(answer.decode(wire.WireApplication))

    def stream(self, *, idle_timeout: float) -> ApplicationStream:
        """The stream of Applications. `idle_timeout` in seconds; as events of a server the stream has a sign of life
        each 15 s, which a server too old for it lacks.
        """
        fields = ",".join(f"result.application.{name}" for name in STREAMED_FIELDS)
        return ApplicationStream(
            self.http.stream(
                "api",
                "v1",
                "stream",
                "applications",
                query=[("fields", f"result.type,{fields},error")],
                headers={"Accept": "text/event-stream"},
                idle_timeout=idle_timeout,
            )
        )

    def clusters(self) -> Listing[ClusterConnection]:
        """The clusters that it knows, with its own connection to each."""
        return read_items(self._items("clusters"), wire.WireCluster, wire.cluster_connection)

    def projects(self) -> Listing[Project]:
        """The projects with their sync windows."""
        return read_items(self._items("projects"), wire.WireProject, wire.project)

    def application_sets(self) -> Listing[ApplicationSet]:
        """The ApplicationSets with their conditions."""
        return read_items(self._items("applicationsets"), wire.WireSet, wire.application_set)

    def version(self) -> str:
        """Its version, as "v3.6.0+unknown"; needs no token."""
        return self.http.get("api", "version").decode(_Version).version

    def user_info(self) -> UserInfo:
        """Who the token is; a token that it does not take is `logged_in` False, not an error."""
        told = self._get("session", "userinfo").decode(_UserInfo)
        return UserInfo(told.logged_in, told.username, told.iss, tuple(told.groups or ()))

    def can_i(self, resource: str, action: str, subresource: str = "*") -> bool:
        """Whether the account may; `subresource` as "project/application". Does not look at sync windows.

        Raises UpstreamRejected for a resource or an action that this version does not know.
        """
        answer = self._get("account", "can-i", resource, action, *subresource.split("/"))
        return answer.decode(_CanI).value == "yes"

    def is_told(self, kind: str, name: str, *, set_namespace: str = "") -> bool:
        """Whether it tells one "clusters" (by server), "projects" or "applicationsets" by name, the last where it says.

        False where it is missing, and where it is not ours to see: those two look alike for some kinds.
        """
        try:
            self._get(kind, name, query=[("appsetNamespace", set_namespace)] if set_namespace else [])
        except (UpstreamNotFound, UpstreamDenied):
            return False
        return True

    def window_state(self, name: str, *, namespace: str, project: str) -> WindowState:
        """The windows of one Application, and whether a manual sync may begin now."""
        told = self._get("applications", name, "syncwindows", query=place(namespace, project)).decode(_Windows)
        return WindowState(
            can_sync=told.can_sync,
            active=tuple(wire.sync_window(w) for w in told.active_windows or ()),
            assigned=tuple(wire.sync_window(w) for w in told.assigned_windows or ()),
        )

    def revision_metadata(self, name: str, revision: str, *, namespace: str, project: str) -> RevisionMetadata:
        """Author, date, message and tags of a resolved commit: "HEAD" and branches are refused by the server."""
        path = ("applications", name, "revisions", revision, "metadata")
        told = self._get(*path, query=place(namespace, project)).decode(_Revision)
        return RevisionMetadata(
            author=told.author or "",
            date=read_time(told.date),
            message=told.message or "",
            tags=tuple(told.tags or ()),
        )

    def resource_tree(self, name: str, *, namespace: str, project: str) -> Listing[TreeNode]:
        """The live resources of one Application with all that they own: Deployment, ReplicaSet, Pod.

        They come from Argo CD's cache: of one that is not in it (its Redis is new) the server has the Application
        compared first, as a refresh does, and that may take longer than a call.
        """
        told = self._get("applications", name, "resource-tree", query=place(namespace, project))
        return read_items(told.decode(around.WireTree).nodes, around.WireNode, around.tree_node)

    def events(self, name: str, *, namespace: str, project: str) -> Listing[ResourceEvent]:
        """Kubernetes' events about one Application itself, as its cluster keeps them (an hour, by default)."""
        told = self._get("applications", name, "events", query=place(namespace, project))
        return read_items(told.decode(wire.WireList).items, around.WireEvent, around.resource_event)

    def _get(self, *segments: str, query: list[tuple[str, str]] | None = None) -> Answer:
        return self.http.get("api", "v1", *segments, query=query or ())

    def _items(self, kind: str, query: list[tuple[str, str]] | None = None) -> list[Raw] | None:
        return self._get(kind, query=query).decode(wire.WireList).items


def _refusal(answer: Answer, reason: str) -> type[UpstreamError] | None:
    """A route that this version lacks is a 404 in plain text, an object that is missing one in JSON."""
    return UpstreamNotInstalled if answer.status == 404 and answer.media_type == "text/plain" else None
