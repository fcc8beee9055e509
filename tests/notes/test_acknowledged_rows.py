"""What is acknowledged stands below the others on Now, is marked in lists, and does not count as needing somebody."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.alerts.models import Episode
from apps.core.clock import database_now
from apps.core.models import Lease
from apps.core.tones import Tone
from apps.dashboard.attention import Problem, Row, Weight, ranked
from apps.notes.models import Acknowledgement, Subjects
from apps.notes.services import acknowledgement_end
from apps.notes.things import thing_found
from tests.notes.people import acknowledged, person
from tests.pages import html_of, text_of
from tests.rows import ago, broken, cluster_row, episode_row, source_row

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def fleet(db: None) -> None:
    """Two alerts, a broken Application and a cluster that is not right."""
    Lease.objects.create(name="beat", holder="tick", expires_at=database_now() + timedelta(seconds=30))
    for key in ("argocd/production", "alertmanager/appsre/0"):
        source_row(key)
    source_row("kubernetes/stone-prd-m01", cluster="stone-prd-m01", environment="production")
    cluster_row("stone-prd-m01", position=1, tone="warning", reason="node w1: not ready")
    broken("build", set_name="")
    episode_row("Newer", fingerprint="a1", began_at=ago(minutes=5))
    episode_row("Older", fingerprint="b2", began_at=ago(minutes=50))


@pytest.fixture
def remy() -> User:
    """A responder."""
    return person()


def at(kind: Subjects, subject: str, who: User, **told: object) -> Acknowledgement:
    """Somebody is at the thing."""
    return acknowledged(thing_found(kind, subject), who, **told)  # type: ignore[arg-type]


def titles(client: Client) -> list[str]:
    """The rows of Now, in their order."""
    found = re.findall(
        r'data-row="[^"]*">\n<div class="head".*?<span class="title"><a[^>]*>(.*?)</a>', html_of(client, "/"), re.DOTALL
    )
    return [re.sub("<[^>]*>", "", unescape(title)) for title in found]


def tab_of(client: Client) -> str:
    """The tab's title."""
    return html_of(client, "/").partition("<title>")[2].partition("</title>")[0]


def test_an_acknowledged_row_stands_below_the_others_of_its_tone_and_above_lesser_ones(
    viewer: Client, remy: User
) -> None:
    assert titles(viewer) == ["Newer", "Older", "stone-prd-m01", "build"]
    said = at(Subjects.ALERT, "appsre/a1", remy)
    assert titles(viewer) == ["Older", "Newer", "stone-prd-m01", "build"]
    acknowledgement_end(who=remy, said=said)
    assert titles(viewer)[0] == "Newer"


def test_its_row_says_by_whom_until_when_and_with_which_note(viewer: Client, remy: User) -> None:
    said = at(Subjects.CLUSTER, "stone-prd-m01", remy, note="draining w1")
    row = html_of(viewer, "/").partition('data-row="cluster/stone-prd-m01"')[2].partition("</ul></details>")[0]
    assert "acknowledged by <bdi>remy</bdi> until" in row
    assert f"{said.until:%H:%M}</time>" in row
    assert "<bdi>draining w1</bdi>" in row
    assert "below the others, since somebody is at it" in row


def test_what_is_acknowledged_is_not_counted_as_needing_somebody(viewer: Client, remy: User) -> None:
    assert tab_of(viewer).startswith("(4) ")
    at(Subjects.ALERT, "appsre/a1", remy)
    at(Subjects.APPLICATION, "production/argocd/build", remy)
    at(Subjects.CLUSTER, "stone-prd-m01", remy)
    assert tab_of(viewer).startswith("(1) ")
    told = text_of(html_of(viewer, "/"))
    assert "1 thing needs you and 3 acknowledged" in told

    at(Subjects.ALERT, "appsre/b2", remy)
    assert not tab_of(viewer).startswith("(")
    assert "Somebody is at everything" in text_of(html_of(viewer, "/"))


def test_an_end_that_has_passed_counts_though_no_worker_has_ended_it(viewer: Client, remy: User) -> None:
    at(Subjects.ALERT, "appsre/a1", remy)
    Acknowledgement.objects.update(until=ago(seconds=1))
    assert titles(viewer)[0] == "Newer"
    assert tab_of(viewer).startswith("(4) ")


def test_every_page_is_made_anew_when_an_acknowledgement_ends(viewer: Client, remy: User) -> None:
    from tests.pages import ends_of

    said = at(Subjects.ALERT, "appsre/a1", remy, minutes=3)
    for url in ("/", "/alerts/", "/apps/", "/clusters/", "/wall/"):
        assert abs(ends_of(html_of(viewer, url)) - said.until.timestamp()) < 0.1, url


@pytest.mark.parametrize("url", ["/alerts/", "/apps/", "/clusters/", "/clusters/stone-prd-m01/", "/"])
def test_lists_mark_it_and_unmark_it(viewer: Client, remy: User, url: str) -> None:
    before = html_of(viewer, url)
    assert "remy" not in before
    said = [
        at(Subjects.ALERT, "appsre/a1", remy),
        at(Subjects.APPLICATION, "production/argocd/build", remy),
        at(Subjects.CLUSTER, "stone-prd-m01", remy),
    ]
    assert "<bdi>remy</bdi> until" in html_of(viewer, url)
    for each in said:
        acknowledgement_end(who=remy, said=each)
    assert "<bdi>remy</bdi> until" not in html_of(viewer, url)


