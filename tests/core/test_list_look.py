"""Columns that are left out and the height of rows stand in the page that the server sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from apps.core.lists import name_has
from apps.core.look import look_of
from apps.gitops.models import Application
from tests.rows import application_row


def look(**cookies: str) -> str:
    request = RequestFactory().get("/apps/")
    request.COOKIES = cookies
    return look_of(request)


def test_nothing_is_left_out_unasked() -> None:
    assert look() == ' data-hide="" data-density=""'


def test_columns_and_density_come_from_cookies() -> None:
    assert look(hide="sync.owner", density="compact") == ' data-hide="sync owner" data-density="compact"'


@pytest.mark.parametrize("told", ['"><script>', "a b", "UPPER", "x" * 30, ".." * 500, "é"])
def test_what_is_no_name_of_a_column_is_left_out(told: str) -> None:
    assert look(hide=told, density=told) == ' data-hide="" data-density=""'


@pytest.mark.django_db(transaction=True)
def test_a_kept_page_has_the_look_of_who_asks(viewer: Client, settings: Any) -> None:
    settings.PAGES_KEPT_SECONDS = 60.0
    viewer.get("/apps/")
    viewer.cookies["hide"] = "sync"
    assert 'data-hide="sync"' in viewer.get("/apps/").content.decode()
    del viewer.cookies["hide"]
    assert 'data-hide=""' in viewer.get("/apps/").content.decode()


@pytest.mark.django_db
def test_a_part_of_a_name_may_be_several_words() -> None:
    application_row("build-service-stone-prd-m01")
    application_row("build-service-stone-prd-m02")
    assert Application.objects.filter(name_has("M01 build")).count() == 1
    assert Application.objects.filter(name_has("")).count() == 2
