"""Applications as what people say something of."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from apps.core.tones import Tone
from apps.fleet.overlay import overlay_now
from apps.notes.models import Subjects
from apps.notes.things import Finder, Thing, things_register

from .models import Application

PARTS = 3


def register() -> None:
    """Has Applications acknowledged and noted on."""
    things_register(Subjects.APPLICATION, Finder(application_thing, applications_unwell))


def application_of(subject: str) -> Application | None:
    """The Application "<instance>/<namespace>/<name>"; None where there is none (any more)."""
    return Application.objects.filter(named(subject)).first() if subject.count("/") == PARTS - 1 else None


def application_thing(subject: str) -> Thing | None:
    """The Application of that name."""
    found = application_of(subject)
    if found is None:
        return None
    return Thing(
        kind=Subjects.APPLICATION,
        subject=str(found),
        title=found.name,
        cluster=found.cluster,
        environment=found.environment,
        project=found.project,
    )


def applications_unwell(subjects: Collection[str]) -> set[str]:
    """Those of the Applications that are shown in another tone than well. Six queries; the others are gone or well."""
    asked = Q(pk__in=[])
    for subject in subjects:
        asked |= named(subject)
    shown = Application.objects.filter(asked).with_shown_tone(overlay_now())
    return {str(application) for application in shown.exclude(Q(shown_tone=Tone.WELL))}


def named(subject: str) -> Q:
    """Its three names."""
    instance, _, rest = subject.partition("/")
    namespace, _, name = rest.partition("/")
    return Q(instance=instance, namespace=namespace, name=name)
