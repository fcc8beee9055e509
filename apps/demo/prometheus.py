"""A Prometheus over a book of alerts: rules with their state, alerts, queries of what they measure or of one metric."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec

from apps.demo.agenda import moment
from apps.demo.alertmanager import BadMatcherError, matcher_of
from apps.demo.catalogue import REPOSITORY, AlertRule
from apps.demo.http import Reply, Request
from apps.demo.measures import courses_of
from apps.demo.world.alerts import Alert, AlertBook, Matcher
from apps.demo.world.world import World

SELECTOR = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)?(?:\{(.*)\})?$", re.DOTALL)
SCALARS = {"1": "1", "0/0": "NaN"}
VECTORS = {"vector(1)": "1", "quantile(2, vector(1))": "+Inf"}
MOST_POINTS = 11_000
Series = dict[str, str]
Told = list[tuple[Series, list[list[float | str]]]]


class PrometheusApi:
    """One Prometheus on the wire."""

    gzips = True

    def __init__(self, world: World, book: AlertBook, *, files: str) -> None:
        self._world = world
        self._book = book
        self._files = files
        self._kept: tuple[tuple[int, datetime, bool], Reply] | None = None

    def answer(self, request: Request) -> Reply:
        """The answer in good health."""
        match request.method, request.segments:
            case "GET", ("-", "ready"):
                return Reply.text("Prometheus Server is Ready.\n")
            case "GET" | "POST", ("api", "v1", *rest):
                return self.answer_v1(tuple(rest), request)
        return Reply.text("404 page not found\n", 404)

    def problem(self, status: int) -> Reply:
        """An error in Prometheus' envelope."""
        words = {401: "unauthorized", 403: "forbidden", 429: "too many requests", 503: "service unavailable"}
        return _error(words[status], status, "unavailable")

    def emptied(self, request: Request) -> Reply:
        """No groups, no alerts, no series."""
        if request.segments[-1].startswith("query"):
            return _success({"resultType": "vector", "result": []})
        return _success({"groups": []} if request.segments[-1] == "rules" else {"alerts": []})

    def answer_v1(self, rest: tuple[str, ...], request: Request) -> Reply:
        """An answer of API v1; `rest` is the path below it."""
        match rest:
            case ("rules",):
                return self._rules(request)
            case ("alerts",):
                alerts = sorted(self._book.alerts.values(), key=lambda each: each.fingerprint)
                return _success({"alerts": [alert_document(each) for each in alerts]})
            case ("query",):
                return self._query(parameters(request))
            case ("query_range",):
                return self._query_range(parameters(request))
            case ("labels",):
                return _success(sorted({name for series in self._all_series() for name in series}))
            case ("status", "buildinfo"):
                return _success(BUILD)
            case ("alertmanagers",):
                url = {"url": "http://alertmanager.example.com:9093/api/v2/alerts"}
                return _success({"activeAlertmanagers": [url], "droppedAlertmanagers": []})
        return Reply.text("404 page not found\n", 404)

    # --- rules --------------------------------------------------------------------------------------------------

    def _rules(self, request: Request) -> Reply:
        evaluated = self._world.now().replace(second=self._world.now().second // 30 * 30, microsecond=0)
        key = (self._book.version, evaluated, request.first("type") in {"", "alert"})
        if self._kept is None or self._kept[0] != key:
            groups = self._groups(moment(evaluated)) if key[2] else []
            self._kept = (key, _success({"groups": groups}))
        return self._kept[1]

    def _groups(self, evaluated: str) -> list[dict[str, Any]]:
        firing: dict[str, list[Alert]] = {}
        for alert in self._book.alerts.values():
            firing.setdefault(alert.rule.name, []).append(alert)
        return [
            {
                "name": f"{rule.component or rule.team or 'meta'}-{rule.name}".lower(),
                "file": f"{self._files}/{rule.name.lower()}.yaml",
                "rules": [rule_document(rule, firing.get(rule.name, []), evaluated)],
                "interval": 60,
                "limit": 0,
                "evaluationTime": 0.000411,
                "lastEvaluation": evaluated,
            }
            for rule in self._book.rules
        ]

    # --- queries ------------------------------------------------------------------------------------------------

    def _query(self, asked: dict[str, str]) -> Reply:
        expr = asked.get("query", "").strip()
        at = float(asked["time"]) if asked.get("time") else self._world.now().timestamp()
        if expr in SCALARS:
            return _success({"resultType": "scalar", "result": [at, SCALARS[expr]]})
        if (measured := self._measured(expr, [at])) is not None:
            result = [{"metric": labels, "value": values[0]} for labels, values in measured]
            return _success({"resultType": "vector", "result": result})
        try:
            chosen = self._selected(expr)
        except BadMatcherError as error:
            return _error(f'invalid parameter "query": {error}', 400, "bad_data")
        result = [{"metric": series, "value": [at, value]} for series, value in chosen]
        return _success({"resultType": "vector", "result": result})

    def _query_range(self, asked: dict[str, str]) -> Reply:
        expr = asked.get("query", "").strip()
        try:
            start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        except (KeyError, ValueError) as error:
            return _error(f"invalid parameter: {error}", 400, "bad_data")
        if step <= 0 or (end - start) / step > MOST_POINTS:
            message = "exceeded maximum resolution of 11,000 points per timeseries. Try increasing the step"
            return _error(message, 400, "bad_data")
        moments = [start + position * step for position in range(int((end - start) / step) + 1)]
        try:
            measured = self._measured(expr, moments)
            told = self._selected_over(expr, moments) if measured is None else measured
        except BadMatcherError as error:
            return _error(f"invalid parameter: {error}", 400, "bad_data")
        return _success({"resultType": "matrix", "result": [{"metric": each, "values": at} for each, at in told]})

    def _measured(self, expr: str, moments: list[float]) -> Told | None:
        """The series of what a rule measures, without those that have no value then; None for other expressions."""
        members = [(each.name, each.environment) for each in self._world.clusters.values() if each.role == "member"]
        courses = None if expr in VECTORS else courses_of(expr, self._book, members)
        if courses is None:
            return None
        told: Told = [(course.labels, [[at, value] for at, value in course.values(moments)]) for course in courses]
        return [(labels, values) for labels, values in told if values]

    def _selected_over(self, expr: str, moments: list[float]) -> Told:
        return [(series, [[at, value] for at in moments]) for series, value in self._selected(expr)]

    def _selected(self, expr: str) -> list[tuple[Series, str]]:
        """The series that one selector names, with their values: the demo evaluates little else."""
        if expr in VECTORS:
            return [({}, VECTORS[expr])]
        found = SELECTOR.match(expr)
        if found is None or not expr:
            raise BadMatcherError(f"1:{len(expr) + 1}: parse error: only a metric's name and matchers are understood")
        name, braces = found.groups()
        matchers = [matcher_of(text) for text in _split(braces or "")]
        if name:
            matchers.append(Matcher("__name__", name))
        return [(each, _value(each)) for each in self._all_series() if all(m.matches(each) for m in matchers)]

    def _all_series(self) -> Iterable[Series]:
        for instance in self._world.argocds.values():
            for application in instance.applications.values():
                yield {
                    "__name__": "argocd_app_info",
                    "autosync_enabled": str(application.auto_sync).lower(),
                    "dest_namespace": application.namespace,
                    "dest_server": application.cluster.server,
                    "health_status": application.health,
                    "name": application.name,
                    "namespace": "argocd",
                    "project": application.project,
                    "repo": REPOSITORY,
                    "sync_status": application.sync,
                }
            for cluster in instance.clusters:
                connected = {"__name__": "argocd_cluster_connection_status", "server": cluster.server}
                yield connected | {"k8s_version": "1.25", "connected": str(not cluster.is_lost).lower()}
        for alert in self._book.alerts.values():
            state = "pending" if alert.is_pending else "firing"
            yield {"__name__": "ALERTS", "alertstate": state, **alert.labels}
        yield {"__name__": "up", "instance": "argocd-application-controller:8082", "job": "argocd-metrics"}


BUILD = {
    "version": "2.42.0",
    "revision": "225c61122d88b01d1f0eaaee0e05b6f3e0567ac0",
    "branch": "HEAD",
    "buildUser": "builder",
    "buildDate": "20230201-07:53:32",
    "goVersion": "go1.19.5",
}


def rule_document(rule: AlertRule, alerts: list[Alert], evaluated: str) -> dict[str, Any]:
    """An alerting rule with its alerts; its state is that of the alert that has come furthest."""
    state = "inactive" if not alerts else "pending" if all(each.is_pending for each in alerts) else "firing"
    texts = {"summary": rule.summary, "description": rule.description, **rule.routing}
    return {
        "state": state,
        "name": rule.name,
        "query": rule.expr,
        "duration": rule.wait,
        "keepFiringFor": 0,
        "labels": rule.labels,
        "annotations": {name: re.sub(r"\{(\w+)\}", _label_reference, text) for name, text in texts.items()},
        "alerts": [alert_document(each) for each in alerts],
        "health": "ok",
        "evaluationTime": 0.000389,
        "lastEvaluation": evaluated,
        "type": "alerting",
    }


def alert_document(alert: Alert) -> dict[str, Any]:
    """An alert as Prometheus tells it."""
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": "pending" if alert.is_pending else "firing",
        "activeAt": moment(alert.starts_at),
        "value": "1e+00",
    }


def parameters(request: Request) -> dict[str, str]:
    """The parameters, of the query string or of a posted form."""
    posted = parse_qs(request.body.decode("latin-1")) if request.method == "POST" else {}
    return {name: values[0] for name, values in {**request.query, **posted}.items()}


def _label_reference(found: re.Match[str]) -> str:
    name = {"cluster": "source_cluster"}.get(found.group(1), found.group(1))
    return f"{{{{ $labels.{name} }}}}"


def _split(braces: str) -> list[str]:
    return re.findall(r'[^,"]+"(?:[^"\\]|\\.)*"', braces)


def _value(series: Series) -> str:
    return "0" if series.get("connected") == "false" else "1"


def _success(data: Any) -> Reply:
    body = msgspec.json.encode({"status": "success", "data": data})
    return Reply(200, body)


def _error(message: str, status: int, kind: str) -> Reply:
    return Reply.json({"status": "error", "errorType": kind, "error": message}, status)
