"""What speaks about an action, as the page shows it before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.addresses import page_address
from apps.core.structs import converted
from apps.integrations.argocd import ResourceStatus

from .asking import FLAGS, address_of, resource_value, shown_with, value_of
from .case import Answer, Case
from .known import detail_of, known_of
from .models import ActionRequest
from .options import Options, Resource
from .preflight import Ask, Preflight
from .showing import guard_lines
from .states import Action

WITH_OPTIONS = frozenset({Action.SYNC, Action.DRY_RUN, Action.TAKE_OVER})
MOST_RESOURCES = 300
FLAG_WORDS = {
    "prune": "Prune: delete what Git has not any more",
    "force": "Force: delete and make anew what cannot be changed",
    "replace": "Replace instead of apply",
    "out_of_sync": "Apply only what is out of sync",
}


@dataclass(frozen=True)
class Choice:
    """Something that can be ticked."""

    name: str
    value: str
    words: str
    is_chosen: bool
    remark: str = ""


def preflight_shown(ask: Ask, found: Preflight, written: ActionRequest | None = None) -> dict[str, Any]:
    """What the page's template shows; `written` is the refused attempt, where it was written down."""
    case, row, lines = found.case, ask.application, guard_lines(found.findings)
    known = known_of(case)
    return {
        "title": f"{ask.action.label}: {row.name}",
        "ask": ask,
        "action": ask.action,
        "application": row,
        "written": written,
        "found": found,
        "policy": case.rules.policy,
        "spoken": [line for line in lines if line.answer is not Answer.PASS],
        "passed": [line for line in lines if line.answer is Answer.PASS],
        "value": value_of(ask.action, row, case.digest),
        "shown": shown_with(ask.options),
        "button": button_words(ask, found),
        "back": page_address("dashboard:application-show", row.instance, row.namespace, row.name) or "/",
        "again": address_of(ask.action, row, ask.options),
        "doomed": known.doomed(ask.options),
        "flags": flags_of(ask.options) if ask.action in WITH_OPTIONS else [],
        "is_how_open": bool(ask.options.words) or not (ask.digest or ask.is_confirmed),
        "resources": resources_of(case) if ask.action in WITH_OPTIONS else [],
        "running": known.running,
        "take_over": value_of(Action.TAKE_OVER, row, case.digest) if is_overtakable(ask, found) else "",
    }


def is_overtakable(ask: Ask, found: Preflight) -> bool:
    """Whether a resync that cannot run for the operation that runs already could take its place."""
    return found.is_refused and ask.action is Action.SYNC and known_of(found.case).running is not None


def button_words(ask: Ask, found: Preflight) -> str:
    """What the last button says."""
    if found.waits_for_approval:
        return f"Ask a second person to approve: {ask.action.label.lower()}"
    has_warnings = found.strictest in {Answer.WARN, Answer.CONFIRM}
    return f"{ask.action.label} all the same" if has_warnings else ask.action.label


def flags_of(options: Options) -> list[Choice]:
    """The options that are on or off."""
    return [Choice(name, "on", FLAG_WORDS[name], getattr(options, field)) for name, field in FLAGS.items()]


def resources_of(case: Case) -> list[Choice]:
    """The resources that can be chosen, those that are not right first; what was chosen and is gone stays."""
    told = told_resources(case)
    chosen = set(case.options.resources)
    found = {
        Resource(each.group, each.kind, each.namespace, each.name): each.status or "not told"
        for each in sorted(told, key=lambda each: (each.status == "Synced", each.kind, each.name))
        if not each.hook
    }
    gone = [(resource, "not there any more") for resource in sorted(chosen - set(found))]
    return [
        Choice("resource", resource_value(resource), str(resource), resource in chosen, remark)
        for resource, remark in [*gone, *list(found.items())[:MOST_RESOURCES]]
    ]


def told_resources(case: Case) -> Iterable[ResourceStatus]:
    """By Argo CD's answer if it came, else as they were read last."""
    if case.live and case.live.detail:
        return case.live.detail.resources
    row = detail_of(case.application, case.now)
    kept: Sequence[ResourceStatus] = converted(row.data.get("resources", ()) if row else (), tuple[ResourceStatus, ...])
    return kept
