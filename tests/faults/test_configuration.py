"""A fleet file that is wrong, and one that lost a source, while the portal runs (faults.md, F54 and F55)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from apps.accounts.models import Role
from apps.alerts.models import Episode
from apps.fleet.overlay import overlay_now
from apps.gitops.models import Application
from apps.sources.models import Source
from tests.faults.stage import PAGES, Stage

pytestmark = [pytest.mark.database, pytest.mark.django_db]

GONE_CLUSTER = "stone-prd-rh01"
NAMES_OF = re.compile(r'href="/(?:apps|clusters|sources|alerts)/([^"?]+)"')


def without(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """That part of the fleet file without the thing of this name."""
    return {kind: [one for one in document[kind] if one["name"] != name]}


def test_f54_a_wrong_file_is_kept_out_told_on_sources_and_changes_nothing(
    stage: Stage, signed_in: Callable[[Role | None], Client]
) -> None:
    stage.read()
    before = list(Source.objects.order_by("pk").values("key", "is_archived", "interval"))
    wrong = [
        {"name": "appsre", "members": ["ftp://somewhere"], "intervall": "10s"},
        {"name": "appsre", "members": ["http://user:hunter2@127.0.0.1:1"], "interval": "0s"},
    ]
    stage.put(alertmanagers=wrong, prometheuses=[])
    assert list(Source.objects.order_by("pk").values("key", "is_archived", "interval")) == before
    told = signed_in(Role.ADMIN).get("/sources/").content.decode()
    for problem in ("alertmanagers[0].members[0]", "alertmanagers[0].intervall", "alertmanagers[1].interval"):
        assert problem in told, problem
    assert "hunter2" not in told
    for path in PAGES:
        assert "18 of 18 sources" in stage.text(path), path
    stage.read("alertmanager/appsre/0")
    assert stage.source("alertmanager/appsre/0").failures == 0, "the file before stays in force"


def test_f55_what_left_the_file_is_archived_and_on_no_page_as_well(stage: Stage) -> None:
    stage.read()
    kept = Application.objects.filter(instance="production").count()
    assert Episode.objects.firing().filter(alertmanager="rhobs").exists()
    removed = without(stage.document, "argocd", "production") | without(stage.document, "clusters", GONE_CLUSTER)
    stage.put(**removed, observatorium=[], alertmanagers=stage.document["alertmanagers"])
    archived = set(Source.objects.filter(is_archived=True).values_list("key", flat=True))
    assert archived == {
        "argocd/production",
        "argocd-inventory/production",
        "alertmanager/rhobs/0",
        "prometheus/rhobs",
        f"kubernetes/{GONE_CLUSTER}",
    }
    assert Application.objects.filter(instance="production").count() == kept, "nothing is deleted"
    for path in PAGES:
        html = stage.html(f"{path}?environment=all")
        shown = " ".join(NAMES_OF.findall(html.partition('id="changed"')[0]))  # the timeline is history
        assert "production/argocd" not in shown, path
        assert "rhobs" not in shown, path
        assert GONE_CLUSTER not in shown or path == "/alerts/", path  # an alert still names the cluster it is about
        assert "13 of 13 sources" in stage.text(path), path


def test_f55_counts_hold_without_what_left_the_file(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.read()
    stage.put(**without(stage.document, "argocd", "production"))
    call_command("portal_status")
    told = capsys.readouterr().out
    assert "production" not in told.partition("pplications")[2].partition("lerts")[0]
    staging = Application.objects.filter(instance="staging")
    assert Application.objects.current(overlay_now()).count() == staging.count()


def test_f55_pages_of_single_things_that_left_the_file_say_so_and_show_no_well(stage: Stage) -> None:
    stage.read()
    application = Application.objects.filter(instance="production", tone="well")[0]
    episode = Episode.objects.firing().filter(alertmanager="rhobs", tone="held")[0]
    changes = without(stage.document, "argocd", "production") | without(stage.document, "clusters", GONE_CLUSTER)
    stage.put(**changes, observatorium=[])
    for path in (
        f"/apps/production/{application.namespace}/{application.name}/",
        f"/alerts/rhobs/{episode.fingerprint}/",
        f"/clusters/{GONE_CLUSTER}/",
        "/sources/argocd/production/",
    ):
        head = stage.html(path).partition("<main")[2].partition("</section>")[0]
        assert "left the fleet file" in head, path
        assert 'class="pill well"' not in head, path
        assert 'class="pill held"' not in head, path


def test_f55_what_comes_back_is_read_anew_before_it_is_believed(stage: Stage) -> None:
    stage.read()
    whole = stage.document["argocd"]
    stage.put(**without(stage.document, "argocd", "production"))
    stage.age(3600)
    stage.put(argocd=whole)
    source = stage.source("argocd/production")
    assert not source.is_archived
    assert source.next_try_at is None, "it is due at once"
    assert "production" in overlay_now().doubtful_instances, "what it told an hour ago is no evidence"
    stage.read("argocd/production")
    assert "production" not in overlay_now().doubtful_instances
