"""The list of Applications."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import Role
from apps.gitops.models import Application, Project
from apps.sources.models import Source
from tests.pages import HOSTILE, RTL, asked_again, ends_of, html_of, queries_of, text_of
from tests.rows import REVISION, ago, application_row, broken, cluster_row, down, never, source_row, stale, window_row

pytestmark = pytest.mark.database

URL = "/apps/"


@pytest.fixture(autouse=True)
def _argocd(db: None) -> None:
    source_row("argocd/production", title="Argo CD production: Applications")


def names_in(html: str) -> list[str]:
    """The names of the Applications in their order on the page."""
    return re.findall(r'<th scope="row" class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', html)


def test_a_row_tells_state_cluster_sync_health_reason_revision_and_auto_sync(viewer: Client) -> None:
    broken("build-service", auto_sync=False, condition_types=" SyncError ", tone_since=ago(minutes=14))
    text = text_of(html_of(viewer, URL))
    for told in ("warning", "build-service", "stone-prd-m01", "Synced", "Degraded", "SyncError", "off", "14 m"):
        assert told in text
    assert "2 Deployments exceed their progress deadline" in text
    assert REVISION[:7] in text
    assert REVISION not in text


def test_the_worst_comes_first_and_the_newest_of_one_tone(viewer: Client) -> None:
    application_row("quiet")
    broken("older", tone_since=ago(hours=2))
    broken("newer", tone_since=ago(minutes=2))
    broken("failed", tone="critical")
    application_row("off", tone="held")
    assert names_in(html_of(viewer, URL)) == ["failed", "newer", "older", "off", "quiet"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("cluster", ["c", "a", "b"]),
        ("since", ["b", "c", "a"]),
        ("-since", ["a", "c", "b"]),
        ("-tone", ["a", "c", "b"]),
    ],
)
def test_it_sorts_by_the_column_asked_for(viewer: Client, sort: str, expected: list[str]) -> None:
    application_row("a", cluster="m2", tone_since=ago(minutes=1))
    broken("b", cluster="m3", tone_since=ago(minutes=9))
    application_row("c", cluster="m1", tone="busy", tone_since=ago(minutes=5))
    assert names_in(html_of(viewer, f"{URL}?sort={sort}")) == expected


@pytest.mark.parametrize(
    "query",
    [
        "sync=OutOfSync",
        "health=Degraded",
        "operation=Failed",
        "condition=SyncError",
        "tone=critical",
        "cluster=m9",
        "environment=staging",
        "project=theirs",
        "set=their-set",
        "auto_sync=no",
        "instance=other",
        "q=IND",
    ],
)
def test_each_filter_leaves_what_fits(viewer: Client, query: str) -> None:
    cluster_row("m9", environment="staging")
    application_row("left-out")
    application_row(
        "find-me",
        sync_status="OutOfSync",
        health_status="Degraded",
        operation_phase="Failed",
        condition_types=" SyncError ",
        tone="critical",
        cluster="m9",
        environment="staging",
        project="theirs",
        set_name="their-set",
        auto_sync=False,
        instance="other",
    )
    html = html_of(viewer, f"{URL}?{query}")
    assert names_in(html) == ["find-me"]
    assert "1 to 1 of 1 applications" in text_of(html)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("under-10m", {"new"}),
        ("under-1h", {"new", "half"}),
        ("under-1d", {"new", "half", "hours"}),
        ("over-1h", {"hours", "days", "weeks"}),
        ("over-1d", {"days", "weeks"}),
        ("over-7d", {"weeks"}),
    ],
)
def test_time_in_state_is_a_filter(viewer: Client, word: str, expected: set[str]) -> None:
    ages = {"new": 0.1, "half": 0.5, "hours": 5, "days": 50, "weeks": 500}
    for name, hours in ages.items():
        application_row(name, tone_since=ago(hours=hours))
    application_row("not-known", tone_since=None)
    html = html_of(viewer, f"{URL}?in_state={word}")
    assert set(names_in(html)) == expected
    assert f'<option value="{word}" selected>' in html


def windows_of_test() -> None:
    """A project closed by day and night, one open for ever, one that cannot be read, one without windows."""
    always = {"schedule": "0 0 * * *", "duration": "24h", "applications": ["*"]}
    for name, windows in {
        "frozen": [{**always, "kind": "deny", "description": "freeze"}],
        "open": [{**always, "kind": "allow"}],
        "odd": [{**always, "kind": "deny", "schedule": "at noon"}],
        "none": [],
        "others": [{**always, "kind": "deny", "applications": ["another"]}],
    }.items():
        Project.objects.create(instance="production", name=name, sync_windows=windows)
        application_row(f"in-{name}", project=name)
    application_row("in-unread", project="never-read")
    application_row("elsewhere", project="frozen", instance="without-projects")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("window=closed", {"in-frozen"}),
        ("window=open", {"in-open"}),
        ("window=none", {"in-none", "in-others"}),
        ("window=not-known", {"in-odd", "in-unread", "elsewhere"}),
        ("window=open&window=closed", {"in-open", "in-frozen"}),
        ("window=closed&q=open", set()),
    ],
)
def test_the_windows_state_is_a_filter(viewer: Client, query: str, expected: set[str]) -> None:
    windows_of_test()
    assert set(names_in(html_of(viewer, f"{URL}?{query}"))) == expected


def test_the_windows_state_stands_in_the_row_beside_auto_sync(viewer: Client) -> None:
    windows_of_test()
    text = text_of(html_of(viewer, f"{URL}?sort=name"))
    assert text.count("window closed") == 1
    assert text.count("window not known") == 3
    assert "window open" in text


@pytest.mark.parametrize(
    ("query", "is_short"), [("window=none", True), ("in_state=over-1h", True), ("sync=Synced", False)]
)
def test_a_page_that_time_alone_changes_is_made_anew_each_minute(viewer: Client, query: str, is_short: bool) -> None:
    Source.objects.update(interval=3600.0)
    application_row("here")
    until = ends_of(html_of(viewer, f"{URL}?{query}"))
    assert (until - ago().timestamp() < 62) is is_short


def test_a_page_with_a_window_is_made_anew_when_that_opens(viewer: Client) -> None:
    opens_at = window_row("nightly")
    application_row("here", project="nightly")
    html = html_of(viewer, URL)
    assert "opens in" in text_of(html)
    assert ends_of(html) == opens_at.timestamp()


def test_a_revision_leads_to_the_applications_on_the_same_commit(viewer: Client) -> None:
    application_row("same")
    application_row("other", sync_revision="9" * 40)
    html = html_of(viewer, URL)
    assert f'href="/apps/?environment=all&amp;revision={REVISION}"' in html
    assert names_in(html_of(viewer, f"{URL}?revision={REVISION[:7]}")) == ["same"]


@pytest.mark.parametrize("revision", ["3f2c1d", "%25%25%25%25%25%25%25", "_______'"])
def test_too_short_or_odd_a_revision_is_told(viewer: Client, revision: str) -> None:
    application_row("still-here")
    html = html_of(viewer, f"{URL}?revision={revision}")
    assert "is not the beginning of a revision (7 letters or more): that filter is left out." in html
    assert names_in(html) == ["still-here"]


def test_queries_of_the_window_filter_are_constant(viewer: Client) -> None:
    windows_of_test()
    url = f"{URL}?environment=all&window=closed"
    few = queries_of(viewer, url)
    for number in range(100):
        application_row(f"more-{number}", project="frozen")
    assert queries_of(viewer, url) == few
    assert few <= 20


def exported(client: Client, query: str) -> list[dict[str, str]]:
    """The rows of the file that the address gives."""
    answer = client.get(f"{URL}?environment=all&{query}")
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


@pytest.mark.parametrize("url", [URL, "/apps/matrix/"])
def test_the_file_has_every_row_that_the_filters_keep(viewer: Client, url: str) -> None:
    Application.objects.bulk_create(
        [Application(instance="production", namespace="argocd", name=f"app-{n:04}", tone="well") for n in range(150)]
    )
    broken("left-out")
    answer = viewer.get(f"{url}?environment=all&format=json&tone=well&q=app&page=2")
    assert len(json.loads(answer.content)["rows"]) == 150


def test_a_row_of_the_file_tells_all_that_the_list_knows(viewer: Client) -> None:
    Project.objects.create(instance="production", name="default")
    row = broken("build", auto_sync=False, condition_types=" SyncError OrphanedResourceWarning ")
    [told] = exported(viewer, "format=csv")
    assert told == {
        "state": "warning",
        "reason": "Degraded: 2 Deployments exceed their progress deadline",
        "name": "build",
        "instance": "production",
        "namespace": "argocd",
        "project": "default",
        "set": "build-service",
        "cluster": "stone-prd-m01",
        "environment": "production",
        "sync": "Synced",
        "health": "Degraded",
        "operation": "",
        "conditions": "SyncError, OrphanedResourceWarning",
        "auto-sync": "off",
        "window": "none",
        "acknowledged by": "",
        "acknowledged until": "",
        "revision": REVISION,
        "in state since": row.tone_since.isoformat() if row.tone_since else "",
        "link": "http://testserver/apps/production/argocd/build/",
    }


def test_what_a_stale_source_told_is_unknown_in_the_file_too(viewer: Client) -> None:
    stale(Source.objects.get())
    application_row("fine")
    assert exported(viewer, "format=csv")[0]["state"] == "unknown"


def test_a_formula_is_only_text_in_the_file(viewer: Client) -> None:
    application_row("=cmd()", reason="+1")
    assert exported(viewer, "format=csv")[0]["name"] == "'=cmd()"


def test_several_words_of_one_filter_are_either_or(viewer: Client) -> None:
    for health in ("Healthy", "Degraded", "Missing"):
        application_row(health.lower(), health_status=health)
    assert set(names_in(html_of(viewer, f"{URL}?health=Degraded&health=Missing"))) == {"degraded", "missing"}


def test_a_word_that_the_portal_does_not_know_can_be_filtered_by(viewer: Client) -> None:
    application_row("odd", health_status="Hibernating", tone="unknown")
    application_row("other")
    assert names_in(html_of(viewer, f"{URL}?health=Hibernating")) == ["odd"]


def test_what_has_no_operation_and_no_condition_can_be_asked_for(viewer: Client) -> None:
    application_row("never-synced", operation_phase="")
    application_row("synced", operation_phase="Succeeded", condition_types=" SyncError ")
    assert names_in(html_of(viewer, f"{URL}?operation=not-set&condition=not-set")) == ["never-synced"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sync=Bogus", "There is no sync “Bogus”: that filter is left out."),
        ("page=x", "“x” is not a page number: page 1 is shown."),
        ("page=9", "There is no page 9: the last one, page 1, is shown."),
        ("sort=colour", "Cannot sort by “colour”"),
        ("tone=pink", "There is no tone “pink”"),
        ("page=%00&sync=%F0%9F%92%A9", "is not a page number"),
    ],
)
def test_a_bad_filter_or_page_is_told_and_the_rest_is_shown(viewer: Client, query: str, told: str) -> None:
    application_row("still-here")
    html = html_of(viewer, f"{URL}?{query}")
    assert escape(told) in html
    assert names_in(html) == ["still-here"]


def test_pages_hold_fifty_and_tell_the_true_count(viewer: Client) -> None:
    Application.objects.bulk_create(
        [Application(instance="production", namespace="argocd", name=f"app-{n:04}", tone="well") for n in range(250)]
    )
    html = html_of(viewer, f"{URL}?page=5&sort=name")
    assert "201 to 250 of 250 applications" in text_of(html)
    assert names_in(html)[0] == "app-0200"
    assert len(names_in(html)) == 50


def test_tones_are_counted_as_filter_links(viewer: Client) -> None:
    broken("one")
    broken("two")
    application_row("three")
    html = html_of(viewer, f"{URL}?tone=warning")
    assert len(names_in(html)) == 2
    assert "2 warning" in text_of(html)
    assert "1 well" in text_of(html)
    assert 'href="?tone=well&amp;environment=all"' in html


def test_staleness_makes_what_was_well_unknown_and_leaves_what_is_broken(viewer: Client) -> None:
    application_row("fine")
    broken("broken", tone="critical")
    stale(source_row("argocd/old"))
    Application.objects.update(instance="old")
    html = html_of(viewer, URL)
    assert names_in(html) == ["broken", "fine"]
    assert 'class="pill unknown"' in html
    assert 'class="shape critical stale"' in html
    assert "is stale: what it told is from 10 m ago" in text_of(html)
    assert names_in(html_of(viewer, f"{URL}?tone=unknown")) == ["fine"]


def test_a_source_that_is_down_says_since_when_why_and_when_next(viewer: Client) -> None:
    down(source_row("argocd/old", title="Argo CD old: Applications"))
    application_row("kept", instance="old")
    text = text_of(html_of(viewer, URL))
    assert "Argo CD old: Applications is down: what it told is from 10 m ago" in text
    assert "next try:" in text
    assert "kept" in text


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda source: source, "No applications. Last answer"),
        (never, "Not known: no Argo CD has answered yet."),
        (stale, "Not known: no applications were there when the last Argo CD answered, 10 m ago."),
        (down, "Not known: no applications were there when the last Argo CD answered, 10 m ago."),
        (lambda source: source.delete(), "Not known: the fleet file names no Argo CD."),
    ],
)
def test_a_list_without_rows_says_what_that_is_worth(
    viewer: Client, prepare: Callable[[object], object], told: str
) -> None:
    prepare(Source.objects.get())
    html = html_of(viewer, URL)
    assert told in text_of(html)
    assert "0 applications" not in text_of(html)


def test_an_environment_without_applications_is_named_and_no_filter(viewer: Client) -> None:
    application_row("elsewhere")
    cluster_row("stone-stg-m01", environment="staging")
    text = text_of(html_of(viewer, f"{URL}?environment=staging"))
    assert "No applications in staging . Last answer" in text
    assert "There is no environment" not in text
    narrow = html_of(viewer, f"{URL}?environment=production&q=nothing")
    assert "No applications in production fit these filters. See all applications in production" in text_of(narrow)
    assert '<a href="?environment=production">See all' in narrow


def test_filters_that_fit_nothing_say_so(viewer: Client) -> None:
    application_row("here")
    assert "No applications fit these filters." in text_of(html_of(viewer, f"{URL}?q=zzz"))


def test_f25_hostile_text_is_only_text(viewer: Client) -> None:
    application_row(HOSTILE, reason=HOSTILE, tone="warning", health_status=HOSTILE[:40], project=HOSTILE)
    html = html_of(viewer, URL)
    assert "<img" not in html
    assert "{{7919*7}}" in html
    assert "55433" not in text_of(html)


def test_f28_odd_characters_are_made_visible(viewer: Client) -> None:
    application_row(RTL, cluster="", destination=RTL)
    html = html_of(viewer, URL).partition("<main")[2].partition("<table")[2]
    assert "\u202e" not in html
    assert "U+202E" in html
    assert "U+200B" in html


def test_f29_a_name_that_cannot_stand_in_an_address_is_shown_without_a_link(viewer: Client) -> None:
    application_row("a/../b", namespace="x/y")
    html = html_of(viewer, URL)
    assert "<bdi>a/../b</bdi>" in html
    assert 'href="/apps/production' not in html


def test_a_closed_window_says_when_it_opens(viewer: Client) -> None:
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "24h", "applications": ["*"], "description": "night"}
    Project.objects.create(instance="production", name="frozen", sync_windows=[window])
    application_row("held-back", project="frozen")
    html = html_of(viewer, URL)
    assert 'class="pill held"' in html
    assert "a deny window is active (night)" in html


def test_the_fragment_is_polled_and_204_while_nothing_changed(viewer: Client) -> None:
    application_row("here")
    html = html_of(viewer, URL)
    polled = asked_again(html)
    assert viewer.get(polled, headers={"HX-Request": "true"}).status_code == 204
    answer = viewer.get(URL, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.content.decode().startswith('<div id="live"')


def test_queries_are_constant_in_the_number_of_applications(viewer: Client) -> None:
    url = f"{URL}?environment=all"
    for number in range(10):
        broken(f"app-{number}", project=f"project-{number}")
    few = queries_of(viewer, url)
    for number in range(300):
        broken(f"more-{number}", cluster=f"m{number % 40}", project=f"project-{number % 30}")
    assert queries_of(viewer, url) == few
    assert few <= 18


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_it(signed_in: Callable[[Role], Client], role: Role) -> None:
    assert signed_in(role).get(URL).status_code == 200


def test_nobody_without_a_role_sees_it(nobody: Client, client: Client) -> None:
    assert nobody.get(URL).status_code == 403
    assert client.get(URL)["Location"].startswith("/accounts/sign-in/")


def test_the_environment_is_remembered(viewer: Client) -> None:
    cluster_row("s1", environment="staging")
    application_row("theirs", environment="staging", cluster="s1")
    application_row("ours")
    viewer.get(f"{URL}?environment=staging")
    answer = viewer.get(URL)
    assert answer["Location"].endswith("environment=staging")
