"""Sources that are away, as the pages tell it: one, all from the start, all after data (faults.md, F1, F2, F3)."""

from __future__ import annotations

import re
import shutil

from apps.alerts.models import Episode
from apps.gitops.models import Application
from apps.sources.models import Source
from tests.faults.stage import ALERTMANAGERS, PAGES, Stage

CLUSTER = "stone-prd-m01"
ZERO = re.compile(r"[>:]\s*0\s*<|\b(?<!member )0 (?!of 18\b)[a-z]{2}\w*")
WELL_COUNT = re.compile(r"\b(\d+) well\b")
BADGES = re.compile(r"Alerts (\d+) need somebody Applications (\d+) need somebody")


def stop_everything(stage: Stage) -> None:
    for server in stage.demo.urls:
        stage.demo.fault(server, "refuse")
    shutil.rmtree(stage.demo.fleet_file.parent / "sop")


def test_f1_the_last_alerts_of_an_alertmanager_that_refuses_stay_with_their_age(stage: Stage) -> None:
    stage.read()
    before = alert_rows()
    stage.demo.fault(ALERTMANAGERS[0], "refuse")
    stage.age(300, ALERTMANAGERS[0])
    stage.read(ALERTMANAGERS[0])
    page = stage.text("/alerts/?environment=all")
    assert "Alertmanager appsre, member 0 is stale: what it told is from 5 m ago ( it refuses connections )" in page
    assert "Alertmanager appsre, member 1" not in page, "the other member is as it was"
    assert "proves nothing" not in page, "the member that answers speaks for the group"
    assert alert_rows() == before
    for path in PAGES:
        assert "17 of 18 sources" in stage.text(path)
    assert "what it told" not in stage.text("/apps/"), "others are not touched"


def alert_rows() -> set[tuple[str, str]]:
    return set(Episode.objects.firing().values_list("name", "state"))


def test_f2_when_nothing_was_ever_reached_every_page_says_so_and_none_shows_a_zero_or_a_well(stage: Stage) -> None:
    stop_everything(stage)
    stage.read()
    assert set(Source.objects.values_list("succeeded_at", flat=True)) == {None}
    for path in (*PAGES, f"/clusters/{CLUSTER}/", "/sources/argocd/production/"):
        html, text = stage.html(path), stage.text(path)
        assert "18 sources are not reached yet" in text, path
        assert re.search(r"[Nn]ever re(ad|ached)|Not known|not reached", text), path
        assert not ZERO.findall(html.partition("<main")[2]), path
        assert not WELL_COUNT.findall(text), path
        assert 'class="pill well"' not in html, path
    assert "Not known: no Alertmanager has answered yet" in stage.text("/alerts/")
    assert "Not known: no Argo CD has answered yet" in stage.text("/apps/")


def test_f3_when_all_went_away_after_data_everything_stays_with_its_age_and_no_count_falls_to_zero(
    stage: Stage,
) -> None:
    stage.read()
    [before] = BADGES.findall(stage.text("/"))
    rows = alert_rows(), set(Application.objects.values_list("name", "sync_status", "health_status"))
    stop_everything(stage)
    stage.age(600)
    for _ in range(3):
        stage.read()
    for path in PAGES:
        text = stage.text(path)
        assert "18 sources are down" in text, path
        assert "0 of 18 sources" in text, path
        assert not WELL_COUNT.findall(text), path
    [after] = BADGES.findall(stage.text("/"))
    assert int(after[0]) >= int(before[0]) > 0
    assert int(after[1]) == Application.objects.count(), "none is known to be well any more"
    assert "is from 10 m ago ( it refuses connections )" in stage.text("/alerts/")
    assert rows == (alert_rows(), set(Application.objects.values_list("name", "sync_status", "health_status")))
