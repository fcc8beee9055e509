"""The list of alerts, and the page of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils.html import escape

from apps.accounts.models import Role
from apps.alerts.models import Episode
from apps.fleet.overlay import WATCHDOG_MISSING
from apps.sources.models import Source
from tests.pages import HOSTILE, RTL, html_of, queries_of, text_of
from tests.rows import (
    ago,
    application_row,
    broken,
    change_row,
    cluster_row,
    down,
    episode_row,
    held_by,
    never,
    silence_row,
    source_row,
    stale,
)

pytestmark = pytest.mark.database

URL = "/alerts/"
MEMBERS = ("alertmanager/appsre/0", "alertmanager/appsre/1")


@pytest.fixture(autouse=True)
def _alertmanagers(db: None) -> None:
    for key in MEMBERS:
        source_row(key, title=f"Alertmanager appsre, member {key[-1]}")


def names_in(html: str) -> list[str]:
    """The names of the alerts in their order on the page."""
    return re.findall(r'<th scope="row" class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', html)


def page_of(episode: Episode) -> str:
    """The address of the alert's page."""
    return f"{URL}{episode.alertmanager}/{episode.fingerprint}/"


def test_a_row_tells_all_that_the_one_on_call_asks(viewer: Client) -> None:
    cluster_row("stone-prd-m01")
    episode = episode_row("HighErrorRate", is_slo=True, owner="konflux-infra", runbook_url="https://runbooks.example/x")
    held_by(episode, *MEMBERS)
    html = html_of(viewer, URL)
    text = text_of(html)
    for told in ("critical", "HighErrorRate", "SLO", "stone-prd-m01", "12 m", "konflux-infra", "runbook"):
        assert told in text
    assert 'href="https://runbooks.example/x"' in html
    assert "held by" not in text


def test_an_alert_held_by_one_member_of_two_says_so(viewer: Client) -> None:
    held_by(episode_row(), MEMBERS[0])
    assert "held by 1 of 2" in text_of(html_of(viewer, URL))


def test_a_cluster_that_the_fleet_file_does_not_know_is_told_as_told(viewer: Client) -> None:
    episode_row(cluster="", cluster_told="stone-old-42")
    assert "told: stone-old-42 , no such cluster" in text_of(html_of(viewer, URL))


def test_alerts_stand_in_their_alertmanagers_groups_the_worst_first(viewer: Client) -> None:
    episode_row("Calm", severity="warning", began_at=ago(minutes=1))
    for number in range(3):
        episode_row("Deadlock", fingerprint=f"d{number}", severity="warning", group_key="deadlock")
    episode_row("Deadlock", fingerprint="worst", severity="critical", group_key="deadlock")
    html = html_of(viewer, URL)
    assert names_in(html) == ["Deadlock", "Deadlock", "Deadlock", "Deadlock", "Calm"]
    assert "alertname = Deadlock" in text_of(html)
    assert "4 alerts" in text_of(html)
    assert html.count('scope="rowgroup"') == 1


def test_one_group_over_two_pages_tells_its_true_size(viewer: Client) -> None:
    Episode.objects.bulk_create(
        [
            Episode(
                alertmanager="appsre",
                fingerprint=f"{number}",
                name="Storm",
                began_at=ago(minutes=5),
                first_seen_at=ago(minutes=5),
                group_key="storm",
                tone="warning",
            )
            for number in range(120)
        ]
    )
    first, second = html_of(viewer, URL), html_of(viewer, f"{URL}?page=3")
    assert "120 alerts, 50 of them on this page" in text_of(first)
    assert "120 alerts, 20 of them on this page" in text_of(second)
    assert "101 to 120 of 120 alerts" in text_of(second)


