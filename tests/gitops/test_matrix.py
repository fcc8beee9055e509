"""The matrix of components and clusters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import Role
from apps.gitops.matrix import MOST_COLUMNS
from apps.gitops.models import Application
from tests.pages import HOSTILE, RTL, asked_again, html_of, queries_of, text_of
from tests.rows import REVISION, ago, application_row, cluster_row, source_row, stale

pytestmark = pytest.mark.database

URL = "/apps/matrix/"
OTHER = "9" * 40
MOST_NODES = 5000


@pytest.fixture(autouse=True)
def _fleet(db: None) -> None:
    source_row("argocd/production", title="Argo CD production: Applications")
    for position, (name, environment, ring) in enumerate(
        [
            ("stg-m01", "staging", 1),
            ("prd-m01", "production", 1),
            ("prd-m02", "production", 2),
            ("prd-m03", "production", 2),
        ]
    ):
        cluster_row(name, environment=environment, ring=ring, position=position)
        source_row(f"kubernetes/{name}")


def placed(component: str, cluster: str, **fields: Any) -> Application:
    """The component's Application on that cluster."""
    environment = "staging" if cluster.startswith("stg") else "production"
    defaults = {"set_name": component, "cluster": cluster, "environment": environment}
    return application_row(fields.pop("name", f"{component}-{cluster}"), **{**defaults, **fields})


def degraded(component: str, cluster: str, **fields: Any) -> Application:
    """The same, Degraded."""
    told = {"tone": "warning", "health_status": "Degraded", "reason": "Degraded: no progress"}
    return placed(component, cluster, **{**told, **fields})


def components_in(html: str) -> list[str]:
    """The rows in their order."""
    return re.findall(r'<tr data-row="(.*?)">', html)


def clusters_in(html: str) -> list[str]:
    """The columns in their order."""
    head = html.partition("<thead>")[2].partition("</thead>")[0]
    return re.findall(r'class="place">.*?<bdi>(.*?)</bdi>', head)


def cells_of(html: str, component: str) -> list[str]:
    """The cells of a row, as HTML."""
    row = html.partition(f'<tr data-row="{component}">')[2].partition("</tr>")[0]
    return re.findall(r"<td.*?</td>", row.partition("</th>")[2])


def test_a_cell_says_sync_health_revision_since_and_why_and_leads_to_the_application(viewer: Client) -> None:
    degraded("build", "prd-m01", tone_since=ago(minutes=14))
    html = html_of(viewer, URL)
    [cell] = cells_of(html, "build")
    assert 'href="/apps/production/argocd/build-prd-m01/"' in cell
    assert 'aria-label="warning"' in cell
    told = f"prd-m01: build-prd-m01 warning, Synced, Degraded, revision {REVISION[:7]}, since "
    assert f'title="{told}' in cell
    assert "Degraded: no progress" in cell
    assert "data-since=" in cell


def test_columns_stand_in_the_fleets_order_under_environment_and_ring(viewer: Client) -> None:
    for cluster in ("prd-m02", "prd-m03", "stg-m01", "prd-m01"):
        degraded("build", cluster)
    html = html_of(viewer, URL)
    assert clusters_in(html) == ["stg-m01", "prd-m01", "prd-m02", "prd-m03"]
    assert re.findall(r'colspan="(\d)"><bdi>(\w+)', html) == [("1", "staging"), ("3", "production")]
    assert re.findall(r'colspan="(\d)">(ring \d)', html) == [("1", "ring 1"), ("1", "ring 1"), ("2", "ring 2")]


def test_a_columns_head_shows_the_clusters_own_tone_and_leads_to_it(viewer: Client) -> None:
    cluster_row("prd-bad", tone="critical", reason="lost", position=9)
    source_row("kubernetes/prd-bad")
    degraded("build", "prd-bad")
    head = html_of(viewer, URL).partition("<thead>")[2].partition("</thead>")[0]
    assert 'href="/clusters/prd-bad/" title="prd-bad: critical, lost"' in head
    assert 'class="shape critical"' in head


