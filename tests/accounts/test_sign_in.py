"""Every page needs a signed-in person with a role."""

import io
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from apps.accounts.access import Verb, may, role_of
from apps.accounts.backends import LocalAccountBackend
from apps.accounts.models import FailedSignIn, Person, Role

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PASSWORD = "correct horse battery"
OPEN_PAGES = {
    "healthz",
    "readyz",
    "metrics",
    "csp-report",
    "stream",  # an empty answer that there is none under WSGI; the real one is tried in tests/faults/test_streams.py
    "accounts:sign-in",
    "accounts:callback",
    "accounts:break-glass",
    "accounts:sign-out",
    "accounts:signed-out",
    "accounts:wall",
    "accounts:backchannel-logout",
}
PARTS = {
    "alertmanager": "a",
    "fingerprint": "b",
    "instance": "a",
    "namespace": "b",
    "name": "c",
    "key": "a/b",
    "pk": UUID(int=1),
    "episode": 1,
    "source": "a",
    "path": "b",
}


@pytest.fixture
def account() -> User:
    user = User.objects.create_user("remy", password=PASSWORD)
    Person.objects.create(user=user, role=Role.RESPONDER)
    return user


def all_pages() -> list[tuple[str, str]]:
    """(name, URL) of every page that the portal has."""
    found = []
    for namespace, (_, resolver) in [("", ("", get_resolver())), *get_resolver().namespace_dict.items()]:
        for name in {key for key in resolver.reverse_dict if isinstance(key, str)}:
            full = f"{namespace}:{name}" if namespace else name
            wanted = resolver.reverse_dict.getlist(name)[0][0][0][1]
            found.append((full, reverse(full, kwargs={part: PARTS[part] for part in wanted})))
    return sorted(found)


def test_nobody_sees_a_page_without_signing_in(client: Client) -> None:
    closed = [(name, url) for name, url in all_pages() if name not in OPEN_PAGES]
    assert len(closed) >= 8
    for name, url in closed:
        answer = client.get(url)
        assert answer.status_code == 302, name
        assert answer["Location"].startswith("/accounts/sign-in/?next="), name


def test_an_account_without_a_role_sees_nothing(nobody: Client) -> None:
    answer = nobody.get("/sources/")
    assert answer.status_code == 403


def test_a_disabled_account_is_out_at_once(viewer: Client) -> None:
    assert viewer.get("/sources/").status_code == 200
    User.objects.update(is_active=False)
    assert viewer.get("/sources/").status_code == 302


def test_a_session_that_is_over_is_nobodys(viewer: Client) -> None:
    Session.objects.update(expire_date=timezone.now() + timedelta(seconds=20))
    assert viewer.get("/sources/").status_code == 200
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert viewer.get("/sources/").status_code == 302


def test_an_account_is_read_as_it_is(account: User) -> None:
    read = LocalAccountBackend().get_user(account.pk)
    asked = ("pk", "username", "first_name", "last_name", "email", "password", "is_active", "is_staff", "is_superuser")
    assert read
    assert [getattr(read, name) for name in asked] == [getattr(account, name) for name in asked]
    assert (read.person.role, read.person.is_persona, read.date_joined) == ("responder", False, account.date_joined)


def test_a_fragment_of_a_lapsed_session_sends_the_whole_page_to_sign_in(client: Client) -> None:
    shown = "http://testserver/apps/?cluster=stone-prd-m01"
    answer = client.get("/apps/", headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert answer["HX-Redirect"] == "/accounts/sign-in/?next=/apps/%3Fcluster%3Dstone-prd-m01"


def test_a_password_opens_the_page_that_was_wanted(client: Client, account: User) -> None:
    form = {"username": "remy", "password": PASSWORD, "next": "/sources/"}
    assert client.post("/accounts/sign-in/", form)["Location"] == "/sources/"
    assert client.get("/sources/").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil", "https:evil", "https://evil.example/", "/%0d%0a/x\r\ny"]
)
def test_the_way_back_never_leads_elsewhere(client: Client, account: User, elsewhere: str) -> None:
    form = {"username": "remy", "password": PASSWORD, "next": elsewhere}
    assert client.post("/accounts/sign-in/", form)["Location"] == "/"