@pytest.mark.parametrize(
    ("group", "heads"),
    [("cluster", ["m1", "m2", "no cluster that the portal knows"]), ("severity", ["critical", "warning"])],
)
def test_the_grouping_can_be_switched(viewer: Client, group: str, heads: list[str]) -> None:
    episode_row("A", cluster="m1")
    episode_row("B", cluster="m2", severity="warning")
    episode_row("C", cluster="", severity="warning", began_at=ago(hours=2))
    html = html_of(viewer, f"{URL}?group={group}")
    found = [
        text_of(f"<main{part}") for part in re.findall(r'scope="rowgroup" colspan="8"(>.*?</th>)', html, re.DOTALL)
    ]
    assert [any(head in told for told in found) for head in heads] == [True] * len(heads)
    assert len(found) == len(heads)


def test_not_grouped_is_one_plain_order(viewer: Client) -> None:
    episode_row("Old", began_at=ago(hours=2), group_key="g")
    episode_row("New", began_at=ago(minutes=1), severity="warning", group_key="g")
    html = html_of(viewer, f"{URL}?group=none&sort=-since")
    assert names_in(html) == ["New", "Old"]
    assert 'scope="rowgroup"' not in html


@pytest.mark.parametrize(
    "query",
    [
        "severity=page-me",
        "state=silenced",
        "state=unconfirmed",
        "tone=held",
        "cluster=m9",
        "environment=staging",
        "slo=yes",
        "owner=theirs",
        "alertmanager=rhobs",
        "q=FIND",
    ],
)
def test_each_filter_leaves_what_fits(viewer: Client, query: str) -> None:
    source_row("alertmanager/rhobs/0")
    cluster_row("m9", environment="staging")
    episode_row("LeftOut", owner="ours")
    episode_row(
        "FindMe",
        severity="page-me",
        state="silenced",
        is_unconfirmed=True,
        tone="held",
        cluster="m9",
        environment="staging",
        is_slo=True,
        owner="theirs",
        alertmanager="rhobs",
    )
    assert names_in(html_of(viewer, f"{URL}?{query}")) == ["FindMe"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("severity=pink", "There is no severity “pink”: that filter is left out."),
        ("group=colour", "There is no group “colour”"),
        ("page=-1", "“-1” is not a page number"),
        ("sort=x", "Cannot sort by “x”"),
        ("state=asleep", "There is no state “asleep”"),
    ],
)
def test_a_bad_filter_is_told_and_the_rest_is_shown(viewer: Client, query: str, told: str) -> None:
    episode_row("StillHere")
    html = html_of(viewer, f"{URL}?{query}")
    assert escape(told) in html
    assert names_in(html) == ["StillHere"]


def test_a_silenced_alert_says_by_whom_until_when_and_why(viewer: Client) -> None:
    silence_row("5d1e", created_by="remy", comment="upgrade under way")
    episode = episode_row("Quiet", state="silenced", silenced_by=["5d1e", "gone"], tone="held")
    for url in (URL, page_of(episode)):
        text = text_of(html_of(viewer, url))
        assert "ilenced by remy" in text
        assert "1 h 59 m" in text
        assert "upgrade under way" in text
        assert "gone" in text


def test_an_inhibited_alert_links_the_one_that_inhibits_it(viewer: Client) -> None:
    cause = episode_row("NodeDown")
    episode = episode_row("PodDown", state="inhibited", inhibited_by=[cause.fingerprint, "elsewhere"], tone="held")
    for url in (URL, page_of(episode)):
        html = html_of(viewer, url)
        assert f'href="{page_of(cause)}"' in html
        assert "elsewhere" in html


