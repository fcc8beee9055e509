"""A list as a file: every row that its filters keep, whatever page of it is shown, as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import TypeVar

from django.http import HttpRequest, HttpResponse

from .lists import Asked

FORMAT = "format"
FORMATS = ("csv", "json")
LINK = "link"
MOST_ROWS = 20_000
MOST_READ = MOST_ROWS + 1
CUT = "Portal-Cut"
FORMULA = ("=", "+", "-", "@", "\t", "\r")

R = TypeVar("R")
Columns = Mapping[str, Callable[[R], object]]


def export_asked(request: HttpRequest) -> str:
    """csv or json where the address asks for a file (`?format=csv`), else ""."""
    told = request.GET.get(FORMAT, "")
    return told if told in FORMATS else ""


def exported(
    request: HttpRequest, *, name: str, columns: Columns[R], rows: Iterable[R], now: datetime, asked: Asked
) -> HttpResponse:
    """The rows as a file called `name` with the moment `now`; `columns` are title → value of a row, in order.

    `asked` read the address: where that asks for what cannot be had, no file is made, since nobody sees that it holds
    more than was meant. The column LINK holds addresses of the portal's own pages, which leave whole. At most MOST_ROWS
    (`rows` need give no more than MOST_READ): a file that was cut says so in its name and in the header CUT. JSON says
    when and with which filters it was made, and whether it was cut: {"at", "address", "cut", "rows": [{title: value}]}.
    """
    kept = [{title: plain_value(value(row)) for title, value in columns.items()} for row in islice(rows, MOST_READ)]
    if asked.problems:
        return refused(asked.problems)
    is_cut = len(kept) > MOST_ROWS
    kept = kept[:MOST_ROWS]
    for row in kept:
        if row.get(LINK):
            row[LINK] = request.build_absolute_uri(str(row[LINK]))
    as_csv = export_asked(request) == "csv"
    text = csv_text(columns, kept) if as_csv else json_text(request, kept, now, is_cut=is_cut)
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8" if as_csv else "application/json")
    if is_cut:
        name, answer[CUT] = f"{name}-first-{MOST_ROWS}", f"the first {MOST_ROWS} rows"
    answer["Content-Disposition"] = f'attachment; filename="{name}-{now:%Y%m%dT%H%M%SZ}.{export_asked(request)}"'
    answer["Cache-Control"] = "no-store, private"
    return answer


def refused(problems: Iterable[str]) -> HttpResponse:
    """No file, and in plain words why; on a page the same words stand above its rows."""
    words = ["No file was made: it would hold other rows than the address asks for.", *problems]
    answer = HttpResponse("\n".join([*words, ""]), status=400, content_type="text/plain; charset=utf-8")
    answer["Cache-Control"] = "no-store, private"
    return answer


def csv_text(titles: Iterable[str], rows: Iterable[Mapping[str, object]]) -> str:
    """RFC 4180 with a head."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(titles)
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return file.getvalue()


def json_text(request: HttpRequest, rows: list[dict[str, object]], now: datetime, *, is_cut: bool) -> str:
    """The rows with the moment and the address that they are from, and whether there are more."""
    told = {"at": now.isoformat(), "address": request.get_full_path(), "cut": is_cut, "rows": rows}
    return json.dumps(told, ensure_ascii=False)


def plain_value(value: object) -> object:
    """As JSON takes it: moments in ISO 8601, words of enumerations, lists of such; anything else as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def cell(value: object) -> object:
    """One cell of CSV; a text that a spreadsheet would run as a formula gets an apostrophe in front (CWE-1236)."""
    if isinstance(value, list):
        return cell(", ".join(map(str, value)))
    if isinstance(value, dict):
        return cell(json.dumps(value, ensure_ascii=False))
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
