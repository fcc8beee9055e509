"""Sources and one source: can this page be trusted."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.core.clock import database_now
from apps.sources.models import FleetFileState
from tests.rows import ago, change_row, down, never, source_row, stale

LIST_QUERIES = 17
PAGE_QUERIES = 18
SECRET_WORDS = "refused our credentials (401): token of svc-portal has expired"


def text_of(client: Client, path: str = "/sources/") -> str:
    """What the page says, without its tags and with single blanks."""
    answer = client.get(path)
    assert answer.status_code == 200
    main = answer.content.decode().split("<main", 1)[1]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def names_of(client: Client, path: str = "/sources/") -> list[str]:
    """The sources in the order in which they are listed."""
    return re.findall(r'<th scope="row"><a href="/sources/([^"]*)/">', client.get(path).content.decode())


def test_every_face(viewer: Client) -> None:
    source_row("prometheus/well", items=24, latency=0.012)
    stale(source_row("prometheus/old"))
    down(source_row("prometheus/gone"))
    never(source_row("prometheus/new"))
    assert names_of(viewer) == ["prometheus/gone", "prometheus/old", "prometheus/new", "prometheus/well"]
    told = text_of(viewer)
    assert "1 of 4 fresh" in told
    assert re.search(r"down prometheus gone 10 m .*could not be reached", told)
    assert "stale prometheus old 10 m" in told
    assert "never reached prometheus new never" in told
    assert re.search(r"fresh prometheus well \d s 12 ms", told)


def test_no_source_at_all(viewer: Client) -> None:
    told = text_of(viewer)
    assert "No source is known: the fleet file names none, or nothing has read it yet." in told
    assert "Nothing has read the fleet file yet." in told


def test_errors_are_whole_for_an_admin_and_short_for_others(viewer: Client, admin: Client) -> None:
    down(source_row("prometheus/gone", address="https://prometheus.internal.example.com"), SECRET_WORDS)
    for path in ("/sources/", "/sources/prometheus/gone/"):
        assert "svc-portal" not in text_of(viewer, path)
        assert "refused our credentials (401)" in text_of(viewer, path)
    assert "prometheus.internal" not in text_of(viewer, "/sources/prometheus/gone/")
    assert SECRET_WORDS in text_of(admin, "/sources/prometheus/gone/")
    assert "https://prometheus.internal.example.com" in text_of(admin, "/sources/prometheus/gone/")


def test_what_would_mend_it_is_said(viewer: Client) -> None:
    source = down(source_row("prometheus/gone"), SECRET_WORDS)
    source.error_kind = "credentials"
    source.save()
    assert "What would mend it: give the portal's account a valid token" in text_of(viewer, "/sources/prometheus/gone/")


def test_unverified_tls_unreadable_items_skew_and_notes_are_told(viewer: Client) -> None:
    source_row(
        "prometheus/odd",
        is_unverified=True,
        unreadable=2,
        unreadable_reason="no name",
        skew=-90.0,
        note="may have lost its rights",
        warnings=["watchdog missing"],
        items=7,
    )
    told = text_of(viewer)
    assert "TLS not verified" in told
    told = text_of(viewer, "/sources/prometheus/odd/")
    for words in (
        "7, and 2 that could not be read: no name",
        "90.0 s behind ours",
        "may have lost its rights",
        "watchdog missing",
        "not verified, by the fleet file",
    ):
        assert words in told


def test_a_refused_fleet_file_is_shown_and_its_mistakes_to_admins(viewer: Client, admin: Client) -> None:
    FleetFileState.objects.create(
        pk=1,
        digest="9f2c" * 16,
        loaded_at=ago(hours=4),
        refused_at=ago(minutes=2),
        problems=[{"path": "argocd[1].url", "message": "'ftp' is not http or https <b>"}],
    )
    told = text_of(viewer)
    assert "kept out 2 m ago, for 1 mistake. The one before stays in force." in told
    assert "argocd[1]" not in told
    assert "argocd[1].url 'ftp' is not http or https <b>" in text_of(admin)


def test_a_fleet_file_that_never_was_right(viewer: Client) -> None:
    FleetFileState.objects.create(pk=1, refused_at=database_now(), problems=[{"path": "", "message": "empty"}])
    assert "none: there never was a right one" in text_of(viewer)


def test_one_that_left_the_fleet_file_is_never_shown_as_well(viewer: Client) -> None:
    source_row("prometheus/left", is_archived=True)
    assert names_of(viewer) == []
    told = text_of(viewer, "/sources/prometheus/left/")
    assert "left the fleet file" in told
    assert "it is not read" in told


def test_its_page_tells_how_it_went(viewer: Client) -> None:
    source_row("prometheus/well")
    assert "No change since it was first read." in text_of(viewer, "/sources/prometheus/well/")
    change_row("prometheus well", kind="source", subject="prometheus/well", field="state", after="failing: slow")
    assert "failing: slow 30 m ago" in text_of(viewer, "/sources/prometheus/well/")


def test_what_is_not_there_is_not_found(viewer: Client) -> None:
    assert viewer.get("/sources/prometheus/nothing/").status_code == 404


def test_hostile_text_is_text(viewer: Client, admin: Client) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    source = source_row("prometheus/odd", title=hostile, note=hostile, version=hostile, address=hostile)
    down(source, f"{hostile}: {hostile}")
    for path in ("/sources/", "/sources/prometheus/odd/"):
        body = admin.get(path).content.decode()
        assert "<script>alert" not in body
        assert "&lt;script&gt;" in body


@pytest.mark.parametrize(
    ("sort", "first"),
    [("title", "prometheus/a"), ("-title", "prometheus/b"), ("-age", "prometheus/a"), ("-latency", "prometheus/b")],
)
def test_orders(viewer: Client, sort: str, first: str) -> None:
    source_row("prometheus/a", latency=0.1, succeeded_at=ago(seconds=20))
    source_row("prometheus/b", latency=0.2)
    assert names_of(viewer, f"/sources/?sort={sort}")[0] == first


def test_a_bad_address_is_told_and_the_rest_is_shown(viewer: Client) -> None:
    source_row("prometheus/a")
    told = text_of(viewer, "/sources/?sort=password&page=-3")
    assert "Cannot sort by “password”" in told
    assert "“-3” is not a page number" in told
    assert "prometheus a" in told


@pytest.mark.parametrize("path", ["/sources/", "/sources/prometheus/a/"])
def test_only_for_people_with_a_role(client: Client, nobody: Client, path: str) -> None:
    source_row("prometheus/a")
    assert client.get(path)["Location"].startswith("/accounts/sign-in/")
    answer = nobody.get(path)
    assert answer.status_code == 403
    assert b"prometheus a" not in answer.content


@pytest.mark.parametrize("many", [1, 150])
def test_the_number_of_queries_is_constant(
    viewer: Client, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(many):
        down(source_row(f"prometheus/{number}"))
    for path, queries in (("/sources/", LIST_QUERIES), ("/sources/prometheus/0/", PAGE_QUERIES)):
        with django_assert_num_queries(queries):
            viewer.get(path)


def test_the_list_is_a_file_too_without_what_only_an_admin_sees(viewer: Client) -> None:
    down(source_row("argocd/production", address="https://argocd.example.com", error="secret: refused"), "secret: no")
    answer = viewer.get("/sources/?format=csv").content.decode()
    assert answer.splitlines()[1].startswith("down,warning,")
    assert "argocd/production" in answer
    assert "argocd.example.com" not in answer
