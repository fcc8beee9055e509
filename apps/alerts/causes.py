"""Why an alert that fires is quiet: the silences, alerts and time intervals that its Alertmanager names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .models import AlertState, Episode, Silence


@dataclass(frozen=True)
class Cause:
    """One thing that quiets an alert; `silence` or `inhibitor` is its row, None where none of that name is known."""

    kind: AlertState
    name: str
    silence: Silence | None = None
    inhibitor: Episode | None = None


Causes = Mapping[int, tuple[Cause, ...]]


def causes_of(episodes: Iterable[Episode]) -> Causes:
    """Each episode's causes by its primary key. Two queries, none where nothing is quieted."""
    quiet = list(episodes)
    silences = _silences({name for episode in quiet for name in episode.silenced_by})
    inhibitors = _inhibitors({name for episode in quiet for name in episode.inhibited_by})
    return {
        episode.pk: (
            *(
                Cause(AlertState.SILENCED, name, silence=silences.get((episode.alertmanager, name)))
                for name in episode.silenced_by
            ),
            *(
                Cause(AlertState.INHIBITED, name, inhibitor=inhibitors.get((episode.alertmanager, name)))
                for name in episode.inhibited_by
            ),
            *(Cause(AlertState.MUTED, name) for name in episode.muted_by),
        )
        for episode in quiet
    }


def _silences(names: set[str]) -> dict[tuple[str, str], Silence]:
    return {(row.alertmanager, row.silence_id): row for row in Silence.objects.filter(silence_id__in=names)}


def _inhibitors(fingerprints: set[str]) -> dict[tuple[str, str], Episode]:
    firing = Episode.objects.firing().filter(fingerprint__in=fingerprints)
    return {(row.alertmanager, row.fingerprint): row for row in firing}
