"""One Alertmanager, as 0.28 was recorded to answer, over a book of alerts and its own silences."""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from apps.demo.agenda import Agenda, fine_moment
from apps.demo.http import Reply, Request
from apps.demo.silences_received import SilencesReceived
from apps.demo.world.alerts import Alert, AlertBook, Matcher, Silence, SilenceBook

VERSION = "0.28.1"
KNOWN_FOR = timedelta(minutes=4)
GOSSIP = 0.4
RECEIVERS = ("default", "pagerduty-slo", "pagerduty-appsre")
GROUP_BY = {"default": ("alertname", "source_cluster"), "pagerduty-appsre": ("alertname", "source_cluster")}
MATCHER = re.compile(r'^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"{}]*?))\s*$')
CONFIG = """route:
  receiver: default
  group_by: [alertname, source_cluster]
  routes:
  - receiver: pagerduty-slo
    group_by: ['...']
    matchers: [slo="true"]
  - receiver: pagerduty-appsre
    matchers: [control_plane="true"]
inhibit_rules:
- source_matchers: [severity="critical"]
  target_matchers: [severity=~"warning|info"]
  equal: [source_cluster, component]
receivers:
- name: default
- name: pagerduty-slo
- name: pagerduty-appsre
"""


class BadMatcherError(ValueError):
    """A matcher that does not parse."""


def matcher_of(text: str) -> Matcher:
    """One matcher from its text, with or without braces. Raises `BadMatcherError`."""
    found = MATCHER.match(text.strip().removeprefix("{").removesuffix("}"))
    if found is None:
        raise BadMatcherError(f"bad matcher format: {text}")
    name, operator, quoted, bare = found.groups()
    value = bare if quoted is None else str(json.loads(f'"{quoted}"'))
    try:
        re.compile(value if operator in {"=~", "!~"} else "")
    except re.error as error:
        raise BadMatcherError(f"error parsing regexp: {error}") from error
    return Matcher(name, value, is_regex=operator in {"=~", "!~"}, is_equal=operator in {"=", "=~"})


