"""Rows are drawn once for what they show; one that shows something else is drawn anew, whatever it was that changed."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import models
from django.test import Client

from apps.core.drawn import DRAWINGS, Drawings
from tests.pages import html_of
from tests.rows import ago, application_row, episode_row, source_row

ROWS = re.compile(r"<tr data-row=.*?</tr>", re.DOTALL)
IDENTITY = {"id", "ended_at", "alertmanager"}
"""Another of these is another row, or none."""


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    DRAWINGS.forget()


def test_what_shows_the_same_is_drawn_once_and_the_oldest_go_first() -> None:
    drawn, drawings = [], Drawings(2)
    for shown in ("a", "b", "a", "c", "a", "b"):
        assert drawings.get(shown, lambda shown=shown: drawn.append(shown) or shown) == shown  # type: ignore[misc]
    assert drawn == ["a", "b", "c", "b"]


def columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if field.name not in IDENTITY]


def another(field: models.Field[Any, Any], value: Any) -> Any:
    """A value of the column that is not this one."""
    if isinstance(field, models.BooleanField):
        return not value
    if isinstance(field, models.DateTimeField):
        return value - timedelta(days=3) if isinstance(value, datetime) else ago(days=3)
    if isinstance(field, models.JSONField):
        return {**json.loads(json.dumps(value)), "more": "x"} if isinstance(value, dict) else []
    return "critical" if field.name == "tone" else "suppressed" if field.name == "state" else "another"


def test_an_application_of_which_any_column_changed_is_drawn_as_it_is_now(db: None, responder: Client) -> None:
    source_row("argocd/production", title="Argo CD production: Applications")
    changes_are_shown(responder, "/apps/?environment=all", application_row("build-service"))


def test_an_alert_of_which_any_column_changed_is_drawn_as_it_is_now(db: None, viewer: Client) -> None:
    source_row("alertmanager/rhobs-a")
    changes_are_shown(viewer, "/alerts/?environment=all", episode_row("PodsFail"))


def changes_are_shown(client: Client, url: str, row: models.Model) -> None:
    """After each change of one column the page is the one that is drawn wholly anew."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    for field in columns(type(row)):
        before = getattr(row, field.name)
        assert ROWS.findall(html_of(client, url))
        rows.update(**{field.name: another(field, before)})
        kept = ROWS.findall(html_of(client, url))
        DRAWINGS.forget()
        assert kept == ROWS.findall(html_of(client, url)), field.name
        rows.update(**{field.name: before})
