"""The tones of what Argo CD says of an operation and of each resource in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.core.tones import Tone
from apps.integrations.argocd import values

RESULT_TONES = {"Synced": Tone.WELL, "Pruned": Tone.WELL, "PruneSkipped": Tone.HELD, "SyncFailed": Tone.CRITICAL}
HOOK_TONES = {"Succeeded": Tone.WELL, "Running": Tone.BUSY, "Failed": Tone.CRITICAL, "Error": Tone.CRITICAL}
FAILED = {"Failed", "Error"}
OPERATION_TONES = {**HOOK_TONES, "Pending": Tone.BUSY, "Terminating": Tone.BUSY}


@dataclass(frozen=True)
class Result:
    """What an operation did with one resource, with its tone."""

    resource: values.ResourceStatus

    @property
    def word(self) -> str:
        """Argo CD's word for what came of it: of a hook how far it is, whatever applying it did."""
        told = self.resource
        has_failed = told.hook_phase in FAILED and told.status != "SyncFailed"
        return told.hook_phase if told.hook_phase and (told.hook or has_failed) else told.status or told.hook_phase

    @property
    def tone(self) -> Tone:
        """By its word; unknown for a word that Argo CD did not have so far."""
        return {**RESULT_TONES, **HOOK_TONES}.get(self.word, Tone.UNKNOWN)


def failures_first(resources: Iterable[values.ResourceStatus]) -> list[Result]:
    """What an operation did with these, the worst first."""
    return sorted(map(Result, resources), key=lambda each: each.tone.rank)