class AlertmanagerApi:
    """One Alertmanager on the wire. `name` is its name in its cluster, `peers` how many it has beside itself."""

    gzips = False

    def __init__(
        self,
        book: AlertBook,
        silences: SilenceBook,
        *,
        name: str,
        peers: tuple[str, ...],
        began_at: datetime,
        now: Callable[[], datetime],
        agenda: Agenda,
    ) -> None:
        self._book = book
        self._silences = silences
        self._name = name
        self._peers = peers
        self._began_at = began_at
        self.now = now
        self._agenda = agenda
        self.received = SilencesReceived(now)
        self._kept: dict[tuple[Any, ...], Reply] = {}
        self._criticals_version = -1
        self._criticals: dict[tuple[str, str], list[str]] = {}

    def answer(self, request: Request) -> Reply:
        """The answer in good health."""
        reply = self._answered(request)
        self.received.note_answer(request, reply)
        return reply

    def _answered(self, request: Request) -> Reply:
        match request.method, request.segments:
            case "GET", ("-", "ready" | "healthy"):
                return Reply.text("OK")
            case _, ("api", "v1", *_):
                return Reply.json({"status": "deprecated", "error": "The v1 API is gone; use the v2 API"}, 410)
            case method, ("api", "v2", *rest):
                return self.answer_v2(method, tuple(rest), request)
        return Reply.text("404 page not found\n", 404)

    def problem(self, status: int) -> Reply:
        """An error: a JSON string, or plain text from what stands in front of it."""
        if status == 503:
            return Reply.text("Limit of concurrent GET requests reached (8), try again later.\n", 503)
        return Reply.json({401: "unauthorized", 403: "forbidden", 429: "too many requests"}[status], status)

    def emptied(self, request: Request) -> Reply:
        """A list of nothing."""
        return Reply.json([])

    def answer_v2(self, method: str, rest: tuple[str, ...], request: Request) -> Reply:
        """An answer of API v2; `rest` is the path below it."""
        match method, rest:
            case "GET", ("alerts",):
                return self._kept_reply(request, lambda: self._alerts(request))
            case "GET", ("alerts", "groups"):
                return self._kept_reply(request, lambda: self._groups(request))
            case "GET", ("silences",):
                return self._list_silences()
            case "POST", ("silences",):
                return self._post_silence(request)
            case "GET" | "DELETE", ("silence", silence_id):
                return self._one_silence(method, silence_id)
            case "GET", ("receivers",):
                return _reply([{"name": name} for name in RECEIVERS])
            case "GET", ("status",):
                return _reply(self._status())
        path = f"/api/v2/{'/'.join(rest)}"
        return _reply({"code": 404, "message": f"path {path} was not found"}, 404)

    def _kept_reply(self, request: Request, make: Callable[[], Any]) -> Reply:
        """The answer made once for each state of the alerts, the silences and the minute, which moves `updatedAt`."""
        now = self.now()
        states = tuple(sorted((key, each.state(now)) for key, each in self._silences.silences.items()))
        state = (self._book.version, self._silences.version, now.replace(second=0, microsecond=0), states)
        key = (request.path, str(request.query))
        kept = self._kept.get((state, key))
        if kept is None:
            if any(each[0] != state for each in self._kept):
                self._kept.clear()
            try:
                kept = _reply(make())
            except BadMatcherError as error:
                return _reply(str(error), 400)
            self._kept[(state, key)] = kept
        return kept

    # --- alerts -------------------------------------------------------------------------------------------------

    def _alerts(self, request: Request) -> list[dict[str, Any]]:
        silences = self._silences.active(self.now())
        documents = (self._alert(alert, silences) for alert in self._chosen(request))
        return [each for each in documents if _passes(each, request)]

    def _chosen(self, request: Request) -> Iterable[Alert]:
        matchers = [matcher_of(text) for text in request.query.get("filter", [])]
        receiver = re.compile(request.first("receiver", ".*"))
        for alert in self._book.firing:
            wanted = all(each.matches(alert.labels) for each in matchers)
            if wanted and receiver.fullmatch(receiver_of(alert.labels)):
                yield alert

    def _alert(self, alert: Alert, silences: Iterable[Silence]) -> dict[str, Any]:
        updated = max(alert.starts_at, self.now().replace(second=0, microsecond=0))
        silenced = [each.id for each in silences if each.mutes(alert.labels)]
        inhibited = self._inhibitors(alert)
        return {
            "annotations": alert.annotations,
            "endsAt": fine_moment(updated + KNOWN_FOR),
            "fingerprint": alert.fingerprint,
            "receivers": [{"name": receiver_of(alert.labels)}],
            "startsAt": fine_moment(alert.starts_at),
            "status": {
                "inhibitedBy": inhibited,
                "mutedBy": [],
                "silencedBy": silenced,
                "state": "suppressed" if silenced or inhibited else "active",
            },
            "updatedAt": fine_moment(updated),
            "generatorURL": f"https://prometheus.example.com/graph?g0.expr={alert.rule.name}",
            "labels": alert.labels,
        }

    def _inhibitors(self, alert: Alert) -> list[str]:
        """The fingerprints of the critical alerts of the same place, for a warning or less."""
        if alert.labels.get("severity") not in {"warning", "info"}:
            return []
        if self._criticals_version != self._book.version:
            self._criticals_version = self._book.version
            self._criticals = _by_place(self._book.firing)
        return self._criticals.get(_place(alert), [])

    def _groups(self, request: Request) -> list[dict[str, Any]]:
        groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[dict[str, Any]]] = {}
        for document in self._alerts(request):
            labels = document["labels"]
            receiver = receiver_of(labels)
            names = GROUP_BY.get(receiver, tuple(labels))
            key = tuple((name, labels[name]) for name in sorted(names) if name in labels)
            groups.setdefault((receiver, key), []).append(document)
        return [
            {"alerts": members, "labels": dict(labels), "receiver": {"name": receiver}}
            for (receiver, labels), members in sorted(groups.items(), key=lambda item: item[0])
        ]

    # --- silences -----------------------------------------------------------------------------------------------

    def _list_silences(self) -> Reply:
        now = self.now()
        order = {"active": 0, "pending": 1, "expired": 2}
        found = sorted(self._silences.silences.values(), key=lambda each: (order[each.state(now)], each.ends_at))
        return _reply([silence_document(each, now) for each in found])

    def _one_silence(self, method: str, silence_id: str) -> Reply:
        try:
            uuid.UUID(silence_id)
        except ValueError:
            message = f'silenceID in path must be of type uuid: "{silence_id}"'
            return _reply({"code": 601, "message": message}, 422)
        silence = self._silences.silences.get(silence_id)
        if silence is None:
            return Reply(404, b"", None, {"Cache-Control": "no-store"})
        if method == "DELETE":
            self.silence_expire(silence)
            return Reply(200, b"", None, {"Cache-Control": "no-store"})
        return _reply(silence_document(silence, self.now()))

    def silence_expire(self, silence: Silence) -> None:
        """End it now; nothing when it has ended."""
        now = self.now()
        if silence.state(now) != "expired":
            starts = min(silence.starts_at, now)
            self._keep(replace(silence, starts_at=starts, ends_at=now, updated_at=now))

    def _keep(self, silence: Silence) -> None:
        """Take it here at once, and at the peers a moment later."""
        self._silences.put(silence)
        for peer in self._silences.peers:
            self._agenda.after(GOSSIP, functools.partial(peer.put, replace(silence)))

    def _post_silence(self, request: Request) -> Reply:
        try:
            silence = silence_asked(request.document(), self.now())
        except (BadMatcherError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return _reply(f"invalid silence: {error}" if isinstance(error, BadMatcherError) else str(error), 400)
        now = self.now()
        if silence.ends_at < now:
            return _reply("Failed to create silence: end time can't be in the past", 400)
        if silence.ends_at <= silence.starts_at:
            return _reply("invalid silence: end time must not be before start time", 400)
        if silence.id and silence.id not in self._silences.silences:
            return Reply(404, b"", None, {"Cache-Control": "no-store"})
        return _reply({"silenceID": self._set(silence)})

    def _set(self, silence: Silence) -> str:
        """Create it, or change one of that id: in place if only its end and texts are new, else the old one ends."""
        now = self.now()
        old = self._silences.silences.get(silence.id)
        if old is not None and old.matchers == silence.matchers and _same_start(old, silence, now):
            self._keep(replace(silence, starts_at=old.starts_at, updated_at=now))
            return old.id
        if old is not None:
            self.silence_expire(old)
        starts = max(silence.starts_at, now)
        new = replace(silence, id=str(uuid.uuid4()), starts_at=starts, updated_at=now)
        self._keep(new)
        return new.id

    def _status(self) -> dict[str, Any]:
        peers = [{"name": name, "address": "127.0.0.1:9094"} for name in (self._name, *self._peers)]
        return {
            "cluster": {"name": self._name, "peers": peers, "status": "ready"},
            "config": {"original": CONFIG},
            "uptime": fine_moment(self._began_at),
            "versionInfo": {
                "branch": "HEAD",
                "buildDate": "20250307-15:05:18",
                "buildUser": "builder",
                "goVersion": "go1.23.7",
                "revision": "b2099eaa2c9ebc25edb26517cb9c732738e93910",
                "version": VERSION,
            },
        }


def receiver_of(labels: dict[str, str]) -> str:
    """Where the route of `CONFIG` sends an alert."""
    if labels.get("slo") == "true":
        return "pagerduty-slo"
    return "pagerduty-appsre" if labels.get("control_plane") == "true" else "default"


def silence_document(silence: Silence, now: datetime) -> dict[str, Any]:
    """A silence as it goes over the wire."""
    return {
        "id": silence.id,
        "status": {"state": silence.state(now)},
        "updatedAt": fine_moment(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": fine_moment(silence.ends_at),
        "matchers": [
            {"isEqual": each.is_equal, "isRegex": each.is_regex, "name": each.name, "value": each.value}
            for each in silence.matchers
        ],
        "startsAt": fine_moment(silence.starts_at),
        **({"annotations": silence.annotations} if silence.annotations else {}),
    }


def silence_asked(document: dict[str, Any], now: datetime) -> Silence:
    """The silence that a POST describes. Raises `BadMatcherError`, KeyError, TypeError, ValueError."""
    matchers = tuple(_matcher_asked(number, each) for number, each in enumerate(document["matchers"]))
    if all(each.matches({}) for each in matchers):
        raise BadMatcherError("at least one matcher must not match the empty string")
    return Silence(
        id=str(document.get("id") or ""),
        matchers=matchers,
        starts_at=datetime.fromisoformat(document["startsAt"]),
        ends_at=datetime.fromisoformat(document["endsAt"]),
        created_by=str(document["createdBy"]),
        comment=str(document["comment"]),
        updated_at=now,
        annotations={str(name): str(value) for name, value in document.get("annotations", {}).items()},
    )


def _matcher_asked(number: int, document: dict[str, Any]) -> Matcher:
    matcher = Matcher(
        str(document["name"]), str(document["value"]), bool(document["isRegex"]), bool(document.get("isEqual", True))
    )
    try:
        re.compile(matcher.value if matcher.is_regex else "")
    except re.error as error:
        text = f'invalid label matcher {number}: invalid regular expression "{matcher.value}": {error}'
        raise BadMatcherError(text) from error
    return matcher


def _same_start(old: Silence, new: Silence, now: datetime) -> bool:
    return old.state(now) == "active" or abs(old.starts_at - new.starts_at) < timedelta(seconds=1)


def _place(alert: Alert) -> tuple[str, str]:
    return alert.labels.get("source_cluster", ""), alert.labels.get("component", "")


def _by_place(alerts: Iterable[Alert]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for alert in alerts:
        if alert.labels.get("severity") == "critical":
            found.setdefault(_place(alert), []).append(alert.fingerprint)
    return found


def _passes(document: dict[str, Any], request: Request) -> bool:
    status = document["status"]
    dropped = (
        (request.first("silenced") == "false" and status["silencedBy"])
        or (request.first("inhibited") == "false" and status["inhibitedBy"])
        or (request.first("active") == "false" and status["state"] == "active")
    )
    return not dropped


def _reply(value: Any, status: int = 200) -> Reply:
    return Reply.json(value, status, Cache_Control="no-store")
