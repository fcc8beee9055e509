"""The tones of what Argo CD says of an operation and of each resource in it."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.tones import Tone
from apps.integrations.argocd import values

RESULT_TONES = {"Synced": Tone.WELL, "Pruned": Tone.WELL, "PruneSkipped": Tone.HELD, "SyncFailed": Tone.CRITICAL}
HOOK_TONES = {"Succeeded": Tone.WELL, "Running": Tone.BUSY, "Failed": Tone.CRITICAL, "Error": Tone.CRITICAL}
OPERATION_TONES = {**HOOK_TONES, "Pending": Tone.BUSY, "Terminating": Tone.BUSY}


@dataclass(frozen=True)
class Result:
    """What an operation did with one resource, with its tone."""

    resource: values.ResourceStatus

    @property
    def tone(self) -> Tone:
        """By its word; unknown for a word that Argo CD did not have so far."""
        return {**RESULT_TONES, **HOOK_TONES}.get(self.resource.status or self.resource.sync_phase, Tone.UNKNOWN)
