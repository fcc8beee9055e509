"""One request as its page shows it: where it is, what speaks or spoke about it, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import Count
from django.utils.dateparse import parse_datetime

from apps.core.links import safe_link
from apps.core.structs import converted
from apps.core.tones import Tone
from apps.fleet.overlay import Overlay
from apps.gitops.links import argocd_link, commit_link
from apps.gitops.models import Application
from apps.gitops.phases import OPERATION_TONES, Result, failures_first
from apps.integrations.argocd import values

from .asking import address_of
from .bulk_waits import bulk_wait
from .case import Answer, Finding
from .guards import GUARDS
from .models import ActionRequest, AuditLine
from .options import options_of
from .recovering import HEALTH_THEN
from .setting_aside import unanswered_since
from .silences.form import matchers_address
from .silences.guards import TITLES as SILENCE_TITLES
from .silences.wanted import Wanted, wanted_of
from .standing import LEFT_OUT
from .states import Action, State

MOST_STEPS_OF_A_WAVE = 300
FEW = 12
"""So many steps of a wave are all in sight."""
IN_A_STEP = ("outcome", "name", "instance", "namespace", "cluster", "state", "state_at", "wave", "position", "action")
AGAIN = frozenset({Action.SYNC, Action.DRY_RUN, Action.REFRESH, Action.HARD_REFRESH})
SENTENCES = {
    State.PLANNED: "Its turn has not come yet.",
    State.WAITING: "It waits for a second person to approve it.",
    State.APPROVED: "It is about to be sent to Argo CD.",
    State.SENDING: "It is being sent to Argo CD.",
    State.UNKNOWN: "Argo CD did not answer: whether it began is being found out. Nothing is sent a second time.",
    State.ACCEPTED: "Argo CD has accepted it.",
    State.RUNNING: "It is under way.",
    State.PAUSED: "It is paused: nothing new is begun.",
}
SILENCE_SENTENCES = {
    State.APPROVED: "It is about to be sent to the Alertmanager.",
    State.SENDING: "It is being sent to the Alertmanager.",
    State.UNKNOWN: "The Alertmanager did not answer: whether it arrived is being found out. Nothing is sent again.",
}
STEPS_SENTENCES = {State.APPROVED: "It begins in a moment.", State.RUNNING: "Its steps are under way."}


@dataclass(frozen=True)
class GuardLine:
    """One guard's answer as a line: its shape, its words, and the way to the evidence ("" for none)."""

    title: str
    answer: Answer
    words: str
    url: str
    is_outside: bool

    @property
    def tone(self) -> Tone:
        """How it is shown."""
        return self.answer.tone


@dataclass(frozen=True)
class Operation:
    """What is kept of the operation that a request began."""

    phase: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None
    retry_count: int
    results: Sequence[Result]

    @property
    def tone(self) -> Tone:
        """By its phase; unknown for one that Argo CD did not have so far."""
        return OPERATION_TONES.get(self.phase, Tone.UNKNOWN)


@dataclass(frozen=True)
class WaveShown:
    """The steps of one wave, those that need somebody first, then those under way, and how many are in each state.

    Of many only these are in sight, the others (`folded`) below a fold.
    """

    number: int
    steps: Sequence[ActionRequest]
    counts: Mapping[State, int]

    @property
    def title(self) -> str:
        """What it is called."""
        return "Left out from the beginning" if self.number == LEFT_OUT else f"Wave {self.number}"

    @property
    def is_open(self) -> bool:
        """Whether something in it is under way, or needs somebody."""
        return any(map(is_notable, self.counts))

    @property
    def has_ended(self) -> bool:
        """Whether nothing in it is still to come."""
        return all(state.is_final for state in self.counts)

    @property
    def tone(self) -> Tone:
        """Busy while something is under way and nothing needs somebody; else the strictest of its steps'."""
        notable = [state.tone for state in self.counts if is_notable(state)]
        return min(notable or (state.tone for state in self.counts), key=lambda tone: tone.rank)

    @property
    def in_sight(self) -> Sequence[ActionRequest]:
        """Those that are shown at once."""
        notable = [step for step in self.steps if is_notable(State(step.state))]
        return notable if notable and len(self.steps) > FEW else self.steps

    @property
    def folded(self) -> Sequence[ActionRequest]:
        """The others."""
        in_sight = self.in_sight
        return [] if len(in_sight) == len(self.steps) else [step for step in self.steps if step not in in_sight]

    @property
    def folded_words(self) -> str:
        """ "97 planned, 30 succeeded"."""
        return ", ".join(f"{count} {state.label}" for state, count in counts_of(self.folded).items())

    @property
    def more(self) -> int:
        """How many are not listed here."""
        return sum(self.counts.values()) - len(self.steps)


def is_notable(state: State) -> bool:
    """Whether a step in that state is under way, or needs somebody."""
    return state.tone.needs_somebody or state.tone is Tone.BUSY


def request_shown(request: ActionRequest, overlay: Overlay) -> dict[str, Any]:
    """What the page's template shows of the request. Four queries; of a bulk two more, and those of `bulk_wait`."""
    action, state = Action(request.action), State(request.state)
    application = application_of(request)
    source = overlay.sources.get(f"argocd/{request.instance}")
    waves = waves_of(request) if action.has_steps else []
    guards, wait = guards_shown(request), bulk_wait(request)
    return {
        "title": f"{action.label} of {request.subject}" if request.subject else action.label,
        "asked": request,
        "action": action,
        "state": state,
        "sentence": wait.words if wait else sentence_of(request, waves),
        "options": options_of(request.options).words,
        "resources": options_of(request.options).resources,
        "application": application,
        "argocd_link": argocd_link(application, source.address if source else "") if application else "",
        "commit_link": commit_link(application.repo_url, request.revision_sent) if application else "",
        "spoken": [line for line in guards if line.answer is not Answer.PASS],
        "passed": [line for line in guards if line.answer is Answer.PASS],
        "operation": operation_shown(request.operation),
        "lines": AuditLine.objects.filter(request=request.pk).order_by("pk"),
        "waves": waves,
        "counts": total_of(waves),
        "wait": wait,
        "environments": environments_of(request),
        "again": again_of(request, application),
        "upstream": "Alertmanager" if action.is_of_silence else "Argo CD",
        "silence": silence_of(request),
        "silent_since": unanswered_since(request, overlay.now),
    }


