"""What the clients of all upstreams have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from apps.integrations.http import CallFacts, Endpoint, HttpClient, Refine


class UpstreamClient:
    """A client over one endpoint; a context manager that closes its connections."""

    def __init__(self, endpoint: Endpoint, *, refine: Refine) -> None:
        self.http = HttpClient(endpoint, refine=refine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def source(self) -> str:
        """The key of the source that errors carry."""
        return self.http.source

    @property
    def last(self) -> CallFacts | None:
        """What the last call cost, for any outcome that came with a status."""
        return self.http.last

    def close(self) -> None:
        """Let go of the connections that are kept for the next call."""
        self.http.close()
