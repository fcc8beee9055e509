"""The routes of Argo CD that change something, with their refusals in the order of the real one's."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.demo.argocd import rendering as documents
from apps.demo.argocd import windows
from apps.demo.argocd.accounts import Account, denied, denied_action, not_found, refusal
from apps.demo.http import Reply, Request
from apps.demo.world.applications import Application, ArgoInstance, Operation
from apps.demo.world.syncing import operation_begin, operation_terminate
from apps.demo.world.world import World

UNREADABLE = "json: cannot unmarshal {} into Go value of type application.ApplicationSyncRequest"


def find(instance: ArgoInstance, name: str, project: str, account: Account) -> Application | Reply:
    """The Application, or the refusal: without a project, missing and forbidden are the same 403."""
    application = instance.applications.get(name)
    if not account.may("get", project or "default"):
        return denied()
    if application is None:
        return not_found(name) if project else denied()
    if project and application.project != project:
        return not_found(name)
    return application


def sync(world: World, instance: ArgoInstance, name: str, request: Request, account: Account) -> Reply:
    """Begin a sync. The answer has `operation` and no `operationState`; the work goes on by itself."""
    asked = _asked(request)
    if isinstance(asked, Reply):
        return asked
    found = find(instance, name, str(asked.get("project") or request.first("project")), account)
    if isinstance(found, Reply):
        return found
    refused = _refused(world, instance, found, asked, account)
    if refused is not None:
        return refused
    operation_begin(world, found, _operation(found, asked, account))
    return Reply.json(documents.application_document(instance, found, with_resource_health=False))


def terminate(world: World, instance: ArgoInstance, name: str, request: Request, account: Account) -> Reply:
    """Terminate the running operation; one that was only accepted does not run yet."""
    found = find(instance, name, request.first("project"), account)
    if isinstance(found, Reply):
        return found
    if not account.may("sync", found.project):
        return denied()
    if found.operation is None or found.state is None:
        return refusal(3, "Unable to terminate operation. No operation is in progress")
    operation_terminate(world, found)
    return Reply.json({})


def rollback(instance: ArgoInstance, name: str, request: Request, account: Account) -> Reply:
    """Refuse a rollback: with automated sync as the real one does, without it because the demo has none."""
    asked = _asked(request)
    if isinstance(asked, Reply):
        return asked
    found = find(instance, name, str(asked.get("project", "")), account)
    if isinstance(found, Reply):
        return found
    if not account.may("sync", found.project):
        return denied_action(account, "sync", found.project, name, instance.began_at)
    if found.auto_sync:
        return refusal(9, "rollback cannot be initiated when auto-sync is enabled")
    return refusal(5, f"application {name} does not have deployment with id {asked.get('id', 0)}")


def _asked(request: Request) -> dict[str, Any] | Reply:
    try:
        asked = request.document() if request.body else {}
    except msgspec.DecodeError as error:
        return refusal(3, str(error))
    if isinstance(asked, dict):
        return asked
    return refusal(3, UNREADABLE.format("array" if isinstance(asked, list) else "string"))


def _refused(
    world: World, instance: ArgoInstance, application: Application, asked: dict[str, Any], account: Account
) -> Reply | None:
    assigned = windows.assigned(instance, application)
    if not windows.can_sync(assigned, world.now(), by_hand=True):
        return refusal(7, "cannot sync: blocked by sync window")
    if not account.may("sync", application.project):
        return denied_action(account, "sync", application.project, application.name, instance.began_at)
    if application.deleting_at is not None:
        return refusal(9, "application is deleting")
    revision = asked.get("revision")
    if revision and revision != application.revision:
        if not account.may("override", application.project):
            return denied_action(account, "override", application.project, application.name, instance.began_at)
        if application.auto_sync:
            return refusal(9, f"Cannot sync to {revision}: auto-sync currently set to main")
    if application.operation is not None:
        return refusal(9, "another operation is already in progress")
    return None


def _operation(application: Application, asked: dict[str, Any], account: Account) -> Operation:
    options = (asked.get("syncOptions") or {}).get("items")
    return Operation(
        revision=str(asked.get("revision") or application.revision),
        prune=bool(asked.get("prune")),
        dry_run=bool(asked.get("dryRun")),
        resources=[_without_empty(each) for each in asked.get("resources") or []],
        sync_options=documents.SYNC_OPTIONS if options is None else tuple(options),
        infos=list(asked.get("infos") or []),
        strategy=dict(asked.get("strategy") or {}),
        retry=asked.get("retryStrategy") or documents.retry_of(application),
        username=account.name,
    )


def _without_empty(resource: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in resource.items() if text}
