"""Keys of the Wall and ticks ask the identity provider first, and do nothing for who is gone or may no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.accounts.models import Person, Role, WallKey
from apps.accounts.renewing import AT_ACTIONS, SessionLost
from apps.runbooks.models import Tick
from tests.rows import episode_row

pytestmark = [pytest.mark.database, pytest.mark.django_db]
ASKED = "apps.accounts.confirming.session_confirmed"
FORMS = ("wall key", "tick")


def sent(client: Client, form: str) -> int:
    """The status that the form is answered with."""
    if form == "wall key":
        return client.post("/accounts/wall-keys/", {"name": "by the door", "days": "9"}).status_code
    return client.post(f"/runbooks/-/tick/{episode_row().pk}/sop/a.md", {"undone": "x"}).status_code


@pytest.mark.parametrize("form", FORMS)
def test_a_session_that_the_provider_ended_does_nothing(
    form: str, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: str, *, at_most: timedelta) -> bool:
        assert at_most == AT_ACTIONS
        raise SessionLost("ended")

    monkeypatch.setattr(ASKED, lost)
    assert sent(admin, form) == 302
    assert not WallKey.objects.exists()
    assert not Tick.objects.exists()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_disabled", [True, False])
def test_a_role_that_the_provider_takes_away_then_is_not_used(
    form: str, is_disabled: bool, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_: str, *, at_most: timedelta) -> bool:
        if is_disabled:
            User.objects.update(is_active=False)
        else:
            Person.objects.update(role=Role.VIEWER)
        return True

    monkeypatch.setattr(ASKED, told)
    assert sent(admin, form) in {403, 404}
    assert not WallKey.objects.exists()
    assert not Tick.objects.exists()