def application_of(request: ActionRequest) -> Application | None:
    """The Application that it is about, if it is there still."""
    if not request.name:
        return None
    where = {"instance": request.instance, "namespace": request.namespace, "name": request.name}
    return Application.objects.filter(**where).first()


def sentence_of(request: ActionRequest, waves: Sequence[WaveShown] = ()) -> str:
    """What came of it, or where it is now."""
    state = State(request.state)
    if request.outcome:
        return request.outcome
    now = next((wave for wave in waves if not wave.has_ended), None)
    if now and state is State.RUNNING and request.action == Action.BULK_SYNC:
        return f"{now.title} of {max(wave.number for wave in waves)} is under way."
    action = Action(request.action)
    special = STEPS_SENTENCES if action.has_steps else SILENCE_SENTENCES if action.is_of_silence else {}
    return special.get(state) or SENTENCES.get(state) or f"It {state.label}."


def environments_of(request: ActionRequest) -> list[tuple[str, int]]:
    """Of a bulk over several environments, how many of its steps lie in each. One query, or none."""
    if request.action != Action.BULK_SYNC or request.environment:
        return []
    steps = request.steps.exclude(wave=LEFT_OUT).order_by("environment").values_list("environment")
    return list(steps.annotate(Count("pk")))


def again_of(request: ActionRequest, application: Application | None) -> str:
    """The page from which the same can be asked for anew; "" where that makes no sense (any more)."""
    action = Action(request.action)
    if action is Action.SILENCE and request.is_final and request.state != State.SUCCEEDED and not request.parent_id:
        return matchers_address(wanted_of(request).labels, wanted_of(request).alertmanager)
    if application is None or action not in AGAIN or not request.is_final:
        return ""
    return address_of(action, application, options_of(request.options))


def silence_of(request: ActionRequest) -> Wanted | None:
    """What it asks of a silence; None where it is about something else."""
    return wanted_of(request) if Action(request.action).is_of_silence else None


def guards_shown(request: ActionRequest) -> list[GuardLine]:
    """The answers that its row keeps, strictest first."""
    kept = [Finding(each["guard"], Answer(each["answer"]), each["words"], each["link"]) for each in request.guards]
    return guard_lines(kept)


def guard_lines(findings: Iterable[Finding]) -> list[GuardLine]:
    """Findings as lines, strictest first."""
    titles = {**SILENCE_TITLES, HEALTH_THEN: "Health when it was asked for"}
    titles |= {guard.name: guard.title for guard in GUARDS}
    ordered = sorted(findings, key=lambda each: -each.answer.rank)
    return [
        GuardLine(titles.get(each.guard, each.guard), each.answer, each.words, *link_of(each.link)) for each in ordered
    ]


def link_of(link: str) -> tuple[str, bool]:
    """An address of the portal's own or a safe one elsewhere, and whether it leads elsewhere; "" for anything else."""
    is_own = link.startswith("/") and not link.startswith(("//", "/\\"))
    return (link, False) if is_own else (safe_link(link), True)


def operation_shown(kept: dict[str, Any] | None) -> Operation | None:
    """What a request's row keeps of its operation, as values; failures first."""
    if not kept or not kept.get("phase"):
        return None
    resources = converted(kept.get("resources") or [], list[values.ResourceStatus])
    return Operation(
        phase=kept.get("phase") or "",
        message=kept.get("message") or "",
        started_at=moment_of(kept.get("started_at")),
        finished_at=moment_of(kept.get("finished_at")),
        retry_count=kept.get("retry_count") or 0,
        results=failures_first(resources),
    )


def moment_of(told: str | None) -> datetime | None:
    """A moment as a row keeps it in JSON."""
    return parse_datetime(told) if told else None


def waves_of(request: ActionRequest) -> list[WaveShown]:
    """The steps by wave. One query."""
    steps = request.steps.order_by("wave", "position").only(*IN_A_STEP, "parent")
    waves = [wave_shown(number, list(those)) for number, those in groupby(steps, key=lambda step: step.wave)]
    return sorted(waves, key=lambda wave: wave.number == LEFT_OUT)


def wave_shown(number: int, steps: list[ActionRequest]) -> WaveShown:
    """One wave: what needs somebody first, then what is under way, else in their order."""
    ranked = sorted(steps, key=lambda step: (not step.tone.needs_somebody, step.tone is not Tone.BUSY, step.position))
    return WaveShown(number, ranked[:MOST_STEPS_OF_A_WAVE], counts_of(steps))


def counts_of(steps: Iterable[ActionRequest]) -> dict[State, int]:
    """How many steps are in each state, the strictest first."""
    found = Counter(State(step.state) for step in steps)
    return {state: found[state] for state in sorted(found, key=lambda state: (state.tone.rank, state.label))}


def total_of(waves: Iterable[WaveShown]) -> dict[State, int]:
    """The same of all waves together."""
    found = Counter[State]()
    for wave in waves:
        found.update(wave.counts)
    return {state: found[state] for state in sorted(found, key=lambda state: (state.tone.rank, state.label))}
