"""Search: by any part of a name, the best first, with true counts, in a constant number of queries."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from apps.actions.silences.form import alert_address
from apps.actions.states import State
from apps.core.clock import database_now
from apps.core.tones import Tone
from apps.dashboard.names import NAMED_TOPICS, Grade, Name, best, names_lately
from apps.dashboard.search import search
from apps.fleet.overlay import overlay_now
from apps.gitops.models import ApplicationSet
from apps.runbooks.models import Runbook
from tests.actions.log import request_row
from tests.pages import HOSTILE, ends_of, html_of, queries_of, topics_on
from tests.rows import ago, application_row, broken, cluster_row, down, episode_row, source_row

pytestmark = pytest.mark.django_db


def titles(told: str) -> dict[str, list[str]]:
    """What is found, by kind, in the order in which it is shown."""
    return {
        kind.name: [each.title for each in kind.found] for kind in search(told, names_lately(), overlay_now()).kinds
    }


def names(*words: str) -> list[Name[str]]:
    return [Name.of(word, word) for word in words]


def test_the_name_itself_comes_first_then_beginnings_then_words_then_parts() -> None:
    found = best("api", names("rapid", "konflux-api", "api-server", "api"))
    assert found.keys == ["api", "api-server", "konflux-api", "rapid"]
    assert (found.count, found.grade) == (4, Grade.EXACT)


def test_a_word_begins_at_a_capital_too() -> None:
    assert best("error", names("terrorized", "KonfluxAPIServerHighErrorRate")).keys[0].startswith("Konflux")
    assert best("server", names("observers", "KonfluxAPIServerHighErrorRate")).keys[0].startswith("Konflux")


def test_all_words_must_be_there_in_any_order() -> None:
    found = best("m01 Build", names("build-service-stone-prd-m01", "build-service-stone-prd-m02", "has-stone-prd-m01"))
    assert found.keys == ["build-service-stone-prd-m01"]


def test_every_kind_is_found() -> None:
    cluster_row("stone-prd-m01")
    application_row("has-stone-prd-m01")
    episode_row("stone-is-down")
    ApplicationSet.objects.create(instance="production", namespace="argocd", name="stone")
    source_row("kubernetes/stone-prd-m01", title="Kubernetes API of stone-prd-m01")
    assert titles("Stone") == {
        "sets": ["stone"],
        "clusters": ["stone-prd-m01"],
        "alerts": ["stone-is-down"],
        "applications": ["has-stone-prd-m01"],
        "sources": ["Kubernetes API of stone-prd-m01"],
    }


def test_a_set_is_well_only_where_its_inventory_is_fresh_and_told_its_conditions() -> None:
    told = [{"type": "ResourcesUpToDate", "status": "True", "message": "", "reason": ""}]
    for name, conditions in (("stone-a", told), ("stone-b", [])):
        row = {"instance": "production", "namespace": "argocd"}
        ApplicationSet.objects.create(name=name, conditions=conditions, **row)
    source_row("argocd/production")
    inventory = source_row("argocd-inventory/production")

    def tones() -> list[Tone]:
        return [found.tone for kind in search("stone", names_lately(), overlay_now()).kinds for found in kind.found]

    assert tones() == [Tone.WELL, Tone.UNKNOWN]
    down(inventory)
    assert tones() == [Tone.UNKNOWN, Tone.UNKNOWN]


def test_among_equals_the_worst_comes_first() -> None:
    application_row("has-a")
    broken("has-b")
    application_row("has-c", tone="unknown")
    assert titles("has")["applications"] == ["has-b", "has-c", "has-a"]


def test_counts_are_those_of_all_and_the_list_shows_as_many(viewer: Client) -> None:
    for number in range(12):
        application_row(f"has-prd-{number:02d}")
    application_row("other")
    (kind,) = search("prd has", names_lately(), overlay_now()).kinds
    assert (kind.count, len(kind.found), kind.is_cut) == (12, 8, True)
    assert "1 to 12 of 12 applications" in html_of(viewer, kind.all_url)


def test_alerts_that_fire_come_before_those_that_ended_lately_and_old_ones_are_left_out() -> None:
    now = database_now()
    episode_row("Slow", fingerprint="1", severity="warning")
    episode_row("SlowEnded", fingerprint="2", severity="critical", began_at=ago(hours=2), ended_at=ago(hours=1))
    episode_row("SlowOld", fingerprint="3", began_at=ago(days=4), ended_at=ago(days=3))
    (kind,) = search("slow", names_lately(), overlay_now()).kinds
    assert [(each.title, each.said) for each in kind.found] == [("Slow", "warning"), ("SlowEnded", "ended")]
    assert "1 firing, 1 ended" in kind.remark
    assert kind.found[1].since is not None
    assert kind.found[1].since < now


def test_an_alert_that_came_and_went_often_is_found_once() -> None:
    for hours in (1, 2, 3):
        episode_row("Flapping", fingerprint="1", began_at=ago(hours=hours, minutes=5), ended_at=ago(hours=hours))
    episode_row("Flapping", fingerprint="1", began_at=ago(minutes=1))
    (kind,) = search("flap", names_lately(), overlay_now()).kinds
    assert (kind.count, kind.found[0].said) == (1, "critical")


def test_what_is_found_is_never_greener_than_its_evidence() -> None:
    down(source_row("argocd/production"))
    application_row("has-a")
    (kind,) = search("has", names_lately(), overlay_now()).kinds
    assert kind.found[0].tone == "unknown"


def test_runbooks_and_what_people_asked_for_are_found_too() -> None:
    source_row("runbooks/sop")
    row = {"source": "sop", "text": "", "read_at": database_now()}
    Runbook.objects.create(path="infra/etcd.md", title="etcd fills up", **row)
    Runbook.objects.create(path="infra/pods.md", title="etcd pods", problem="broken letters", **row)
    request_row(subject="etcd-prd", state=State.SUCCEEDED)
    found = {kind.name: kind.found for kind in search("etcd", names_lately(), overlay_now()).kinds}
    assert [(each.title, each.tone) for each in found["runbooks"]] == [
        ("etcd fills up", "well"),
        ("etcd pods", "unknown"),
    ]
    assert found["runbooks"][0].url == "/runbooks/sop/infra/etcd.md/"
    assert [(each.title, each.place, each.said) for each in found["actions"]] == [
        ("Resync etcd-prd", "remy", "succeeded")
    ]
    assert [kind.name for kind in search("resync remy", names_lately(), overlay_now()).kinds] == ["actions"]


def test_nothing_asked_is_nothing_found() -> None:
    application_row("has-a")
    assert search("  ", names_lately(), overlay_now()).kinds == []
    assert search("nothing like it", names_lately(), overlay_now()).kinds == []


def test_percent_and_underscore_are_letters() -> None:
    application_row("has-a")
    assert titles("%") == {}
    assert titles("h_s") == {}


def test_the_fragment_is_a_list_to_choose_from_and_the_page_a_page(viewer: Client) -> None:
    broken("has-a")
    page = viewer.get("/search/?q=has").content.decode()
    fragment = viewer.get("/search/box/?q=has").content.decode()
    assert "<h1>Search</h1>" in page
    assert 'role="option"' not in page.partition("<main")[2].partition("</main>")[0]
    assert 'id="found" role="listbox"' in fragment
    assert "<html" not in fragment
    assert "/apps/production/argocd/has-a/" in page
    assert "/apps/production/argocd/has-a/" in fragment


def test_what_is_searched_for_and_found_is_only_text(viewer: Client) -> None:
    episode_row(HOSTILE, fingerprint="1")
    answer = viewer.get("/search/box/", {"q": "<img src=x"}).content.decode()
    assert "<img" not in answer
    assert "&lt;img" in answer


@pytest.mark.parametrize("path", ["/search/", "/search/box/"])
def test_search_is_for_people_with_a_role_and_never_kept(client: Client, viewer: Client, path: str) -> None:
    assert client.get(path, {"q": "a"}).status_code == 302
    assert "no-store" in viewer.get(path, {"q": "a"}).headers["Cache-Control"]


def test_the_page_listens_where_something_is_looked_for(viewer: Client) -> None:
    assert topics_on(viewer, "/search/") == {"sources"}
    assert topics_on(viewer, "/search/?q=has") == set(NAMED_TOPICS)


def test_an_alert_that_fires_can_be_silenced_by_key_by_who_may(viewer: Client, responder: Client) -> None:
    firing = episode_row("Slow", fingerprint="1")
    episode_row("SlowEnded", fingerprint="2", began_at=ago(hours=2), ended_at=ago(hours=1))
    page = html.unescape(html_of(responder, "/search/?q=slow"))
    assert page.count(f'data-silence="{alert_address(firing)}"') == page.count("data-silence") == 1
    assert "data-silence" not in html_of(viewer, "/search/?q=slow")


def test_the_page_changes_when_an_alert_has_ended_too_long_ago(viewer: Client) -> None:
    application_row("has-a")
    episode_row("Slow", began_at=ago(hours=25), ended_at=ago(hours=23, minutes=55))
    now = database_now().timestamp()
    assert 290 < ends_of(html_of(viewer, "/search/?q=slow")) - now <= 300
    assert ends_of(html_of(viewer, "/search/?q=has")) - now > 800, "it shows no alert"


@pytest.mark.parametrize("path", ["/search/", "/search/box/"])
def test_queries_do_not_grow_with_what_is_found(viewer: Client, path: str) -> None:
    application_row("has-0")
    few = queries_of(viewer, f"{path}?q=has")
    for number in range(1, 30):
        application_row(f"has-{number}")
        episode_row(f"has{number}", fingerprint=f"{number}")
        cluster_row(f"has-{number}")
    assert queries_of(viewer, f"{path}?q=has") <= few + 1