def test_guessing_is_slowed_down_for_that_name_and_address(client: Client, account: User) -> None:
    for _ in range(5):
        assert client.post("/accounts/sign-in/", {"username": "remy", "password": "wrong"}).status_code == 200
    right = {"username": "remy", "password": PASSWORD}
    assert client.post("/accounts/sign-in/", right).status_code == 429
    assert client.post("/accounts/sign-in/", right, REMOTE_ADDR="127.0.0.9").status_code == 302
    FailedSignIn.objects.update(at=FailedSignIn.objects.latest("at").at - timedelta(minutes=16))
    assert client.post("/accounts/sign-in/", right).status_code == 302


def test_another_spelling_of_a_name_is_not_a_fresh_start_for_guessing(client: Client, account: User) -> None:
    for spelling in ("remy", " remy", "remy  ", "\uff52emy", "\u2003re\uff4dy"):
        assert client.post("/accounts/sign-in/", {"username": spelling, "password": "wrong"}).status_code == 200
    assert client.post("/accounts/sign-in/", {"username": "remy ", "password": PASSWORD}).status_code == 429


def test_an_odd_address_of_a_fragment_is_no_fault_of_the_portal(client: Client) -> None:
    answer = client.get("/apps/", headers={"HX-Request": "true", "HX-Current-URL": "http://["})
    assert answer["HX-Redirect"] == "/accounts/sign-in/?next=/"


def test_signing_in_gives_a_new_session_and_signing_out_ends_it(client: Client, account: User) -> None:
    client.get("/accounts/sign-in/")
    client.post("/accounts/sign-in/", {"username": "remy", "password": PASSWORD})
    assert Session.objects.count() == 1
    assert client.get("/accounts/sign-out/").status_code == 405
    client.post("/accounts/sign-out/")
    assert Session.objects.count() == 0
    assert client.get("/sources/").status_code == 302


def test_a_persona_of_before_counts_no_more(client: Client, account: User) -> None:
    client.force_login(account, backend="apps.accounts.backends.LocalAccountBackend")
    assert client.get("/sources/").status_code == 200
    Person.objects.filter(user=account).update(is_persona=True)
    assert client.get("/sources/").status_code == 302


def test_a_form_from_elsewhere_is_refused(account: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/accounts/sign-in/", {"username": "remy", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize(
    ("role", "sees", "configures"),
    [(None, False, False), (Role.VIEWER, True, False), (Role.APPROVER, True, False), (Role.ADMIN, True, True)],
)
def test_a_role_may_what_its_name_says(role: Role | None, sees: bool, configures: bool) -> None:
    user = User.objects.create_user("somebody")
    if role:
        Person.objects.create(user=user, role=role)
    assert may(user, Verb.SEE) is sees
    assert may(user, Verb.SEE_CONFIGURATION) is configures


def test_the_command_makes_changes_and_disables_an_account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    call_command("portal_account", "kim", "--role", "admin")
    kim = User.objects.get(username="kim")
    assert kim.check_password(PASSWORD)
    assert role_of(kim) == Role.ADMIN
    call_command("portal_account", "kim", "--remove")
    assert role_of(User.objects.get(username="kim")) is None
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="at least 12"):
        call_command("portal_account", "kim")


@pytest.mark.parametrize("name", ["portal", "Portal", "ｐｏｒｔａｌ"])
def test_the_name_that_stands_for_the_portal_itself_is_nobodys(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    with pytest.raises(CommandError, match="stands for the portal itself"):
        call_command("portal_account", name)
    assert not User.objects.exists()
    user = User.objects.create_user(name, password=PASSWORD)
    Person.objects.create(user=user, role=Role.RESPONDER)
    assert client.post("/accounts/sign-in/", {"username": name, "password": PASSWORD}).status_code == 200
    client.force_login(user, backend="apps.accounts.backends.LocalAccountBackend")
    assert client.get("/sources/").status_code == 302


def test_who_is_signed_in_is_led_on_unless_they_are_to_sign_in_again(viewer: Client) -> None:
    assert viewer.get("/accounts/sign-in/?next=/sources/")["Location"] == "/sources/"
    assert viewer.get("/accounts/sign-in/?again=1&next=/sources/").status_code == 200
