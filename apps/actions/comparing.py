"""Whether Argo CD has compared an Application since an operation ended, and what came of the operation by that.

The end of an operation does not touch `status.sync`: until the next comparison that is still the one from before.
Argo CD asks for that comparison itself, at the end of each operation but a dry run. Its moments are whole seconds, by
one clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.core.text import clean
from apps.core.verdict.application import OUT_OF_SYNC, SYNCED
from apps.integrations.argocd import Application, ApplicationDetail, Operation

from .outcomes import CANNOT_TELL, LONGEST, left_words, short
from .states import State

COMPARES: Final = timedelta(seconds=60)
"""So long after an operation's end the comparison is waited for."""
SETTLES: Final = timedelta(seconds=5)
"""So long a newer one is waited for where one of the very second of the end says OutOfSync."""
AT_ONCE: Final = timedelta()


@dataclass(frozen=True)
class Comparison:
    """What Argo CD compared last, beside an operation that has ended.

    `is_since` says that it began no earlier than the operation ended, as far as whole seconds tell; `is_of_it`, that
    it was of the revision that the operation synced; `waits`, how long after the end it is to be waited for a better
    one.
    """

    is_since: bool
    is_of_it: bool
    waits: timedelta


def comparison_of(operation: Operation, told: ApplicationDetail, compared_before: str | None) -> Comparison:
    """`compared_before` is the moment (ISO 8601) of the comparison that stood there while the operation was under way
    still, None where nobody saw that. In the very second of the end it may be the one from before: of OutOfSync it then
    tells nothing, while what is Synced with the revision that the operation has just synced is so either way."""
    at, ended, is_synced = told.reconciled_at, operation.finished_at, told.application.sync_status == SYNCED
    is_from_before = at is not None and at.isoformat() == compared_before and not is_synced
    is_old = at is None or ended is None or at < ended or (at == ended and is_from_before)
    is_of_it = _is_of_it(operation, told.application)
    if is_old or not is_of_it:
        return Comparison(not is_old, is_of_it, COMPARES)
    if at == ended and not is_synced:  # it may have begun before the end, in that second
        return Comparison(True, True, COMPARES if compared_before is None else SETTLES)
    return Comparison(True, True, AT_ONCE)


def _is_of_it(operation: Operation, application: Application) -> bool:
    return not operation.revision or operation.revision == application.sync_revision


def end_compared(comparison: Comparison, told: ApplicationDetail) -> tuple[State, str]:
    """The final state, and its words, of a sync that succeeded, when no better comparison is waited for.

    Not synced is called only what was compared since; of what was not compared, only the operation's success is known.
    """
    if not comparison.is_since:
        return State.SUCCEEDED, "The operation succeeded; Argo CD has not compared the application since"
    application = told.application
    moved = "" if comparison.is_of_it else f" with revision {short(application.sync_revision)}, which came meanwhile"
    if application.sync_status == SYNCED:
        return State.SUCCEEDED, f"Synced{moved}"
    if application.sync_status == OUT_OF_SYNC:
        left = left_words(told.resources)
        words = f"The operation succeeded, but Argo CD has compared{moved}: {left}" if moved else left
        return State.STILL_OUT_OF_SYNC, clean(words, LONGEST)
    return State.STILL_OUT_OF_SYNC, CANNOT_TELL
