"""A short look at Argo CD before an action: the Application, our right, its sync windows, all asked at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from apps.accounts.renewing import SignInNeeded
from apps.core.connections import connection_let_go
from apps.core.errors import PortalError, UpstreamError, UpstreamNotFound, UpstreamNotInstalled
from apps.gitops.models import Application
from apps.integrations.argocd import ArgoCDClient
from apps.sources.clients import SourceNotConfigured, argocd_client
from apps.sources.fleetfile.schema import FleetFile

from .case import Live
from .in_name import acting_client, acts_as_person
from .states import REFRESHES, Action

PAGES_LOOK = threading.BoundedSemaphore(max(1, settings.PORTAL_PAGE_THREADS - 1))
"""One thread of the pages stays free, however slow Argo CD is."""
TURN_COMES = 0.5
"""Seconds that a page waits for the look of another to end."""
APPLICATION, RIGHT, WINDOWS = "the Application itself", "the right to it", "the sync windows"


class LooksTaken(PortalError):
    """As many pages as may wait for Argo CD already."""

    def __init__(self) -> None:
        super().__init__("Argo CD is slow to answer: try again in a moment")


@contextmanager
def look_of_page() -> Iterator[None]:
    """Holds one of the turns of pages to look. Raises LooksTaken where none comes free soon."""
    if not PAGES_LOOK.acquire(timeout=TURN_COMES):
        raise LooksTaken
    try:
        yield
    finally:
        PAGES_LOOK.release()


@dataclass
class _Question:
    """One question in its own thread; the thread outlives the look where the answer is late."""

    what: str
    ask: Callable[[], Any]
    answer: Any = None
    error: PortalError | None = None
    is_answered: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        threading.Thread(target=self._run, name="live-look", daemon=True).start()

    def _run(self) -> None:
        try:
            self.answer = self.ask()
        except UpstreamError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001  the look never raises: a bug here is one thing that was not checked
            self.error = PortalError(f"the portal's own fault, {type(error).__name__}")
        finally:
            self.is_answered.set()

    @property
    def problem(self) -> str:
        """Why there is no answer, in words; "" where there is one."""
        if not self.is_answered.is_set():
            return f"{self.what} could not be checked: Argo CD has not answered yet"
        if self.error is None:
            return ""
        told = self.error.message if isinstance(self.error, UpstreamError) else str(self.error)
        return f"{self.what} could not be checked: {told}"


def live_look(
    fleet: FleetFile, application: Application, action: Action, *, session: str = "", deadline: float = 3.0
) -> Live:
    """Asks Argo CD for the Application, for the right to the action, and for the windows where it starts an operation.

    The right is the portal's, or that of the person of this `session` where it is asked in their name. Takes at most
    `deadline` seconds, and those of the identity provider, and never raises: what failed or is late is None, with why
    in `problems`. No connection of the database is held meanwhile.
    """
    try:
        client = argocd_client(fleet, f"argocd/{application.instance}")
        with acting_client(fleet, application.instance, session) as actor:
            questions = _questions(client, actor, application, action)
            connection_let_go()
            _wait_for(list(questions.values()), deadline)
            return replace(_live(questions), is_as_person=acts_as_person(fleet, application.instance))
    except SourceNotConfigured:
        return Live(problems=(f"nothing could be checked: Argo CD {application.instance} is not in the fleet file",))
    except SignInNeeded as needed:
        return Live(nameless=str(needed))


def right_to(action: Action) -> str:
    """The verb on applications that Argo CD wants for an action: terminating takes `sync` too."""
    return "get" if action in REFRESHES else "sync"


def may_act(client: ArgoCDClient, application: Application, verb: str) -> bool:
    """Whether our account may; an Application outside of Argo CD's own namespace is project/namespace/name there."""
    project, name = application.project, application.name
    return client.can_i("applications", verb, f"{project}/{name}") or client.can_i(
        "applications", verb, f"{project}/{application.namespace}/{name}"
    )


def _questions(
    client: ArgoCDClient, actor: ArgoCDClient, application: Application, action: Action
) -> Mapping[str, _Question]:
    name, verb = application.name, right_to(action)
    where = {"namespace": application.namespace, "project": application.project}
    asks: dict[str, Callable[[], Any]] = {
        APPLICATION: lambda: client.application(name, **where),
        RIGHT: lambda: may_act(actor, application, verb),
    }
    if action.is_sync_like:
        asks[WINDOWS] = lambda: client.window_state(name, **where)
    return {what: _Question(what, ask) for what, ask in asks.items()}


def _wait_for(questions: list[_Question], deadline: float) -> None:
    until = time.monotonic() + deadline
    for question in questions:
        question.begin()
    for question in questions:
        question.is_answered.wait(max(0.0, until - time.monotonic()))


def _live(questions: Mapping[str, _Question]) -> Live:
    """A moment's picture: what is answered later than this is not taken."""
    problems = {what: question.problem for what, question in questions.items()}
    answers = {what: None if problems[what] else question.answer for what, question in questions.items()}
    error = questions[APPLICATION].error
    is_missing = isinstance(error, UpstreamNotFound) and not isinstance(error, UpstreamNotInstalled)
    return Live(
        detail=answers[APPLICATION],
        may_act=answers[RIGHT],
        windows=answers.get(WINDOWS),
        problems=tuple(filter(None, problems.values())),
        is_missing=is_missing,
    )
