"""The routes of a simulated Argo CD: who may ask what, and the answers. Writing routes are in `actions`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from apps.demo.agenda import moment
from apps.demo.argocd import accounts, actions, windows
from apps.demo.argocd import rendering as documents
from apps.demo.argocd.accounts import Account, denied, refusal
from apps.demo.argocd.fields import listed_fields, tree_of
from apps.demo.argocd.lists import Lists, framed
from apps.demo.argocd.received import Received
from apps.demo.argocd.streaming import follow
from apps.demo.argocd.tree import actions_document, events_document, tree_document
from apps.demo.http import Reply, Request, Stream
from apps.demo.world.applications import Application, ArgoInstance
from apps.demo.world.world import World

VERSION = "v3.6.0+unknown"
HASH_LENGTH = 40


class ArgoApi:
    """One Argo CD on the wire. `tokens` are token → account."""

    gzips = True

    def __init__(self, world: World, instance: ArgoInstance, tokens: dict[str, Account]) -> None:
        self.world = world
        self.instance = instance
        self.received = Received(instance, world.now)
        self._tokens = tokens
        self._lists = Lists(instance)
        instance.render = lambda application: documents.application_document(instance, application)

    def answer(self, request: Request) -> Reply | Stream:
        """The answer in good health; of what changes something it is kept."""
        answer = self._answer(request)
        if isinstance(answer, Reply):
            self.received.note_answer(request, answer)
        return answer

    def _answer(self, request: Request) -> Reply | Stream:
        segments = request.segments
        if request.method != "GET" and request.headers.get("content-type") != "application/json":
            return Reply.text("Invalid content type\n", 415)
        if segments == ("api", "version"):
            return Reply.json({"Version": VERSION})
        account = self._tokens.get(request.bearer)
        if segments == ("api", "v1", "session", "userinfo"):
            return Reply.json(_user_info(account))
        route = self._route(request)
        if route is None:
            return Reply.text("Not Found\n", 404)
        if account is None:
            return _unauthenticated(request)
        return route(request, account)

    def problem(self, status: int) -> Reply:
        """An error as grpc-gateway writes it."""
        if status == 401:
            return refusal(16, "invalid session: token has invalid claims: token is expired")
        if status == 403:
            return denied()
        return refusal(8 if status == 429 else 14, "too many requests" if status == 429 else "service unavailable")

    def emptied(self, request: Request) -> Reply | Stream:
        """What an account without any right gets."""
        route = self._route(request)
        return Reply.text("Not Found\n", 404) if route is None else route(request, accounts.NOBODY)

    def _route(self, request: Request) -> Callable[[Request, Account], Reply | Stream] | None:
        match request.method, request.segments[2:] if request.segments[:2] == ("api", "v1") else ():
            case "GET", ("applications",):
                return self._applications
            case "GET", ("stream", "applications"):
                return self._stream
            case "GET", ("clusters",):
                return self._clusters
            case "GET", ("projects", *rest):
                return lambda asked, account: self._projects(rest, account)
            case "GET", ("applicationsets",):
                return self._sets
            case "GET", ("account", "can-i", resource, action, *subresource):
                return lambda asked, account: _can_i(account, resource, action, subresource)
            case method, ("applications", name, *rest):
                return self._application_route(method, name, rest)
        return None

    def _application_route(
        self, method: str, name: str, rest: list[str]
    ) -> Callable[[Request, Account], Reply | Stream] | None:
        match method, rest:
            case "GET", []:
                return lambda request, account: self._on(name, request, account, self._application)
            case "GET", ["revisions", revision, "metadata"]:
                return lambda request, account: self._on(name, request, account, lambda *_: self._commit(revision))
            case "GET", [part] if part in self._parts:
                return lambda request, account: self._on(name, request, account, self._parts[part])
            case "GET", ["resource", "actions"]:
                return lambda request, account: self._on(name, request, account, lambda *_: actions_document())
            case "POST", ["sync"]:
                return lambda request, account: actions.sync(self.world, self.instance, name, request, account)
            case "POST", ["rollback"]:
                return lambda request, account: actions.rollback(self.instance, name, request, account)
            case "DELETE", ["operation"]:
                return lambda request, account: actions.terminate(self.world, self.instance, name, request, account)
        return None

    @property
    def _parts(self) -> dict[str, Callable[[Application, Request], Reply]]:
        now = self.world.now()
        return {
            "syncwindows": lambda each, _: Reply.json(
                windows.windows_document(windows.assigned(self.instance, each), now)
            ),
            "resource-tree": lambda each, _: Reply.json(tree_document(each)),
            "events": lambda each, _: Reply.json(events_document(self.instance, each)),
            "links": lambda each, _: Reply.json({}),
        }

    def _on(
        self, name: str, request: Request, account: Account, answer: Callable[[Application, Request], Reply]
    ) -> Reply:
        found = actions.find(self.instance, name, request.first("project"), account)
        return found if isinstance(found, Reply) else answer(found, request)

    def _application(self, application: Application, request: Request) -> Reply:
        if "refresh" in request.query:
            kind = "hard" if request.first("refresh") == "hard" else "normal"
            self.world.application_change(application, hydrate=kind)
        return Reply.json(documents.application_document(self.instance, application))

    def _applications(self, request: Request, account: Account) -> Reply:
        if not account.may_look:
            return Reply(body=framed([], self.instance.resource_version))
        projects = set(request.query.get("projects", []) + request.query.get("project", []))
        fields = listed_fields(request.first("fields"))
        if fields is not None and not projects and not request.first("name"):
            return self._lists.reply(fields)
        items = [
            msgspec.json.encode(documents.application_document(self.instance, each, with_resource_health=False))
            for each in sorted(self.instance.applications.values(), key=lambda each: each.name)
            if (not projects or each.project in projects) and request.first("name", each.name) == each.name
        ]
        return Reply(body=framed(items, self.instance.resource_version))

    def _stream(self, request: Request, account: Account) -> Stream:
        projects = set(request.query.get("projects", []) + request.query.get("project", []))
        name = request.first("name")

        def wanted(application: Application) -> bool:
            is_named = not name or application.name == name
            return account.may_look and is_named and (not projects or application.project in projects)

        is_sse = request.headers.get("accept") == "text/event-stream"
        chunks = follow(
            self.instance,
            tree=tree_of(request.first("fields")),
            wanted=wanted,
            is_sse=is_sse,
            replays=not request.first("resourceVersion"),
        )
        return Stream(chunks, "text/event-stream" if is_sse else "application/json")

    def _clusters(self, request: Request, account: Account) -> Reply:
        clusters = self.instance.clusters if account.may_look else []
        at = moment(self.world.now() - timedelta(seconds=12))
        items = [documents.cluster_document(self.instance, each, at=at) for each in clusters]
        return Reply.json({"metadata": {}, "items": items or None})

    def _projects(self, rest: list[str], account: Account) -> Reply:
        match rest:
            case []:
                names = self.instance.projects if account.may_look else ()
                items = [documents.project_document(self.instance, name) for name in names]
                return Reply.json({"metadata": {"resourceVersion": "812"}, "items": items or None})
            case [name, "syncwindows"] if account.may_look and name in self.instance.projects:
                return Reply.json(self._open_windows(name))
            case [name] if account.may_look and name in self.instance.projects:
                return Reply.json(documents.project_document(self.instance, name))
        return denied()

    def _open_windows(self, project: str) -> dict[str, Any]:
        opened = [each for each in self.instance.projects[project] if windows.is_open(each, self.world.now())]
        return {"windows": [documents.window_document(each) for each in opened]} if opened else {}

    def _sets(self, request: Request, account: Account) -> Reply:
        members: dict[str, list[Application]] = {}
        for application in self.instance.applications.values() if account.may_look else ():
            if application.cluster is not self.instance.control_plane:
                members.setdefault(application.set_name, []).append(application)
        items = [documents.set_document(self.instance, name, members[name]) for name in sorted(members)]
        version = str(self.instance.resource_version)
        return Reply.json({"metadata": {"resourceVersion": version}, "items": items or None})

    def _commit(self, revision: str) -> Reply:
        if len(revision) != HASH_LENGTH:
            return refusal(2, f"revision {revision} must be resolved")
        if revision not in self.instance.commits:
            return refusal(2, f"failed to get revision metadata: unknown revision {revision}")
        author, at, message = self.instance.commits[revision]
        return Reply.json({"author": author, "date": moment(at), "message": message})


def _user_info(account: Account | None) -> dict[str, Any]:
    return {} if account is None else {"loggedIn": True, "username": account.name, "iss": "argocd"}


def _unauthenticated(request: Request) -> Reply:
    message = "invalid session: SSO is not configured" if request.bearer else "no session information"
    if request.segments[2:] == ("stream", "applications"):
        error = {"grpc_code": 16, "http_code": 401, "message": message, "http_status": "Unauthorized"}
        return Reply.json({"error": error}, 401)
    return refusal(16, message)


OF_PROJECTS = {"applicationsets", "logs", "exec"}


def _can_i(account: Account, resource: str, action: str, subresource: list[str]) -> Reply:
    if resource not in accounts.RESOURCES:
        return refusal(3, f"[{' '.join(accounts.RESOURCES)}] does not contain {resource}")
    if action not in accounts.ACTIONS:
        return refusal(3, f"[{' '.join(accounts.ACTIONS)}] does not contain {action}")
    asked = "/".join(subresource)
    if resource == "applications":
        may = account.may(action, asked.split("/")[0])
    else:  # its policies are of `*/*` for what is of a project, of `*` for the rest
        is_met = "/" in asked or resource not in OF_PROJECTS
        may = is_met and (account.may_all or _may_look(account, action))
    return Reply.json({"value": "yes" if may else "no"})


def _may_look(account: Account, action: str) -> bool:
    return action == "get" and account.may_look
