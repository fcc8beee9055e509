"""The demo's ready-made people: one for each role, and a responder of another scope."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib.auth.models import User

from .models import Person, Role
from .scopes import Scope


@dataclass(frozen=True)
class Persona:
    """Somebody of the demo."""

    first_name: str
    role: Role
    scope: Scope = field(default_factory=Scope)


PERSONAS = {
    "vera": Persona("Vera", Role.VIEWER),
    "remy": Persona("Remy", Role.RESPONDER),
    "sasha": Persona("Sasha", Role.RESPONDER, Scope(environments=("staging",))),
    "ana": Persona("Ana", Role.APPROVER),
    "ada": Persona("Ada", Role.ADMIN),
}


def persona_account(name: str) -> User:
    """The account of a persona, made when it is not there yet; it has no password.

    Raises:
        KeyError: there is no such persona.
    """
    persona = PERSONAS[name]
    user, created = User.objects.get_or_create(username=name, defaults={"first_name": persona.first_name})
    if created:
        user.set_unusable_password()
        user.save()
    told = {"role": persona.role, "scope": persona.scope.as_builtins(), "is_persona": True}
    Person.objects.update_or_create(user=user, defaults=told)
    return User.objects.select_related("person").get(pk=user.pk)
