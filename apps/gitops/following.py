"""Following one Argo CD instance: its stream for what changes, its list for what exists.

A reader holds the stream and a lister asks for the list, each in its thread; both only put what they got into a
mailbox. The follower alone takes from it and writes, while it has the instance's lease. The stream loses events (a
server that is overrun drops them, and what changes while its replay ends is never told), so the list is asked for after
each connect and every few minutes, and where it shows what the stream did not tell, the stream is opened anew.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass

from apps.core.connections import DATABASE_FAILURES, connection_let_go
from apps.core.errors import UpstreamDenied, UpstreamError
from apps.core.leases import lease_give_up, lease_take, new_holder
from apps.integrations.argocd import ApplicationEvent, ArgoCDClient
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.reading import ReadOutcome, source_failed, source_succeeded

from .collecting import (
    Listed,
    applications_apply,
    applications_judge,
    applications_reconcile,
    writing_lease,
)
from .listening import Heard, ListAsker, ListEnded, Mailbox, Message, StreamEnded, StreamOpened, StreamReader
from .reading import outcome_of

log = logging.getLogger(__name__)

MOST_WAITING = 2_000
MOST_AT_ONCE = 500
CLOSING_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The follower's times, in seconds.

    A list is taken in `settle` after it came, so that events on their way overtake it. `second_list` after a connect
    the list shows what changed between the replay's end and the stream's begin; `relist` is the rest's. After
    `full_replay` the stream is opened anew, since what it lost may be what no list shows. `interval` is
    the source's own: the list's pace without a stream, and how long a drop is told. `silence` is how long a stream
    that should show a sign of life each 15 s may show none.
    """

    coalesce: float = 0.15
    settle: float = 1.0
    second_list: float = 20.0
    relist: float = 300.0
    full_replay: float = 3600.0
    interval: float = 60.0
    silence: float = 45.0
    heartbeat: float = 15.0
    judge: float = 20.0
    lease: float = 30.0
    renew: float = 5.0
    shortest_wait: float = 1.0
    longest_wait: float = 60.0
    denied_wait: float = 300.0


