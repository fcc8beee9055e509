"""An alerting rule as its coverage and its conventions are judged: of a Prometheus, or of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.alerts.models import Rule

RUNBOOK_URL = "runbook_url"


@dataclass(frozen=True, slots=True)
class RuleTold:
    """One alerting rule. `duration` is its `for` in seconds.

    `prometheus`, `state` (inactive, pending, firing), `health` (ok, err, unknown) and `last_error` are "" for a rule of
    a file.
    """

    name: str
    group: str = ""
    file: str = ""
    query: str = ""
    duration: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    prometheus: str = ""
    state: str = ""
    health: str = ""
    last_error: str = ""

    @property
    def runbook_url(self) -> str | None:
        """What its annotation says; None where it has no such annotation."""
        return self.annotations.get(RUNBOOK_URL)

    @property
    def is_misnamed(self) -> bool:
        """Whether its runbook stands under `runbook` alone, which counts as none (decision 27)."""
        return self.runbook_url is None and bool(self.annotations.get("runbook", "").strip())

    @property
    def severity(self) -> str:
        """Its label; "" where it has none."""
        return self.labels.get("severity", "")

    def told(self, name: str) -> str:
        """A label, or else an annotation, without white space around it; "" for none."""
        return (self.labels.get(name) or self.annotations.get(name) or "").strip()


def rules_held(prometheuses: Iterable[str]) -> list[RuleTold]:
    """The rules that were read of these Prometheuses and Observatorium tenants. One query."""
    rows = Rule.objects.filter(prometheus__in=list(prometheuses))
    return [
        RuleTold(
            name=row.name,
            group=row.group,
            file=row.file,
            query=row.query,
            duration=row.duration,
            labels=row.labels,
            annotations=row.annotations,
            prometheus=row.prometheus,
            state=row.state,
            health=row.health,
            last_error=row.last_error,
        )
        for row in rows.order_by("prometheus", "file", "group", "name", "ordinal")
    ]
