"""The list of Applications as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse

from apps.core.addresses import page_address
from apps.core.exports import Columns, exported
from apps.core.lists import Asked
from apps.fleet.overlay import Overlay

from .listing import ApplicationRow, applications_to_export
from .window_filter import word_of

Column = Callable[[ApplicationRow], object]
PLAIN: Mapping[str, str] = {
    "name": "name",
    "instance": "instance",
    "namespace": "namespace",
    "project": "project",
    "set": "set_name",
    "cluster": "cluster",
    "environment": "environment",
    "sync": "sync_status",
    "health": "health_status",
    "operation": "operation_phase",
}


def applications_exported(request: HttpRequest, overlay: Overlay) -> HttpResponse:
    """Every Application that the address asks for, whatever page of them it shows."""
    asked = Asked(request.GET)
    rows, columns = applications_to_export(asked, overlay), columns_for(request)
    return exported(request, name="applications", columns=columns, rows=rows, now=overlay.now, asked=asked)


def columns_for(request: HttpRequest) -> Columns[ApplicationRow]:
    """Title → value of a row; links lead to the portal that was asked."""
    return {
        "state": lambda row: row.verdict.tone,
        "reason": lambda row: row.verdict.reason,
        **{title: _plain(field) for title, field in PLAIN.items()},
        "conditions": lambda row: row.conditions,
        "auto-sync": lambda row: "on" if row.application.auto_sync else "off",
        "window": lambda row: word_of(row.window).replace("-", " "),
        "acknowledged by": lambda row: row.acknowledgement and row.acknowledgement.by,
        "acknowledged until": lambda row: row.acknowledgement and row.acknowledgement.until,
        "revision": lambda row: row.application.sync_revision,
        "in state since": lambda row: row.application.tone_since,
        "link": lambda row: _link(request, row),
    }


def _plain(field: str) -> Column:
    return lambda row: getattr(row.application, field)


def _link(request: HttpRequest, row: ApplicationRow) -> str:
    application = row.application
    names = (application.instance, application.namespace, application.name)
    address = page_address("dashboard:application-show", *names)
    return request.build_absolute_uri(address) if address else ""
