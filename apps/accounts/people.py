"""Accounts of people whom the provider signs in: by issuer and subject, and what their groups give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from apps.core.errors import PortalError
from apps.core.text import clean
from apps.integrations.oidc import SignedIn

from .backends import is_reserved
from .grants import grants_by, highest
from .models import Identity, Person
from .provider import access_in_force

LONGEST_USERNAME = 150
MOST_ALIKE = 1000


class AccountRefused(PortalError):
    """The portal has no account for the person, whatever the provider says of them; `words` say why."""

    kind = "account"

    @property
    def words(self) -> str:
        """For the person."""
        return str(self)


def account_of(signed: SignedIn) -> User:
    """The account of who signed in, made at their first time, with name and groups as the provider told them now.

    Raises AccountRefused.
    """
    user = _known(signed) or _made(signed)
    if not user.is_active:
        raise AccountRefused("Your account in this portal is disabled. Ask an admin of the portal.")
    User.objects.filter(pk=user.pk).update(first_name=clean(signed.name, 150), email=clean(signed.email, 254))
    access_apply(user=user, groups=signed.groups)
    return User.objects.select_related("person").get(pk=user.pk)


def access_apply(*, user: User, groups: Sequence[str] | None) -> None:
    """Gives the person what the rules in force give their groups. None: nobody told any now, those of before count."""
    person, _ = Person.objects.get_or_create(user=user, defaults={"role": ""})
    held = list(groups) if groups is not None else person.groups or []
    grants = grants_by(access_in_force(), held)
    told: dict[str, Any] = {
        "groups": held,
        "grants": [grant.as_builtins() for grant in grants],
        "role": highest(grants) or "",
        "scope": {},
        "is_persona": False,
    }
    if any(getattr(person, name) != value for name, value in told.items()):
        Person.objects.filter(pk=person.pk).update(**told)


def _known(signed: SignedIn) -> User | None:
    found = Identity.objects.select_related("user").filter(issuer=signed.issuer, subject=signed.subject).first()
    return found.user if found else None


def _made(signed: SignedIn) -> User:
    """A new account; where another process makes it at this very moment, that one."""
    for name in _names(signed):
        try:
            return _account_create(signed, name)
        except IntegrityError:
            if known := _known(signed):
                return known
    raise AccountRefused("There are too many accounts of your name. Ask an admin of the portal.")


@transaction.atomic
def _account_create(signed: SignedIn, name: str) -> User:
    user = User(username=name)
    user.set_unusable_password()
    user.save()
    Identity.objects.create(user=user, issuer=signed.issuer, subject=signed.subject)
    return user


def _names(signed: SignedIn) -> Iterator[str]:
    """Names that nobody has yet: as the provider calls the person, if need be with a number."""
    asked = clean(signed.username or signed.name, LONGEST_USERNAME).strip() or "person"
    for number in range(1, MOST_ALIKE):
        ending = f"-{number}" if number > 1 else ""
        name = f"{asked[: LONGEST_USERNAME - len(ending)]}{ending}"
        if not is_reserved(name) and not User.objects.filter(username__iexact=name).exists():
            yield name
