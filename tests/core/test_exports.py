"""A list as a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from apps.core.exports import MOST_ROWS, export_asked, exported
from apps.core.lists import Asked
from apps.core.tones import Tone

NOW = datetime(2026, 11, 25, 16, 30, tzinfo=UTC)
COLUMNS = {"name": lambda row: row["name"], "tone": lambda row: row["tone"], "labels": lambda row: row["labels"]}
ROW = {"name": 'a "b", c\nd', "tone": Tone.CRITICAL, "labels": {"team": "build"}}


def file_of(address: str, rows: list[dict[str, object]], *problems: str) -> HttpResponse:
    request = RequestFactory().get(address)
    asked = Asked(request.GET)
    asked.problems.extend(problems)
    return exported(request, name="alerts", columns=COLUMNS, rows=rows, now=NOW, asked=asked)


@pytest.mark.parametrize(
    ("address", "wanted"), [("/?format=csv", "csv"), ("/?format=json", "json"), ("/?format=xml", "")]
)
def test_the_address_asks_for_a_file(address: str, wanted: str) -> None:
    assert export_asked(RequestFactory().get(address)) == wanted


def test_csv_reads_back_as_it_was() -> None:
    answer = file_of("/?format=csv", [ROW])
    assert list(csv.reader(io.StringIO(answer.content.decode()))) == [
        ["name", "tone", "labels"],
        ['a "b", c\nd', "critical", '{"team": "build"}'],
    ]
    assert answer["Content-Disposition"] == 'attachment; filename="alerts-20261125T163000Z.csv"'
    assert "no-store" in answer["Cache-Control"]


def test_json_says_when_and_with_which_filters() -> None:
    told = json.loads(file_of("/alerts/?q=x&format=json", [ROW]).content)
    assert told["at"] == NOW.isoformat()
    assert told["address"] == "/alerts/?q=x&format=json"
    assert told["rows"] == [{"name": ROW["name"], "tone": "critical", "labels": {"team": "build"}}]


@pytest.mark.parametrize("hostile", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_nothing(hostile: str) -> None:
    answer = file_of("/?format=csv", [{**ROW, "name": hostile}])
    assert next(iter(list(csv.reader(io.StringIO(answer.content.decode(), newline="")))[1])) == f"'{hostile}"


def test_a_file_is_bounded_and_says_where_it_was_cut() -> None:
    answer = file_of("/?format=json", [ROW] * (MOST_ROWS + 1))
    told = json.loads(answer.content)
    assert (len(told["rows"]), told["cut"]) == (MOST_ROWS, True)
    for file in (answer, file_of("/?format=csv", [ROW] * (MOST_ROWS + 1))):
        assert file["Portal-Cut"] == "the first 20000 rows"
        assert "alerts-first-20000-2026" in file["Content-Disposition"]


def test_a_whole_file_says_that_it_is_whole() -> None:
    answer = file_of("/?format=json", [ROW] * MOST_ROWS)
    assert json.loads(answer.content)["cut"] is False
    assert "Portal-Cut" not in answer


def test_no_file_is_made_of_an_address_that_cannot_be_had() -> None:
    answer = file_of("/?format=csv&cluster=moon", [ROW], "There is no cluster “moon”: that filter is left out.")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/plain")
    assert "There is no cluster “moon”" in answer.content.decode()
    assert "critical" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/alerts/", "/apps/", "/clusters/", "/timeline/", "/sources/"])
def test_every_list_refuses_a_file_with_a_filter_that_it_does_not_know(viewer: Client, address: str) -> None:
    wrong = {"/timeline/": "kind=moon", "/sources/": "sort=moon"}.get(address, "tone=moon")
    answer = viewer.get(f"{address}?environment=all&format=csv&{wrong}")
    assert (answer.status_code, "moon" in answer.content.decode()) == (400, True)
