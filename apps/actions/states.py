"""What can be asked for, and the states of a request, with what each is to people."""

from __future__ import annotations

from django.db import models

from apps.core.tones import Tone


class Action(models.TextChoices):
    """What a person can ask for; the label is the button's word."""

    SYNC = "sync", "Resync"
    DRY_RUN = "dry-run", "Dry run"
    REFRESH = "refresh", "Refresh"
    HARD_REFRESH = "hard-refresh", "Hard refresh"
    TERMINATE = "terminate", "Terminate"
    TAKE_OVER = "take-over", "Take over"
    BULK_SYNC = "bulk-sync", "Bulk resync"
    FREEZE = "freeze", "Freeze"
    UNFREEZE = "unfreeze", "Unfreeze"
    SILENCE = "silence", "Silence"
    SILENCE_EDIT = "silence-edit", "Change silence"
    SILENCE_EXPIRE = "silence-expire", "Expire silence"

    @property
    def is_sync_like(self) -> bool:
        """Whether it starts an operation: one such request is active for an Application at a time (decision 17)."""
        return self in {Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER}

    @property
    def has_steps(self) -> bool:
        """Whether it sends nothing itself: its steps are requests of their own."""
        return self in {Action.TAKE_OVER, Action.BULK_SYNC, Action.SILENCE_EDIT}

    @property
    def is_sent(self) -> bool:
        """Whether Argo CD, or an Alertmanager, is told of it in one call."""
        return not self.has_steps and self not in {Action.FREEZE, Action.UNFREEZE}

    @property
    def is_of_silence(self) -> bool:
        """Whether it is about a silence of an Alertmanager, and no Application."""
        return self in SILENCES


REFRESHES = frozenset({Action.REFRESH, Action.HARD_REFRESH})
SILENCES = frozenset({Action.SILENCE, Action.SILENCE_EDIT, Action.SILENCE_EXPIRE})


class State(models.TextChoices):
    """Where a request is. Each move is a compare-and-set with its line in the audit log in one transaction."""

    PLANNED = "planned", "planned"
    WAITING = "waiting", "waiting for approval"
    APPROVED = "approved", "approved"
    SENDING = "sending", "sending"
    UNKNOWN = "unknown", "unknown whether it began"
    ACCEPTED = "accepted", "accepted"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"

    SUCCEEDED = "succeeded", "succeeded"
    STILL_OUT_OF_SYNC = "still-out-of-sync", "ended, still not synced"
    FAILED = "failed", "failed"
    TERMINATED = "terminated", "terminated"
    REFUSED = "refused", "refused"
    NOT_STARTED = "not-started", "not started"
    NOT_KNOWN = "not-known", "not known what came of it"
    WITHDRAWN = "withdrawn", "withdrawn"
    EXPIRED = "expired", "not approved in time"
    ENDED = "ended", "ended by hand"
    LEFT = "left", "left undone"

    @property
    def is_final(self) -> bool:
        """Whether nothing comes after it."""
        return self not in ACTIVE

    @property
    def tone(self) -> Tone:
        """How it is shown."""
        return TONES[self]


ACTIVE = frozenset(
    {
        State.PLANNED,
        State.WAITING,
        State.APPROVED,
        State.SENDING,
        State.UNKNOWN,
        State.ACCEPTED,
        State.RUNNING,
        State.PAUSED,
    }
)
HOLDING = ACTIVE - {State.PLANNED}
"""The states in which a sync-like request keeps others from its Application."""

TONES = {
    State.PLANNED: Tone.HELD,
    State.WAITING: Tone.HELD,
    State.APPROVED: Tone.BUSY,
    State.SENDING: Tone.BUSY,
    State.UNKNOWN: Tone.UNKNOWN,
    State.ACCEPTED: Tone.BUSY,
    State.RUNNING: Tone.BUSY,
    State.PAUSED: Tone.HELD,
    State.SUCCEEDED: Tone.WELL,
    State.STILL_OUT_OF_SYNC: Tone.WARNING,
    State.FAILED: Tone.CRITICAL,
    State.TERMINATED: Tone.WARNING,
    State.REFUSED: Tone.WARNING,
    State.NOT_STARTED: Tone.WARNING,
    State.NOT_KNOWN: Tone.UNKNOWN,
    State.WITHDRAWN: Tone.HELD,
    State.EXPIRED: Tone.HELD,
    State.ENDED: Tone.HELD,
    State.LEFT: Tone.HELD,
}
