"""The threads that wait for an Argo CD instance, so that the one that writes never does."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

from apps.core.connections import DATABASE_FAILURES, connection_let_go
from apps.core.errors import UpstreamError
from apps.integrations.argocd import ApplicationEvent, ApplicationStream, ArgoCDClient

from .collecting import Listed, applications_list

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Heard:
    """An event of a reader's stream."""

    reader: StreamReader
    event: ApplicationEvent


@dataclass(frozen=True)
class StreamOpened:
    """The upstream began to answer."""

    reader: StreamReader


@dataclass(frozen=True)
class StreamEnded:
    """A reader's stream ended: by an error, or by itself."""

    reader: StreamReader
    error: UpstreamError | None


@dataclass(frozen=True)
class ListEnded:
    """The list was asked for: what it told, or why it did not. Neither where our own side failed."""

    listed: Listed | None = None
    error: UpstreamError | None = None


Message = StreamOpened | Heard | StreamEnded | ListEnded


class Mailbox(Generic[T]):
    """A bounded queue between threads: whoever puts waits while it is full, until it is closed."""

    def __init__(self, size: int) -> None:
        self._queue: queue.Queue[T] = queue.Queue(size)
        self._closed = threading.Event()

    def put(self, message: T) -> None:
        """Waits for a place; drops the message once the mailbox is closed."""
        while not self._closed.is_set():
            try:
                self._queue.put(message, timeout=0.5)
            except queue.Full:
                continue
            return

    def take(self, seconds: float) -> T | None:
        """The next message, None when none comes for so long."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Nobody takes from it any more."""
        self._closed.set()


class Waiter:
    """A thread that waits for an upstream: told to end it does so, at the latest with the process."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begins to wait."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Waits for its end, not longer than this."""
        self._thread.join(seconds)

    def _run(self) -> None:
        raise NotImplementedError


class StreamReader(Waiter):
    """One connection's stream, read in a thread of its own into a mailbox. StreamEnded is the last that it puts."""

    def __init__(self, client: ArgoCDClient, mailbox: Mailbox[Message], *, silence: float) -> None:
        super().__init__(f"stream {client.source}")
        self._client, self._mailbox, self._silence = client, mailbox, silence
        self._closed = threading.Event()
        self._stream: ApplicationStream | None = None

    def close(self) -> None:
        """Ends the stream, from any thread."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    @property
    def lost_events(self) -> int:
        """How many events could not be read."""
        return self._stream.unreadable_count if self._stream is not None else 0

    def _run(self) -> None:
        error: UpstreamError | None = None
        try:
            with self._client.stream(idle_timeout=self._silence) as self._stream:
                if not self._closed.is_set():  # closed while it connected: then nobody else ends the stream
                    self._listen(self._stream)
        except UpstreamError as caught:
            error = caught
        finally:
            self._mailbox.put(StreamEnded(self, error))

    def _listen(self, stream: ApplicationStream) -> None:
        self._mailbox.put(StreamOpened(self))
        for event in stream:
            self._mailbox.put(Heard(self, event))
            if self._closed.is_set():
                return


class ListAsker(Waiter):
    """Asks for the list in a thread of its own, and puts one ListEnded into a mailbox."""

    def __init__(self, client: ArgoCDClient, mailbox: Mailbox[Message], *, instance: str) -> None:
        super().__init__(f"list {client.source}")
        self._client, self._mailbox, self._instance = client, mailbox, instance

    def _run(self) -> None:
        answer = ListEnded()
        try:
            answer = ListEnded(listed=applications_list(client=self._client, instance=self._instance))
        except UpstreamError as error:
            answer = ListEnded(error=error)
        except DATABASE_FAILURES as error:
            log.warning("listing %s is put off, the database says: %s", self._instance, error)
        finally:
            self._mailbox.put(answer)
            connection_let_go()
