"""Silences for tests: a fleet file with Alertmanagers, alerts that fire, and what a person asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from apps.actions.case import Who
from apps.actions.silences.preflight import SilenceAsk, SilencePreflight, silence_preflight
from apps.actions.silences.wanted import Wanted, told_matchers
from apps.actions.states import Action
from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.matchers import matchers_read
from tests.rows import episode_row, source_row

FLEET = """
environments: [{name: staging}, {name: production}]
clusters:
  - {name: stone-prd-m01, role: member, environment: production}
  - {name: stone-prd-m02, role: member, environment: production}
  - {name: stone-stg-m01, role: member, environment: staging, aliases: [stg]}
alertmanagers: [{name: appsre, members: ['http://127.0.0.1:9/one', 'http://127.0.0.1:9/two']}]
observatorium: [{name: rhobs, url: 'http://127.0.0.1:9', tenant: rhtap}]
"""
ONE = 'alertname="Slow", source_cluster="stone-prd-m01"'


def sources() -> None:
    """Members of both groups, read just now."""
    for key in ("alertmanager/appsre/0", "alertmanager/appsre/1", "alertmanager/rhobs/0"):
        source_row(key)


def fires(name: str = "Slow", cluster: str = "stone-prd-m01", *, count: int = 1, **fields: Any) -> list[Episode]:
    """So many alerts of that name, which differ by their pod."""
    environment = "staging" if "stg" in cluster else "production"
    severity = fields.pop("severity", "warning")
    labels = fields.pop("labels", {})
    told = {"alertname": name, "severity": severity, "source_cluster": cluster, "namespace": "build", **labels}
    return [
        episode_row(
            name,
            fingerprint=f"{abs(hash((name, cluster, number, severity, str(labels)))):016x}"[:16],
            labels={**told, "pod": f"{name}-{number}"},
            severity=severity,
            cluster=cluster,
            environment=environment,
            **fields,
        )
        for number in range(count)
    ]


def wanted(line: str = ONE, *, hours: float = 2, alertmanager: str = "appsre", **more: Any) -> Wanted:
    """A silence of two hours from now."""
    now: datetime = database_now()
    matchers = told_matchers(matchers_read(line)) if line else ()
    times = {"starts_at": now, "ends_at": now + timedelta(hours=hours)}
    return Wanted(**{"alertmanager": alertmanager, "matchers": matchers, **times, **more})


def ask(who: Who, line: str = ONE, *, action: Action = Action.SILENCE, **more: Any) -> SilenceAsk:
    """What a form says that gives all that can be asked for, after the page was looked at."""
    given = {"reason": "upgrade", "ticket": "K-1", "typed_name": "Slow"}
    told = {name: more.pop(name) for name in list(more) if name in SilenceAsk.__dataclass_fields__}
    asked = SilenceAsk(
        **{"request_id": uuid4(), "action": action, "wanted": wanted(line, **more), "who": who, **given, **told}
    )
    shown = told.get("shown") or silence_preflight(asked).shown
    return SilenceAsk(**{**{name: getattr(asked, name) for name in SilenceAsk.__dataclass_fields__}, "shown": shown})


def said(found: SilencePreflight) -> dict[str, str]:
    """What speaks, by check."""
    return {each.guard: each.answer.value for each in found.spoken}
