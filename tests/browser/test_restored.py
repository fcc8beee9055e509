"""A page that the browser brings back as it was left, from its back/forward cache."""

from __future__ import annotations

from uuid import UUID

from apps.accounts.models import Role
from tests.browser.small_fleet import fleet_rows
from tests.browser.visiting import Visitor

FORM = "#act [name=form]"
SHOWN = "is_persisted => window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: is_persisted}))"


def test_what_is_pressed_on_a_page_that_was_brought_back_is_another_request(visitor: Visitor) -> None:
    fleet_rows()
    page = visitor(Role.RESPONDER).open("/apps/")
    first = page.input_value(FORM)
    page.evaluate(SHOWN, False)
    assert page.input_value(FORM) == first
    page.evaluate(SHOWN, True)
    second = page.input_value(FORM)
    assert UUID(second) != UUID(first)