def test_the_worst_row_is_first_and_quiet_ones_are_folded_with_their_count(viewer: Client) -> None:
    placed("quiet", "prd-m01")
    placed("calm", "prd-m02")
    degraded("worse", "prd-m01")
    degraded("worst", "prd-m02", tone="critical")
    html = html_of(viewer, URL)
    assert components_in(html) == ["worst", "worse"]
    assert "and 2 quiet components" in text_of(html)
    opened = html_of(viewer, f"{URL}?rows=all")
    assert components_in(opened) == ["worst", "worse", "calm", "quiet"]
    assert "Fold the quiet components" in text_of(opened)
    assert 'href="?environment=all&amp;rows=all"' in html


def test_a_quiet_fleet_says_so_in_a_sentence(viewer: Client) -> None:
    placed("one", "prd-m01")
    placed("two", "prd-m01")
    text = text_of(html_of(viewer, URL))
    assert "Nothing to say: all 2 components are well where they run" in text
    assert "and 2 quiet components" in text


def test_a_component_asked_for_by_name_is_not_folded(viewer: Client) -> None:
    placed("quiet", "prd-m01")
    assert components_in(html_of(viewer, f"{URL}?set=quiet")) == ["quiet"]
    assert components_in(html_of(viewer, f"{URL}?q=quie")) == ["quiet"]


def test_another_revision_than_most_of_the_row_is_marked_without_colour(viewer: Client) -> None:
    placed("build", "prd-m01")
    placed("build", "prd-m02")
    placed("build", "prd-m03", sync_revision=OTHER)
    html = html_of(viewer, URL)
    assert components_in(html) == ["build"]
    first, second, third = cells_of(html, "build")
    assert "≠" in third
    assert "another revision than most here" in third
    assert "≠" not in first + second
    assert "2 revisions in production" in text_of(html)


def test_another_environment_may_run_another_revision(viewer: Client) -> None:
    placed("build", "prd-m01")
    placed("build", "stg-m01", sync_revision=OTHER)
    html = html_of(viewer, URL)
    assert components_in(html) == []
    assert "revisions in" not in text_of(html)


def test_where_no_revision_is_ahead_all_are_marked_and_one_not_known_is_not(viewer: Client) -> None:
    placed("build", "prd-m01")
    placed("build", "prd-m02", sync_revision=OTHER)
    placed("build", "prd-m03", sync_revision="")
    first, second, third = cells_of(html_of(viewer, URL), "build")
    assert "≠" in first
    assert "≠" in second
    assert "≠" not in third


def test_other_repositories_are_not_compared(viewer: Client) -> None:
    placed("build", "prd-m01")
    placed("build", "prd-m02", sync_revision=OTHER, repo_url="https://github.com/another/one.git")
    assert "≠" not in html_of(viewer, f"{URL}?rows=all").partition("</table>")[0]


def test_a_cell_holds_several_applications_the_worst_first(viewer: Client) -> None:
    placed("build", "prd-m01", name="b1")
    placed("build", "prd-m01", name="b2")
    degraded("build", "prd-m01", name="b3")
    [cell] = cells_of(html_of(viewer, URL), "build")
    assert re.findall(r'aria-label="(\w+)"', cell) == ["warning", "well"]
    assert "</svg>2" in cell
    assert "set=build&amp;cluster=prd-m01" in cell
    for name in ("b1", "b2", "b3"):
        assert f"{name} w" in cell


def test_sets_are_one_row_across_instances_and_without_a_set_the_name_is_the_row(viewer: Client) -> None:
    source_row("argocd/staging", title="Argo CD staging")
    placed("build", "prd-m01")
    degraded("build", "stg-m01", instance="staging")
    degraded("", "prd-m01", name="alone")
    html = html_of(viewer, URL)
    assert sorted(components_in(html)) == ["alone", "build"]
    assert len([cell for cell in cells_of(html, "build") if "href" in cell]) == 2


