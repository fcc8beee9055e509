"""The list of alerts as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.alerts.models import AlertState, Episode
from tests.pages import queries_of
from tests.rows import ago, episode_row, held_by, silence_row, source_row

pytestmark = pytest.mark.database

URL = "/alerts/?environment=all"
MEMBERS = ("alertmanager/appsre/0", "alertmanager/appsre/1")


@pytest.fixture(autouse=True)
def _alertmanagers(db: None) -> None:
    for key in MEMBERS:
        source_row(key)


def rows_of(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{URL}&format=json{query}")
    assert answer["Content-Type"] == "application/json"
    told: list[dict[str, Any]] = json.loads(answer.content)["rows"]
    return told


def test_a_row_tells_what_the_page_tells(viewer: Client) -> None:
    episode = episode_row(
        "A", state=AlertState.SILENCED, tone="held", silenced_by=[silence_row().silence_id], owner="build",
        runbook_url="https://runbooks.example/x", labels={"alertname": "A", "team": "build"},
    )  # fmt: skip
    held_by(episode, MEMBERS[0])
    [row] = rows_of(viewer)
    assert row["silenced by"] == ["remy: upgrade under way (5d1e)"]
    assert (row["tone"], row["state"]) == ("held", "silenced")
    assert row["support"] == "not known whether supported: no source here covers its runbook"
    assert (row["name"], row["cluster"], row["environment"], row["owner"]) == (
        "A",
        "stone-prd-m01",
        "production",
        "build",
    )
    assert (row["labels"], row["held by"]) == ({"alertname": "A", "team": "build"}, [MEMBERS[0]])
    assert row["since"] == Episode.objects.get().began_at.isoformat()
    assert row["link"].startswith("http://testserver/alerts/appsre/")


def test_all_pages_with_the_same_filters_in_the_same_order(viewer: Client) -> None:
    for number in range(230):
        labels = {"severity": "critical" if number % 2 else "warning", "n": str(number)}
        episode_row(f"A{number:03}", fingerprint=str(number), labels=labels, began_at=ago(minutes=number))
    rows = rows_of(viewer, f"&page=2&sort=name&group=none&filter={quote('severity=critical n!~1..')}")
    expected = [f"A{number:03}" for number in range(230) if number % 2 and not 100 <= number < 200]
    assert [row["name"] for row in rows] == expected
    assert len(rows_of(viewer)) == 230


def test_csv_has_the_same_columns_and_runs_nothing(viewer: Client) -> None:
    episode_row("=cmd|' /C calc'!A0", labels={"alertname": "x"})
    text = viewer.get(f"{URL}&format=csv").content.decode()
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert head == list(rows_of(viewer)[0])
    assert row[head.index("name")] == "'=cmd|' /C calc'!A0"


def test_the_page_links_its_files(viewer: Client) -> None:
    episode_row("A")
    html = viewer.get(f"{URL}&filter=alertname%3DA&page=1").content.decode()
    assert "filter=alertname%3DA&amp;format=csv" in html


def test_a_file_costs_queries_for_each_five_hundred_rows_not_for_each_row(viewer: Client) -> None:
    Episode.objects.bulk_create(
        [
            Episode(alertmanager="appsre", fingerprint=str(number), name="A", began_at=ago(), first_seen_at=ago())
            for number in range(400)
        ]
    )
    assert queries_of(viewer, f"{URL}&format=json") < 25
