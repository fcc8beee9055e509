"""What changes something at Argo CD: sync, terminate, refresh (REST API v1; facts of 3.6 from its own source)."""

from __future__ import annotations

from typing import Any, Final

from apps.integrations.argocd import wire
from apps.integrations.argocd.values import ApplicationDetail, SyncOrder
from apps.integrations.upstream import UpstreamClient

BACKOFF: Final = {"duration": "5s", "factor": 2, "maxDuration": "3m"}
"""How long a sync waits before it is tried again: 5 s, then twice as long each time, never more than 3 min."""


class Writing(UpstreamClient):
    """Asks an Argo CD instance to do something. POST and DELETE go out once, whatever becomes of them.

    For them an UpstreamError tells what came of it: where `never_sent` is True nothing did. UpstreamDenied (401, 403),
    UpstreamNotFound, UpstreamRejected (400, 409, 415, 422) and UpstreamThrottled are Argo CD's own refusals: nothing
    was begun. All others (UpstreamUnavailable: no answer in time, a connection that broke, 5xx; UpstreamBadReply: an
    answer that cannot be read) leave open whether it was.
    """

    def sync(self, name: str, *, namespace: str, project: str, order: SyncOrder) -> ApplicationDetail:
        """Begins a sync; returns the Application as the answer tells it.

        Its operation is the one that was begun: phase "Pending", no `started_at` yet, `revision` what it syncs to:
        a commit, which need not be the one that the person saw, or the object of an annotated tag (Argo CD resolves
        by `git ls-remote`, which does not peel tags). Its result tells the commit in any case.

        Refused with UpstreamDenied: "cannot sync: blocked by sync window" (checked first), "permission denied:
        applications, sync, <project>/<name>, …"; with UpstreamRejected: "application is deleting", "another operation
        is already in progress"; with UpstreamNotFound: there is no such Application in that project. Argo CD does not
        look at the infos: the same request id sent twice is two operations. See the class for what is not a refusal.
        """
        answer = self.http.call("POST", _path(name, "sync"), json=_asked(order, namespace=namespace, project=project))
        return wire.application_detail(answer.decode(wire.WireApplication))

    def terminate(self, name: str, *, namespace: str, project: str) -> None:
        """Ends the operation that runs, whichever it is: its phase is "Terminating", then "Failed".

        Refused with UpstreamRejected: "Unable to terminate operation. No operation is in progress" (also in the moment
        after a sync was accepted and before it began); with UpstreamDenied without the right to sync; with
        UpstreamNotFound. See the class for what is not a refusal.
        """
        self.http.call(
            "DELETE",
            _path(name, "operation"),
            query=place(namespace, project),
            headers={"Content-Type": "application/json"},  # without it, and with a charset, 415
        )

    def refresh(self, name: str, *, namespace: str, project: str, hard: bool) -> ApplicationDetail:
        """Has Argo CD compare the Application with Git again, `hard` with newly made manifests; waits until it did.

        The controller may need longer than a call may take: what was asked for stays asked for then, and is told by
        `refreshing`. Does no harm when it is done twice. Raises UpstreamError, each kind as its class says; with a
        project, an Application that is missing is UpstreamNotFound.
        """
        query = [("refresh", "hard" if hard else "normal"), *place(namespace, project)]
        answer = self.http.call("GET", ("api", "v1", "applications", name), query=query)
        return wire.application_detail(answer.decode(wire.WireApplication))


def place(namespace: str, project: str) -> list[tuple[str, str]]:
    """The query that says which Application of a name is meant; what is empty is left to Argo CD."""
    return [(name, value) for name, value in (("appNamespace", namespace), ("project", project)) if value]


def _path(name: str, what: str) -> tuple[str, ...]:
    return ("api", "v1", "applications", name, what)


def _asked(order: SyncOrder, *, namespace: str, project: str) -> dict[str, Any]:
    """The body. `strategy` is Argo CD's own default, with hooks, and said only where it is to be forced."""
    body: dict[str, Any] = {
        **dict(place(namespace, project)),
        "prune": order.prune,
        "dryRun": order.dry_run,
        "infos": [{"name": name, "value": value} for name, value in order.infos],
        "retryStrategy": {"limit": order.retry_limit, "backoff": BACKOFF},
    }
    if order.force:
        body["strategy"] = {"hook": {"force": True}}
    if order.resources:
        body["resources"] = [_resource(*identity) for identity in order.resources]
    if order.sync_options:
        body["syncOptions"] = {"items": list(order.sync_options)}
    return body


def _resource(group: str, kind: str, namespace: str, name: str) -> dict[str, str]:
    return {"group": group, "kind": kind, "namespace": namespace, "name": name}
