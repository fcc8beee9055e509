"""Pages are made once for all who see the same, and never for somebody who may see more or less."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Role
from apps.core import live
from apps.core.keeping import Keeper
from apps.core.live import FORM_MARK, PROOF_MARK
from apps.core.offering import OFFERED
from apps.core.topics import raise_topics, version_of
from apps.dashboard.names import NAMED_TOPICS, NAMES, names_now
from apps.fleet.overlay import overlay_now
from apps.sources.models import Source
from tests.conftest import BACKEND, person_with
from tests.pages import asked_again, html_of
from tests.rows import ago, application_row, broken, cluster_row, down, episode_row, source_row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kept(settings: Any) -> Iterator[None]:
    settings.PAGES_KEPT_SECONDS = 60.0
    keepers: list[Keeper[Any]] = [live.PAGES, live.MOMENTS, OFFERED, NAMES]
    for keeper in keepers:
        keeper.forget()
    yield
    for keeper in keepers:
        keeper.forget()


def test_a_page_costs_the_next_viewer_four_queries(
    signed_in: Callable[[Role | None], Client], django_assert_max_num_queries: Any
) -> None:
    first, second = signed_in(Role.VIEWER), signed_in(Role.RESPONDER)
    first.get("/apps/")
    with django_assert_max_num_queries(4):
        first.get("/apps/")
    assert "responder" in second.get("/apps/").content.decode()


def test_each_person_has_their_own_menu() -> None:
    pages = [browser_of(name).get("/").content.decode() for name in ("kim", "lee")]
    assert "kim" in pages[0]
    assert "kim" not in pages[1]
    assert "lee" in pages[1]
    assert all(mark not in page for page in pages for mark in ("<!--person-->", PROOF_MARK, FORM_MARK))


def test_each_answer_names_its_form_anew() -> None:
    """What is sent twice from one page is one request; from two pages it is two."""
    browser = browser_of("kim")
    names = [re.findall(r'name="form" value="([^"]+)"', browser.get("/").content.decode()) for _ in range(3)]
    assert [len(set(found)) for found in names] == [1, 1, 1]
    assert len({UUID(found[0]) for found in names}) == 3


def test_who_shares_a_name_and_a_role_has_a_form_of_their_own() -> None:
    """The menu is made once for both; the token in it would let only one of them sign out, or tell it to the other."""
    tokens = []
    for name in ("kim", "lee"):
        browser = browser_of(name, first_name="Sam")
        token = browser.get("/").content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        assert browser.post("/accounts/sign-out/", {"csrfmiddlewaretoken": token}).status_code == 302
        assert browser.get("/").status_code == 302, "signed out"
        tokens.append(token)
    assert len(set(tokens)) == 2


def browser_of(name: str, *, first_name: str = "") -> Client:
    """Somebody's browser, whose forms must prove that they are the portal's."""
    user = person_with(name, Role.VIEWER)
    user.first_name = first_name
    user.save()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend=BACKEND)
    return browser


def test_the_frame_of_a_page_that_is_never_kept_tells_of_a_source_at_once(viewer: Client) -> None:
    told = {"kind": "argocd", "group": "production", "title": "Argo CD production", "interval": 30}
    Source.objects.create(key="argocd/production", **told)
    viewer.get("/")
    Source.objects.update(failures=99, succeeded_at=timezone.now())
    raise_topics(["sources"])
    assert "Argo CD production is down" in viewer.get("/handover/").content.decode()


def test_what_an_admin_sees_is_not_given_to_a_viewer(viewer: Client, admin: Client) -> None:
    address = "https://argocd.internal.example"
    Source.objects.create(key="argocd/production", kind="argocd", group="production", title="A", address=address)
    assert address in admin.get("/sources/argocd/production/").content.decode()
    assert address not in viewer.get("/sources/argocd/production/").content.decode()


def test_filters_themes_and_environments_are_pages_of_their_own(viewer: Client) -> None:
    assert 'data-theme=""' in viewer.get("/sources/").content.decode()
    viewer.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in viewer.get("/sources/").content.decode()
    assert "nonsense" in viewer.get("/apps/?sync=nonsense").content.decode()
    assert "nonsense" not in viewer.get("/apps/").content.decode()


def test_a_change_is_shown_to_those_who_ask_a_moment_later(viewer: Client, settings: Any) -> None:
    settings.PAGES_KEPT_SECONDS = 1e-9
    viewer.get("/sources/")
    raise_topics(["sources"])
    deadline = time.monotonic() + 5
    while b'data-version="1"' not in viewer.get("/sources/").content and time.monotonic() < deadline:
        time.sleep(0.05)
    assert b'data-version="1"' in viewer.get("/sources/").content


def test_a_page_is_never_made_with_an_overlay_older_than_its_version(viewer: Client) -> None:
    """Else its next poll would be told that it shows all there is."""
    viewer.get("/apps/")
    Source.objects.create(key="argocd/production", kind="argocd", group="production", title="Argo CD production")
    raise_topics(["sources"])
    page = viewer.get("/clusters/").content.decode()
    assert 'data-version="1"' in page
    assert "Argo CD production is not reached yet" in page


def times_words_are_read(viewer: Client, path: str) -> int:
    """While somebody types three letters."""
    with CaptureQueriesContext(connection) as queries:
        for part in ("o", "ol", "old"):
            viewer.get(path, {"q": part})
    return len([query for query in queries if "SELECT DISTINCT" in query["sql"]])


def test_the_words_of_a_filter_are_read_once_for_many_lists_and_anew_for_a_word_that_is_new(viewer: Client) -> None:
    source_row("argocd/production")
    application_row("old", project="build")
    assert times_words_are_read(viewer, "/apps/") == 1
    application_row("new", project="release")
    assert ">new<" in (page := viewer.get("/apps/?environment=all&project=release&q=n").content.decode())
    assert "There is no project" not in page
    assert "There is no project “gone”" in viewer.get("/apps/?project=gone&q=n").content.decode()


def test_the_words_of_the_alerts_filter_are_kept_too_but_not_beyond_a_change_of_the_clusters(viewer: Client) -> None:
    source_row("alertmanager/appsre/0")
    episode_row("Old", owner="build")
    assert times_words_are_read(viewer, "/alerts/") == 1
    episode_row("New", owner="release")
    assert "There is no owner" not in viewer.get("/alerts/?environment=all&owner=release").content.decode()
    cluster_row("stone-new")
    raise_topics(["clusters"])
    live.MOMENTS.forget()
    assert "stone-new" in viewer.get("/alerts/?environment=all&q=e").content.decode()
    assert "stone-new" in viewer.get("/apps/?environment=all&q=e").content.decode()


def test_a_search_finds_what_is_new_though_who_types_is_given_the_names_of_a_moment_ago(viewer: Client) -> None:
    application_row("has-a")
    assert names_found(html_of(viewer, "/search/box/?q=has")) == ["has-a"]
    again, by_page = asked_again(html_of(viewer, "/search/?q=has")), {"HX-Request": "true"}
    assert viewer.get(again, headers=by_page).status_code == 204
    broken("has-b")
    raise_topics(["apps"])
    fragment = viewer.get(f"{again}&since={version_of(NAMED_TOPICS)}", headers=by_page).content.decode()
    assert names_found(fragment) == ["has-b", "has-a"]
    assert names_found(html_of(viewer, "/search/box/?q=has-b")) == ["has-b"], "what is read anew is kept for all"


def test_a_search_finds_nothing_more_of_what_the_fleet_file_has_given_up(viewer: Client) -> None:
    source_row("argocd/production")
    application_row("has-a")
    assert names_found(html_of(viewer, "/search/?q=has")) == ["has-a"]
    Source.objects.update(is_archived=True)
    raise_topics(["sources"])
    since = version_of(NAMED_TOPICS)
    assert names_found(html_of(viewer, f"/search/?q=has&since={since}")) == []


def test_who_types_is_given_the_names_of_a_moment_ago(viewer: Client) -> None:
    application_row("has-a")
    html_of(viewer, "/search/box/")
    application_row("has-b")
    assert names_found(html_of(viewer, "/search/box/?q=has")) == ["has-a"]


def test_names_are_read_anew_once_one_has_ended_too_long_ago() -> None:
    episode_row("Slow", began_at=ago(hours=25), ended_at=ago(hours=23))
    overlay = overlay_now()
    names = names_now(overlay)
    assert names.ends_at
    assert names_now(overlay.at(names.ends_at - timedelta(seconds=1))) is names
    assert names_now(overlay.at(names.ends_at)) is not names


def test_names_are_read_anew_once_the_sources_stand_otherwise() -> None:
    source = source_row("argocd/production")
    application_row("has-a")
    names = names_now(overlay_now())
    assert names_now(overlay_now()) is names
    down(source)
    assert names_now(overlay_now()) is not names


def names_found(html: str) -> list[str]:
    return re.findall(r"<bdi>(has-[ab])</bdi>", html)
