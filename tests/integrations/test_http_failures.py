"""Every exception that the HTTP libraries define has a meaning of its own."""

from __future__ import annotations

import inspect
import socket
from types import ModuleType

import pytest
import requests.exceptions
import urllib3.exceptions

from apps.core.errors import UpstreamError, UpstreamUnavailable
from apps.integrations.http import MEANINGS, translated


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]
    own = [kind for kind in kinds if kind.__module__.split(".")[0] in {"requests", "urllib3"}]
    return [kind for kind in own if not issubclass(kind, Warning)]


ALL = sorted(
    {*exceptions_of(requests.exceptions), *exceptions_of(urllib3.exceptions)},
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


def test_the_libraries_have_the_exceptions_that_we_think() -> None:
    assert len(ALL) > 45


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_each_exception_is_mapped(kind: type[Exception]) -> None:
    assert kind in MEANINGS
    error = translated(kind.__new__(kind), "test/one")
    assert isinstance(error, UpstreamError)
    assert error.source == "test/one"
    assert error.message
    assert "\n" not in error.message


def test_the_innermost_cause_is_what_is_told() -> None:
    inner = urllib3.exceptions.NameResolutionError("no.example", None, socket.gaierror(-2, "unknown"))  # type: ignore[arg-type]
    outer = requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", inner))  # type: ignore[arg-type]
    error = translated(outer, "test/one")
    assert type(error) is UpstreamUnavailable
    assert error.message == "its name cannot be resolved"
