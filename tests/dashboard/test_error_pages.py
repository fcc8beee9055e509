"""What is said when something went wrong: without the database, without a traceback, with a way on."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

CODES = ["400", "403", "404", "500", "503"]


@pytest.mark.parametrize("code", CODES)
def test_it_needs_no_database_and_no_request(code: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    told = render_to_string(f"{code}.html")
    assert "<h1>" in told
    assert 'href="/"' in told


@pytest.mark.django_db
@pytest.mark.parametrize("code", CODES)
def test_it_asks_nothing_of_the_database(code: str, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        told = render_to_string(f"{code}.html", request=RequestFactory().get("/"))
    assert "Oops" not in told
    assert "Traceback" not in told


def test_an_address_that_is_not_there(viewer: Client) -> None:
    answer = viewer.get("/nothing/<script>alert(1)</script>/")
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content
    assert b"<script>alert" not in answer.content


@pytest.mark.django_db
def test_the_theme_that_was_chosen_is_kept(client: Client) -> None:
    client.cookies["theme"] = 'dark" onload="alert(1)'
    body = client.get("/accounts/sign-in/").content.decode()
    assert '<html lang="en-GB" data-theme="">' in body