def test_in_cluster_is_the_control_plane_of_its_instance(viewer: Client) -> None:
    degraded("all-sets", "", destination="https://kubernetes.default.svc")
    degraded("another", "", destination="https://somewhere.example.com:6443")
    html = html_of(viewer, URL)
    assert clusters_in(html) == ["control plane of production", "other places"]
    assert "not in the fleet file" in text_of(html)


def test_a_stale_source_makes_cells_unknown_and_leaves_what_is_broken(viewer: Client) -> None:
    source_row("argocd/old")
    stale(source_row("argocd/older"))
    placed("fine", "prd-m01", instance="older")
    degraded("broken", "prd-m01", instance="older")
    html = html_of(viewer, URL)
    assert components_in(html) == ["broken", "fine"]
    assert 'class="shape warning stale"' in cells_of(html, "broken")[0]
    assert 'class="shape unknown stale"' in cells_of(html, "fine")[0]
    assert "is stale: what it told is from 10 m ago" in text_of(html)


def test_filters_and_tones_are_kept_between_list_and_matrix(viewer: Client) -> None:
    degraded("build", "prd-m01")
    degraded("other", "prd-m01", health_status="Missing")
    html = html_of(viewer, f"{URL}?health=Degraded&tone=warning")
    assert components_in(html) == ["build"]
    assert 'href="/apps/?health=Degraded&amp;tone=warning&amp;environment=all"' in html
    there = html_of(viewer, "/apps/?health=Degraded")
    assert 'href="/apps/matrix/?health=Degraded&amp;environment=all"' in there


def test_what_cannot_be_asked_for_is_told(viewer: Client) -> None:
    degraded("build", "prd-m01")
    html = html_of(viewer, f"{URL}?rows=some&across=x")
    assert escape("There is no rows “some”: that filter is left out.") in html
    assert components_in(html) == ["build"]


def test_on_a_phone_only_cells_with_something_to_say_have_a_head_and_the_well_are_counted(viewer: Client) -> None:
    placed("build", "prd-m01")
    placed("build", "prd-m03")
    degraded("build", "prd-m02")
    html = html_of(viewer, URL)
    assert [('data-head="prd-m02"' in cell) for cell in cells_of(html, "build")] == [False, True, False]
    assert "well on 2" in text_of(html)


def test_f25_f28_hostile_names_are_only_text(viewer: Client) -> None:
    degraded(HOSTILE, "prd-m01", name=HOSTILE, reason=HOSTILE, sync_status=HOSTILE[:50])
    degraded(RTL, "prd-m01", name=RTL, reason=RTL)
    html = html_of(viewer, URL).partition("<main")[2]
    assert "<img" not in html
    assert "{{7919*7}}" in html
    assert "\u202e" not in html
    assert "U+202E" in html


def test_f27_huge_texts_keep_a_cell_bounded(viewer: Client) -> None:
    for number in range(200):
        degraded("build", "prd-m01", name=f"{number}-{'n' * 240}", reason="r" * 1000)
    [cell] = cells_of(html_of(viewer, URL), "build")
    assert "and 195 more" in cell
    assert len(cell) < 4000


def test_f29_a_name_that_cannot_stand_in_an_address_leads_to_the_list(viewer: Client) -> None:
    degraded("odd", "prd-m01", name="a/../b")
    assert 'href="/apps/?environment=all&amp;q=a%2F..%2Fb"' in cells_of(html_of(viewer, URL), "odd")[0]


def test_it_is_polled_and_204_while_nothing_changed(viewer: Client) -> None:
    degraded("build", "prd-m01")
    polled = asked_again(html_of(viewer, URL))
    assert viewer.get(polled, headers={"HX-Request": "true"}).status_code == 204
    assert viewer.get(URL, headers={"HX-Request": "true"}).content.decode().startswith('<div id="live"')