def test_what_ended_within_the_hour_is_folded_with_its_count(viewer: Client) -> None:
    for number in range(3):
        episode_row(
            "Gone", fingerprint=f"g{number}", ended_at=ago(minutes=5), began_at=ago(minutes=35.5), state="ended"
        )
    episode_row("LongGone", ended_at=ago(hours=2), began_at=ago(hours=3), state="ended")
    text = text_of(html_of(viewer, URL))
    assert "3 ended within the last hour" in text
    assert "fired for 30 m" in text
    assert "LongGone" not in text


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda source: source, "No alerts. Last answer"),
        (never, "Not known: no Alertmanager has answered yet."),
        (stale, "Not known: no alerts were there when the last Alertmanager answered, 10 m ago."),
        (down, "Not known: no alerts were there when the last Alertmanager answered, 10 m ago."),
        (lambda source: source.delete(), "Not known: the fleet file names no Alertmanager."),
    ],
)
def test_zero_alerts_are_good_news_only_from_a_source_that_answered(
    viewer: Client, prepare: Callable[[Source], object], told: str
) -> None:
    for source in Source.objects.all():
        prepare(source)
    assert told in text_of(html_of(viewer, URL))


def test_a_quiet_environment_is_good_news_and_named(viewer: Client) -> None:
    cluster_row("stone-stg-m01", environment="staging")
    episode_row("Elsewhere")
    html = html_of(viewer, f"{URL}?environment=staging")
    text = text_of(html)
    assert "No alerts in staging . Last answer" in text
    assert "from 2 of 2 Alertmanagers." in text
    assert '<p class="face empty"><svg class="shape well' in html
    assert re.search(r"data-clear hidden", html)


def test_a_quiet_environment_is_no_good_news_while_an_alertmanager_is_away(viewer: Client) -> None:
    cluster_row("stone-stg-m01", environment="staging")
    down(source_row("alertmanager/other/0"))
    html = html_of(viewer, f"{URL}?environment=staging")
    assert "from 2 of 3 Alertmanagers." in text_of(html)
    assert '<p class="face empty"><svg class="shape unknown' in html


@pytest.mark.parametrize(("shown", "cleared"), [("staging", "staging"), ("all", "all")])
def test_taking_the_filters_away_keeps_the_environment(viewer: Client, shown: str, cleared: str) -> None:
    cluster_row("stone-stg-m01", environment="staging")
    html = html_of(viewer, f"{URL}?environment={shown}&q=nothing&page=1")
    links = re.findall(r'<a href="([^"]*)"(?: data-clear)?>(?:Clear|See all alerts)', html)
    assert links == [f"?environment={cleared}"] * 2


def test_without_its_watchdog_zero_alerts_prove_nothing(viewer: Client) -> None:
    Source.objects.update(warnings=[WATCHDOG_MISSING])
    text = text_of(html_of(viewer, URL))
    assert "Having no alerts proves nothing now: appsre: the watchdog alert is missing" in text
    assert "No alerts." not in text


def test_two_of_two_alertmanagers_are_told_as_evidence(viewer: Client) -> None:
    assert "from 2 of 2 Alertmanagers." in text_of(html_of(viewer, URL))


def test_f23_an_odd_start_gives_no_negative_age(viewer: Client) -> None:
    episode = episode_row(starts_at=None, is_odd_start=True, began_at=ago(minutes=3))
    assert "start not told" in text_of(html_of(viewer, URL))
    assert "-" not in text_of(html_of(viewer, page_of(episode))).partition("fires for")[2][:12]


def test_f25_and_f26_hostile_text_is_text_and_hostile_links_are_none(viewer: Client) -> None:
    episode = episode_row(
        HOSTILE,
        fingerprint="f25",
        runbook_url="JaVaScRiPt:alert(1)",
        generator_url="\tjavascript:alert(1)",
        labels={HOSTILE: HOSTILE},
        annotations={"summary": HOSTILE, "description": HOSTILE, "dashboard": "data:text/html,<script>1</script>"},
        group_labels={HOSTILE: HOSTILE},
        cluster="",
        cluster_told=HOSTILE,
        owner=HOSTILE,
    )
    for url in (URL, page_of(episode)):
        html = html_of(viewer, url)
        assert "<img" not in html
        assert "55433" not in text_of(html)
        assert not re.search(r'href="\s*(javascript|data):', html, re.IGNORECASE)
    assert "Its link is not a web address" in text_of(html_of(viewer, page_of(episode)))


