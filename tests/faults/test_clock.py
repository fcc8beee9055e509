"""A portal whose clock is ten minutes off: its ages come from the database's clock, and the skew is shown (F24)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.sources.models import SourceState
from tests.faults.processes import environment, python, static_files_of
from tests.faults.stage import ALERTMANAGERS, Stage, is_sqlite, words_of
from tests.servers import program

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

MINUTES_OFF = 10
KEY = ALERTMANAGERS[0]
READER = """
import json, sys
import django
django.setup()
from datetime import UTC, datetime
from django.conf import settings
from django.test import Client
from apps.alerts.tasks import read_alertmanager
from apps.core.clock import database_now
key, cookie = sys.argv[1:]
read_alertmanager(key=key)
browser = Client(headers={"host": "127.0.0.1"})
browser.cookies[settings.SESSION_COOKIE_NAME] = cookie
answer = browser.get(f"/sources/{key}/")
told = {
    "wall": datetime.now(UTC).isoformat(),
    "database": database_now().isoformat(),
    "status": answer.status_code,
    "page": answer.content.decode(),
}
print(json.dumps(told))
"""


def read_ten_minutes_off(stage: Stage, folder: Path, offset: str) -> dict[str, Any]:
    """What a portal told after one read, whose clock is off by so much."""
    faketime = program("faketime", "faketime")
    env = environment(folder / "state", stage.file.path, FAKETIME_DONT_FAKE_MONOTONIC="1")
    static_files_of(env)
    (folder / "state" / "secret-key").write_text(settings.SECRET_KEY)
    cookie = stage.viewer.cookies[settings.SESSION_COOKIE_NAME].value
    told: dict[str, Any] = json.loads(
        python(READER, KEY, cookie, env=env, before=(faketime, "-f", offset)).splitlines()[-1]
    )
    return told


@pytest.mark.parametrize(("offset", "words"), [("+10m", "behind"), ("-10m", "ahead of")])
def test_f24_a_portal_whose_clock_is_off_shows_it_and_counts_ages_by_one_clock(
    stage: Stage, tmp_path: Path, offset: str, words: str
) -> None:
    told = read_ten_minutes_off(stage, tmp_path, offset)
    seconds_off = MINUTES_OFF * 60 * (1 if offset.startswith("+") else -1)
    wall, own = datetime.fromisoformat(told["wall"]), datetime.now(UTC)
    assert abs((wall - own).total_seconds() - seconds_off) < 60, "faketime did not take hold"

    source = stage.source(KEY)
    assert source.skew == pytest.approx(-seconds_off, abs=5)
    assert told["status"] == 200, "a session of a right clock holds"
    page = words_of(told["page"])
    assert re.search(rf"its clock is (59|60)\d s {words} ours", page), page
    assert "fresh" in page

    seen_by = datetime.fromisoformat(told["database"])
    assert source.succeeded_at
    assert abs((source.succeeded_at - seen_by).total_seconds()) < 30, "the read's moment is not the database's"
    if not is_sqlite():  # whose clock is that of the process that asks
        assert abs((seen_by - own).total_seconds()) < 30
        assert source.state(database_now()) is SourceState.FRESH
    ages = [seen_by - began for began in Episode.objects.values_list("began_at", flat=True)]
    assert min(ages) >= timedelta(0), "an alert of the future"