def big_fleet(clusters: int, components: int) -> None:
    """So many clusters, each with all components; every tenth Application is not well, every fiftieth is elsewhere."""
    for number in range(clusters):
        cluster_row(f"big-{number:03}", environment="production", ring=number % 4, position=100 + number)
        source_row(f"kubernetes/big-{number:03}")
    template = placed("template", "prd-m01")
    fields = {
        field.attname: getattr(template, field.attname)
        for field in Application._meta.concrete_fields
        if field.name != "id"
    }
    template.delete()
    rows = []
    for number in range(clusters * components):
        place, component = f"big-{number % clusters:03}", f"component-{number // clusters:03}"
        own = {"name": f"{component}-{place}", "set_name": component, "cluster": place}
        own |= {"tone": "warning"} if number % 10 == 0 else {}
        own |= {"sync_revision": OTHER} if number % 50 == 7 else {}
        rows.append(Application(**{**fields, **own}))
    Application.objects.bulk_create(rows)


def test_5000_applications_on_100_clusters_stay_within_bounds(viewer: Client) -> None:
    degraded("build", "prd-m01")
    few = queries_of(viewer, f"{URL}?environment=all")
    big_fleet(100, 50)
    assert queries_of(viewer, f"{URL}?environment=all") == few
    assert few <= 16
    for query in ("", "?rows=all&columns=all", "?rows=all&columns=all&across=3&page=2"):
        html = html_of(viewer, f"{URL}{query}")
        assert len(re.findall(r"<[a-z]", html)) <= MOST_NODES
        assert 1 <= len(clusters_in(html)) <= MOST_COLUMNS
    text = text_of(html_of(viewer, f"{URL}?rows=all&columns=all"))
    assert "of 51 components, clusters 1 to 24 of 101" in text
    assert "All 5001 applications as" in text


def test_quiet_columns_are_folded_where_there_are_many(viewer: Client) -> None:
    big_fleet(30, 1)
    html = html_of(viewer, URL)
    assert clusters_in(html) == ["big-000", "big-020", "big-010", "big-007"]
    assert "and 26 quiet clusters" in text_of(html)
    assert len(clusters_in(html_of(viewer, f"{URL}?columns=all"))) == MOST_COLUMNS
    assert len(clusters_in(html_of(viewer, f"{URL}?columns=all&across=2"))) == 30 - MOST_COLUMNS


def test_of_too_many_columns_those_with_the_worst_come_first_in_the_fleets_order(viewer: Client) -> None:
    big_fleet(40, 1)
    Application.objects.update(tone="warning")
    Application.objects.filter(cluster__in=["big-039", "big-033"]).update(tone="critical")
    html = html_of(viewer, URL)
    shown = clusters_in(html)
    assert len(shown) == MOST_COLUMNS
    assert {"big-039", "big-033"} <= set(shown)
    assert "clusters 1 to 24 of 40, those with the worst first" in text_of(html)
    ring_of = [int(name[4:]) % 4 for name in shown]
    assert ring_of == sorted(ring_of)
    second = clusters_in(html_of(viewer, f"{URL}?across=2"))
    assert len(second) == 40 - MOST_COLUMNS
    assert not set(second) & set(shown)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_it(signed_in: Callable[[Role], Client], role: Role) -> None:
    assert signed_in(role).get(URL).status_code == 200


def test_nobody_without_a_role_sees_it(nobody: Client, client: Client) -> None:
    assert nobody.get(URL).status_code == 403
    assert client.get(URL)["Location"].startswith("/accounts/sign-in/")


def test_its_title_stays_when_it_is_brought_up_to_date(viewer: Client) -> None:
    application_row("build", cluster="prd-m01")
    brought = viewer.get(URL, headers={"HX-Request": "true"}).content.decode()
    for text in (html_of(viewer, URL), brought):
        assert re.findall(r"<title>(.*?) ·", text) == ["Matrix of applications"]