def test_a_safe_address_in_an_annotation_is_a_link(viewer: Client) -> None:
    episode = episode_row(annotations={"dashboard": "https://grafana.example/d/1"})
    assert 'href="https://grafana.example/d/1"' in html_of(viewer, page_of(episode))


def test_f27_huge_texts_keep_the_page_bounded(viewer: Client) -> None:
    episode_row("A" * 300, labels={f"label{n}": "v" * 4000 for n in range(64)}, group_labels={"alertname": "A" * 4000})
    html = html_of(viewer, URL)
    assert len(html) < 30_000
    one = Episode.objects.get()
    Episode.objects.update(was_cut=True)
    page = html_of(viewer, page_of(one))
    assert len(page) < 64 * 4000 + 40_000
    assert "are cut" in page


def test_f28_odd_characters_are_made_visible(viewer: Client) -> None:
    episode = episode_row(RTL, fingerprint="f28", labels={RTL: RTL}, cluster="", cluster_told=RTL)
    for url in (URL, page_of(episode)):
        main = html_of(viewer, url).partition("<main")[2]
        assert "U+202E" in main
        assert "\u202e" not in re.sub(r'(title|value|aria-label)="[^"]*"', "", main)


def test_the_page_tells_summary_labels_members_and_expression(viewer: Client) -> None:
    episode = held_by(
        episode_row(
            "HighErrorRate",
            generator_url="https://prometheus.example/graph",
            runbook_url="https://runbooks.example/x",
            labels={"alertname": "HighErrorRate", "pod": "api-0"},
            receivers=["pagerduty"],
        ),
        MEMBERS[0],
    )
    html = html_of(viewer, page_of(episode))
    text = text_of(html)
    for told in ("HighErrorRate fires", "Too many requests fail.", "pod", "api-0", "pagerduty", "fires for 12 m"):
        assert told in text
    assert "member 0 active" in text
    assert "member 1 does not hold it" in text
    assert 'href="https://prometheus.example/graph"' in html
    assert 'href="https://runbooks.example/x"' in html


def test_the_cluster_and_the_application_concerned_stand_with_their_verdicts(viewer: Client) -> None:
    cluster_row("m1", tone="warning", reason="Node ip-1: not ready")
    source_row("kubernetes/m1")
    source_row("argocd/production")
    application = broken("build-service")
    episode = episode_row(cluster="m1", application=f"production/argocd/{application.name}")
    html = html_of(viewer, page_of(episode))
    assert "Node ip-1: not ready" in html
    assert 'href="/clusters/m1/"' in html
    assert 'href="/apps/production/argocd/build-service/"' in html
    assert "2 Deployments exceed" in html


def test_an_application_that_is_gone_is_said_to_be(viewer: Client) -> None:
    episode = episode_row(application="production/argocd/gone")
    assert "production/argocd/gone , which is not there any more" in text_of(html_of(viewer, page_of(episode)))


def test_changes_of_the_two_hours_before_are_shown_and_others_not(viewer: Client) -> None:
    episode = episode_row(cluster="m1", began_at=ago(hours=1))
    change_row("deployed", cluster="m1", seen_at=ago(hours=1, minutes=20))
    change_row("too-old", cluster="m1", seen_at=ago(hours=4))
    change_row("too-late", cluster="m1", seen_at=ago(minutes=10))
    change_row("elsewhere", cluster="m2", seen_at=ago(hours=1, minutes=20))
    itself = f"appsre/{episode.fingerprint}"
    change_row("itself", kind="alert", subject=itself, cluster="m1", seen_at=ago(hours=1))
    text = text_of(html_of(viewer, page_of(episode)))
    assert "deployed" in text
    for other in ("too-old", "too-late", "elsewhere", "itself Healthy"):
        assert other not in text