@pytest.mark.parametrize("url", ["/alerts/", "/apps/"])
def test_a_kept_row_shows_another_end(viewer: Client, remy: User, url: str) -> None:
    at(Subjects.ALERT, "appsre/a1", remy)
    at(Subjects.APPLICATION, "production/argocd/build", remy)
    html_of(viewer, url)
    Acknowledgement.objects.update(until=database_now() + timedelta(hours=3), by="sam")
    html = html_of(viewer, url)
    assert "acknowledged by <bdi>sam</bdi>" in html
    assert f"{Acknowledgement.objects.all()[0].until:%H:%M}</time>" in html


@pytest.mark.parametrize("url", ["/alerts/", "/apps/", "/clusters/"])
def test_files_tell_it_too(viewer: Client, remy: User, url: str) -> None:
    at(Subjects.ALERT, "appsre/a1", remy)
    at(Subjects.APPLICATION, "production/argocd/build", remy)
    said = at(Subjects.CLUSTER, "stone-prd-m01", remy)
    text = html_of(viewer, f"{url}?format=csv")
    rows = [row for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))) if row["acknowledged by"]]
    assert [row["acknowledged by"] for row in rows] == ["remy"]
    assert rows[0]["acknowledged until"][:16] == said.until.isoformat()[:16]


def test_on_the_wall_it_is_said_too(viewer: Client, remy: User) -> None:
    at(Subjects.ALERT, "appsre/a1", remy)
    assert "acknowledged by remy until" in text_of(html_of(viewer, "/wall/"))


def test_only_who_may_has_the_button_on_now(viewer: Client, responder: Client) -> None:
    assert 'value="acknowledge|' not in html_of(viewer, "/")
    html = html_of(responder, "/")
    assert len(re.findall(r'form="say" name="do" value="acknowledge\|(?:alert|cluster|application)\|', html)) == 4


def problem(
    name: str, *, said: bool, weight: Weight = Weight.ALERT, cause: str = "", tone: Tone = Tone.CRITICAL
) -> Problem:
    """A problem, acknowledged or not."""
    told = Acknowledgement(by="remy") if said else None
    return Problem(name=name, title=name, tone=tone, weight=weight, cause=cause, noun="alert", acknowledgement=told)


def only(*problems: Problem) -> Row:
    """The one row that they are."""
    [row] = ranked(problems, ["production"])
    return row


def test_of_several_alike_all_must_be_acknowledged() -> None:
    one, other = (problem(f"alert/a/{number}", said=True, cause="alerts/X") for number in "12")
    assert only(one, other).is_acknowledged
    assert not only(one, problem("alert/a/2", said=False, cause="alerts/X")).is_acknowledged


def test_who_is_at_a_cause_is_at_what_it_leaves_unknown_but_not_at_a_new_alert() -> None:
    lost = problem("cluster/m01", said=True, weight=Weight.LOST_CLUSTER)
    unknown = problem("unknown/p/m01", said=False, weight=Weight.APPLICATION, cause="cluster/m01", tone=Tone.UNKNOWN)
    assert only(lost, unknown).is_acknowledged
    assert not only(lost, unknown, problem("alert/a/1", said=False, cause="cluster/m01")).is_acknowledged


def test_what_stands_for_several_things_cannot_be_acknowledged_as_one() -> None:
    assert problem("alert/a/1", said=False).to_acknowledge == "alert|a/1"
    assert not problem("alert/a/1", said=True).to_acknowledge
    for name in ("more/alerts/X", "sources/stale", "source/argocd/production", "unknown/p/m01", "alertmanager/appsre"):
        assert not problem(name, said=False).to_acknowledge


def banners_of(client: Client, url: str) -> tuple[str, str]:
    """What the tab's icon is drawn from: how many need somebody, and the worst tone."""
    found = re.search(r'data-needs="(\d+)" data-worst="(\w+)"', html_of(client, url))
    assert found
    return found[1], found[2]


@pytest.mark.parametrize("url", ["/", "/wall/", "/alerts/"])
def test_the_tab_is_held_and_never_well_while_only_what_is_acknowledged_is_left(
    url: str, viewer: Client, remy: User
) -> None:
    at(Subjects.ALERT, "appsre/a1", remy)
    at(Subjects.APPLICATION, "production/argocd/build", remy)
    at(Subjects.CLUSTER, "stone-prd-m01", remy)
    assert banners_of(viewer, url) == ("1", "critical")
    at(Subjects.ALERT, "appsre/b2", remy)
    assert banners_of(viewer, url) == ("0", "held")
    Acknowledgement.objects.update(well_since=ago(minutes=1))
    Episode.objects.update(ended_at=ago(minutes=1))
    assert banners_of(viewer, url) == ("0", "well")


def test_the_wall_counts_what_is_acknowledged_as_that(viewer: Client, remy: User) -> None:
    for kind, subject in (
        (Subjects.ALERT, "appsre/a1"),
        (Subjects.APPLICATION, "production/argocd/build"),
        (Subjects.CLUSTER, "stone-prd-m01"),
    ):
        at(kind, subject, remy)
    told = text_of(html_of(viewer, "/wall/"))
    for words in ("1 critical alerts", "0 Applications broken", "2 acknowledged", "1 in all need somebody, 3 acknowl"):
        assert words in told, words

    at(Subjects.ALERT, "appsre/b2", remy)
    html = html_of(viewer, "/wall/")
    for words in ("0 critical alerts", "3 acknowledged", "Somebody is at everything: 4 acknowledged"):
        assert words in text_of(html), words
    assert "need somebody</p>" not in html
    assert '<p class="held">' in html
    assert '<p class="well">' not in html
