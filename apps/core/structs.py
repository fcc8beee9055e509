"""Reading JSON and plain values as typed ones, from any thread.

msgspec works out the fields of a Struct at its first reading, by Python code between which threads may change: a second
thread that reads the same type meanwhile finds it half made, and the process ends by signal 11 (msgspec 0.22; seen as
two streams of Argo CD began at once). So the first reading of each type is prepared under one lock here, and nothing
else in the portal reads a type by `msgspec.json.decode` or `msgspec.convert`.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_lock = threading.Lock()


def decoded(raw: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """The value of a JSON text.

    Raises:
        msgspec.DecodeError: it is no JSON; its subclass ValidationError: it is not of that type.
        RecursionError: it is nested too deeply.
    """
    told: T = _decoder(kind).decode(raw)
    return told


def converted(plain: Any, kind: type[T]) -> T:
    """The value of dicts, lists and scalars. Raises msgspec.ValidationError for what is not of that type."""
    _decoder(kind)
    return msgspec.convert(plain, kind)


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    found = _decoders.get(kind)
    if found is None:
        with _lock:
            found = _decoders.get(kind) or msgspec.json.Decoder(kind)
            _decoders[kind] = found
    return found