class Timer:
    """When something is due again, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.set(seconds)

    def set(self, seconds: float) -> None:
        """Due in so many seconds from now."""
        self._due = time.monotonic() + seconds

    def is_due(self) -> bool:
        """Whether that time has come."""
        return time.monotonic() >= self._due


class Follower:
    """Follows one instance of a fleet file until `stop` is set; `run` is the body of its thread."""

    def __init__(
        self, *, instance: str, fleet: FleetFile, client: ArgoCDClient, stop: threading.Event, pace: Pace | None = None
    ) -> None:
        self.instance = instance
        self._fleet, self._client, self._stop = fleet, client, stop
        self._pace = pace or Pace()
        self._holder = new_holder()

    def run(self) -> None:
        """Waits for the lease, follows while it is held, and begins again; the database may fail in between."""
        while not self._stop.is_set():
            try:
                if self._renew():
                    self._hold()
            except DATABASE_FAILURES as error:
                log.warning("following %s pauses, the database says: %s", self.instance, error)
            finally:
                connection_let_go()
            self._stop.wait(self._pace.shortest_wait)

    def _renew(self) -> bool:
        return lease_take(name=writing_lease(self.instance), holder=self._holder, seconds=self._pace.lease)

    def _hold(self) -> None:
        """Follows until told to stop or the lease is lost; what was opened is closed and the lease given up."""
        watch = Watch(instance=self.instance, fleet=self._fleet, client=self._client, pace=self._pace)
        renewal = Timer(self._pace.renew)
        log.info("following %s", self.instance)
        try:
            while not self._stop.is_set():
                if renewal.is_due():
                    if not self._renew():
                        log.warning("following %s ends: another has its lease", self.instance)
                        return
                    renewal.set(self._pace.renew)
                connection_let_go()
                watch.turn()
        finally:
            watch.close()
            lease_give_up(name=writing_lease(self.instance), holder=self._holder)


class Watch:
    """One time of holding an instance: connection after connection, list after list, turn by turn."""

    def __init__(self, *, instance: str, fleet: FleetFile, client: ArgoCDClient, pace: Pace) -> None:
        self._instance, self._fleet, self._client, self._pace = instance, fleet, client, pace
        self._key = f"argocd/{instance}"
        self._mailbox: Mailbox[Message] = Mailbox(MOST_WAITING)
        self._reader: StreamReader | None = None
        self._asker: ListAsker | None = None
        self._stream_error = ""
        self._stream_failures = self._list_failures = 0
        self._lists_of_connection = 0
        self._is_listing = False
        self._listed: Listed | None = None
        self._good: ReadOutcome | None = None
        self._connect_due, self._list_due, self._taking_due = Timer(0), Timer(0), Timer(0)
        self._upstream_due, self._replay_due, self._full_replay_due = Timer(0), Timer(0), Timer(0)
        self._beat_due, self._judge_due = Timer(pace.heartbeat), Timer(pace.judge)

    def turn(self) -> None:
        """Takes in what comes within the next second, and does what is due."""
        self._ask_what_is_due()
        self._handle(self._messages())
        if self._listed and self._taking_due.is_due():
            self._reconcile(self._listed)
        if self._judge_due.is_due():
            self._judge_due.set(self._pace.judge)
            applications_judge(fleet=self._fleet, instance=self._instance)
        if self._beat_due.is_due():
            self._beat()

    def close(self) -> None:
        """Ends the stream, and waits a moment for the threads: what they still say is then said."""
        self._mailbox.close()
        waiters = [waiter for waiter in (self._reader, self._asker) if waiter]
        self._disconnect()
        for waiter in waiters:
            waiter.join(CLOSING_SECONDS / len(waiters))

    def _ask_what_is_due(self) -> None:
        if not self._upstream_due.is_due():
            return
        if self._reader is None and self._connect_due.is_due():
            self._reader = StreamReader(self._client, self._mailbox, silence=self._pace.silence)
            self._reader.start()
            self._lists_of_connection = 0
            self._list_due.set(0)
            self._full_replay_due.set(self._pace.full_replay)
        if not self._is_listing and self._listed is None and self._list_due.is_due():
            self._is_listing = True
            self._asker = ListAsker(self._client, self._mailbox, instance=self._instance)
            self._asker.start()

    def _messages(self) -> list[Message]:
        """What comes within a second, with what comes in the moment after the first."""
        first = self._mailbox.take(self._pace.coalesce if self._listed else min(1.0, self._pace.renew))
        messages = [first] if first else []
        until = time.monotonic() + self._pace.coalesce
        while messages and len(messages) < MOST_AT_ONCE and (left := until - time.monotonic()) > 0:
            if message := self._mailbox.take(left):
                messages.append(message)
        return messages

    def _handle(self, messages: list[Message]) -> None:
        heard = [told.event for told in messages if isinstance(told, Heard) and told.reader is self._reader]
        if heard:
            self._take_in(heard)
        for message in messages:
            match message:
                case ListEnded(listed, error):
                    self._list_ended(listed, error)
                case StreamOpened(reader) if reader is self._reader:
                    self._stream_error = ""
                case StreamEnded(reader, error) if reader is self._reader:
                    self._stream_ended(error)

    def _take_in(self, events: list[ApplicationEvent]) -> None:
        self._stream_failures = 0
        applications_apply(fleet=self._fleet, instance=self._instance, events=events)

    def _list_ended(self, listed: Listed | None, error: UpstreamError | None) -> None:
        self._is_listing = False
        if listed:
            self._listed, self._list_failures = listed, 0
            self._taking_due.set(self._pace.settle)
            return
        self._good = None
        self._list_failures += 1
        self._list_due.set(self._wait(self._list_failures, error))
        if error:
            source_failed(key=self._key, error=error)
            if error.retry_after or isinstance(error, UpstreamDenied):
                self._upstream_due.set(self._wait(self._list_failures, error))

    def _stream_ended(self, error: UpstreamError | None) -> None:
        self._stream_failures += 1
        self._stream_error = error.message if error else "it ended"
        log.info("the stream of %s ended: %s", self._instance, self._stream_error)
        self._disconnect()
        self._connect_due.set(self._wait(self._stream_failures, error))

    def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _reconcile(self, listed: Listed) -> None:
        """Takes a list in. What it told of a drop is told for one interval, then heartbeats go on without it."""
        self._listed = None
        collected = applications_reconcile(fleet=self._fleet, instance=self._instance, listed=listed)
        lost = self._reader.lost_events if self._reader else 0
        self._good = outcome_of(listed, collected, stream_error=self._stream_error, lost_events=lost)
        source_succeeded(key=self._key, outcome=self._good)
        self._beat_due.set(self._pace.interval if listed.drop else self._pace.heartbeat)
        self._good = outcome_of(listed.without_drop(), collected, stream_error=self._stream_error, lost_events=lost)
        self._plan_next_list(is_doubtful=bool(listed.doubt), wants_replay=collected.wants_replay)

    def _plan_next_list(self, *, is_doubtful: bool, wants_replay: bool) -> None:
        self._lists_of_connection += 1
        if self._reader is None or is_doubtful:
            self._list_due.set(self._pace.interval)
        elif self._lists_of_connection == 1:
            self._list_due.set(self._pace.second_list)
        else:
            self._list_due.set(self._pace.relist)
            if wants_replay and self._replay_due.is_due():
                log.info("the stream of %s lost events: it is opened anew", self._instance)
                self._replay_due.set(self._pace.relist)
                self._disconnect()
            elif self._full_replay_due.is_due():
                self._disconnect()

    def _beat(self) -> None:
        """A stream that is not silent proves that what was listed still holds: a success of the source."""
        self._beat_due.set(self._pace.heartbeat)
        if self._good and self._reader and not self._stream_error:
            source_succeeded(key=self._key, outcome=self._good)

    def _wait(self, failures: int, error: UpstreamError | None) -> float:
        """Seconds until the next try: random in a window that doubles, and never sooner than the upstream wants."""
        wanted = self._pace.denied_wait if isinstance(error, UpstreamDenied) else (error and error.retry_after) or 0.0
        window = min(self._pace.longest_wait, self._pace.shortest_wait * 2 ** min(failures, 10))
        return max(wanted, random.uniform(self._pace.shortest_wait / 2, window))  # noqa: S311 (no secret)
