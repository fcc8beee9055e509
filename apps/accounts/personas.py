"""The demo's ready-made people, one for each role."""

from __future__ import annotations

from django.contrib.auth.models import User

from .models import Person, Role

PERSONAS = {
    "vera": ("Vera", Role.VIEWER),
    "remy": ("Remy", Role.RESPONDER),
    "ana": ("Ana", Role.APPROVER),
    "ada": ("Ada", Role.ADMIN),
}


def persona_account(name: str) -> User:
    """The account of a persona, made when it is not there yet; it has no password.

    Raises:
        KeyError: there is no such persona.
    """
    first_name, role = PERSONAS[name]
    user, created = User.objects.get_or_create(username=name, defaults={"first_name": first_name})
    if created:
        user.set_unusable_password()
        user.save()
    Person.objects.update_or_create(user=user, defaults={"role": role, "is_persona": True})
    return User.objects.select_related("person").get(pk=user.pk)