def test_an_episode_of_the_past_has_its_own_address(viewer: Client) -> None:
    past = episode_row("Flap", fingerprint="f", began_at=ago(days=2), ended_at=ago(days=2, minutes=-30), state="ended")
    episode_row("Flap", fingerprint="f", began_at=ago(minutes=4))
    episode_row("Flap", fingerprint="f", began_at=ago(days=50), ended_at=ago(days=49), state="ended")
    page = html_of(viewer, page_of(past))
    assert "fires for 4 m" in text_of(page)
    assert "2 d ago" in text_of(page)
    assert "50 d ago" not in text_of(page)
    address = re.findall(r'href="(\?[^"]*episode=[^"]+)"', page)[1].replace("&amp;", "&")
    assert "fired for 30 m, ended" in text_of(html_of(viewer, page_of(past) + address))


@pytest.mark.parametrize("told", ["yesterday", "2020-01-01T00:00:00Z", "2020-13-45T99:00:00Z", "%00", "9" * 400])
def test_an_episode_that_is_not_there_is_told_and_the_last_one_shown(viewer: Client, told: str) -> None:
    episode = episode_row("Here")
    page = html_of(viewer, f"{page_of(episode)}?episode={told}")
    assert "the last one is shown" in page
    assert "Here" in page


def test_an_alert_that_is_not_known_is_404(viewer: Client) -> None:
    assert viewer.get(f"{URL}appsre/none/").status_code == 404
    assert viewer.get(f"{URL}{quote('a/b')}/x/").status_code == 404


def test_an_unconfirmed_alert_is_marked(viewer: Client) -> None:
    episode_row("Doubted", is_unconfirmed=True)
    html = html_of(viewer, URL)
    assert "unconfirmed" in text_of(html)
    assert 'class="shape critical stale"' in html


@pytest.mark.parametrize(("path", "most"), [(URL, 25), ("one", 29)])
def test_queries_are_constant_in_the_number_of_alerts(viewer: Client, path: str, most: int) -> None:
    episode = held_by(episode_row("One", cluster="m0"), *MEMBERS)
    url = f"{URL if path == URL else page_of(episode)}?environment=all"
    fill(10)
    few = queries_of(viewer, url)
    fill(300, start=10)
    assert queries_of(viewer, url) == few
    assert few <= most


def fill(count: int, *, start: int = 0) -> None:
    """As many alerts, each silenced and inhibited, episodes of the past, and changes around them."""
    for number in range(start, start + count):
        silence_row(f"s{number}")
        episode = episode_row(
            f"Alert{number}",
            cluster=f"m{number % 9}",
            silenced_by=[f"s{number}"],
            inhibited_by=[f"nobody{number}"],
            owner=f"team{number % 5}",
        )
        held_by(episode, *MEMBERS)
        began_at = ago(days=1, minutes=number)
        episode_row("One", cluster="m0", began_at=began_at, ended_at=began_at + timedelta(seconds=9), state="ended")
        change_row(f"change{number}", cluster="m0", seen_at=ago(minutes=20))
        application_row(f"app{number}")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_them(signed_in: Callable[[Role], Client], role: Role) -> None:
    client = signed_in(role)
    assert client.get(URL).status_code == client.get(page_of(episode_row())).status_code == 200


def test_nobody_without_a_role_sees_them(nobody: Client, client: Client) -> None:
    url = page_of(episode_row())
    assert nobody.get(url).status_code == nobody.get(URL).status_code == 403
    assert client.get(url).status_code == client.get(URL).status_code == 302


def test_a_row_tells_the_summary_and_what_the_severity_does_not_say(viewer: Client) -> None:
    episode_row("Odd", severity="page-me", reason="severity 'page-me' is not known to the portal")
    episode_row("Plain", severity="warning", annotations={"message": "it is slow"})
    text = text_of(html_of(viewer, URL))
    assert "severity &#x27;page-me&#x27; is not known to the portal" in text
    assert "Odd fires" in text
    assert "it is slow" in text
    assert "severity warning" not in text
