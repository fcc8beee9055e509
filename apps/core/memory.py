"""What of a process's memory is looked through again and again, and what is not."""

from __future__ import annotations

import gc


def what_is_loaded_stays() -> None:
    """Takes all that is there from the garbage collector's care: modules, classes, what they keep.

    A full collection comes once there is a quarter more than what the last one looked through. Of what a process has
    loaded nothing goes anyway: without it garbage is found sooner, and the process does not grow by it meanwhile.
    """
    gc.collect()
    gc.freeze()
