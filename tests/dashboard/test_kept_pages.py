"""Pages are made once for all who see the same, and never for somebody who may see more or less."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.core import live
from apps.core.topics import raise_topics
from apps.sources.models import Source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def kept(settings: Any) -> Iterator[None]:
    settings.PAGES_KEPT_SECONDS = 60.0
    live.PAGES.forget()
    live.MOMENTS.forget()
    yield
    live.PAGES.forget()
    live.MOMENTS.forget()


def test_a_page_costs_the_next_viewer_four_queries(
    signed_in: Callable[[Role | None], Client], django_assert_max_num_queries: Any
) -> None:
    first, second = signed_in(Role.VIEWER), signed_in(Role.RESPONDER)
    first.get("/apps/")
    with django_assert_max_num_queries(4):
        first.get("/apps/")
    assert "responder" in second.get("/apps/").content.decode()


def test_each_person_has_their_own_menu_and_token(django_user_model: Any) -> None:
    from apps.accounts.models import Person

    pages = []
    for name in ("kim", "lee"):
        user = django_user_model.objects.create_user(name)
        Person.objects.create(user=user, role=Role.VIEWER)
        browser = Client()
        browser.force_login(user, backend="apps.accounts.backends.LocalAccountBackend")
        pages.append(browser.get("/").content.decode())
    assert "kim" in pages[0]
    assert "kim" not in pages[1]
    assert "lee" in pages[1]
    assert all("<!--person-->" not in page and "csrfmiddlewaretoken" in page for page in pages)


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
