"""Alerts as what people say something of."""

from __future__ import annotations

from collections.abc import Collection

from apps.gitops.noting import application_of
from apps.notes.models import Subjects
from apps.notes.things import Finder, Thing, things_register

from .models import Episode, EpisodeQuerySet


def register() -> None:
    """Has alerts acknowledged and noted on."""
    things_register(Subjects.ALERT, Finder(alert_thing, alerts_unwell))


def subject_of(episode: Episode) -> str:
    """The alert's name in the timeline."""
    return f"{episode.alertmanager}/{episode.fingerprint}"


def alert_thing(subject: str) -> Thing | None:
    """The alert of that name as it fired last; its project is that of the Application to which it was joined."""
    last = episodes_of([subject]).order_by("-began_at", "-pk").first()
    if last is None:
        return None
    application = application_of(last.application)
    return Thing(
        kind=Subjects.ALERT,
        subject=subject,
        title=last.title,
        cluster=last.cluster,
        environment=last.environment,
        project=application.project if application else "",
    )


def alerts_unwell(subjects: Collection[str]) -> set[str]:
    """Those of the alerts that fire, quieted or not. One query."""
    return {subject_of(episode) for episode in episodes_of(subjects).firing()}


def episodes_of(subjects: Collection[str]) -> EpisodeQuerySet:
    """All episodes of these alerts; of several also those of others that have one's group and another's fingerprint."""
    names = [subject.partition("/") for subject in subjects]
    return Episode.objects.filter(
        alertmanager__in={name for name, _, _ in names}, fingerprint__in={fingerprint for _, _, fingerprint in names}
    )
