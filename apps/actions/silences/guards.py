"""What may speak against a silence: each check one small function, listed in one place. None can be loosened.

They are of another thing than the guards of Applications are: no Argo CD, no window, no freeze has a say in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.access import Verb, refusal_of, role_at, role_called
from apps.accounts.scopes import Place
from apps.actions.case import Answer, Finding, Who
from apps.actions.evidence import some_of
from apps.actions.models import ActionRequest
from apps.actions.states import Action
from apps.alerts.models import Silence
from apps.core.ages import duration_words, moment_words
from apps.core.text import counted

from .preview import Preview
from .rules import SilenceRules
from .wanted import TENANT_LABEL, Wanted


@dataclass(frozen=True, kw_only=True)
class SilenceCase:
    """One request about a silence before its checks, with all that is known of it now.

    `doubt` is why what is known of the group's alerts is not certain, "" where it is; `is_answering` whether one of its
    members is fresh. `old` is the silence that is changed or expired, None where it is not there; `same` another one
    with the same matchers that is on; `holding` another request about the same silence that is under way.
    """

    action: Action
    wanted: Wanted
    who: Who
    rules: SilenceRules
    place: Place
    now: datetime
    preview: Preview
    is_answering: bool
    doubt: str = ""
    is_observatorium: bool = False
    old: Silence | None = None
    same: Silence | None = None
    holding: ActionRequest | None = None

    @property
    def hides(self) -> bool:
        """Whether it asks for something to be hidden, for longer or otherwise than so far."""
        return self.action is not Action.SILENCE_EXPIRE


@dataclass(frozen=True)
class Check:
    """One thing that may speak: what it is called, and what it says; None where it is not about this action."""

    name: str
    title: str
    look: Callable[[SilenceCase], tuple[Answer, str] | None]

    def finding(self, case: SilenceCase) -> Finding | None:
        """Its answer as guards give it."""
        said = self.look(case)
        return Finding(self.name, *said) if said else None


def _role(case: SilenceCase) -> tuple[Answer, str]:
    if refusal := role_refusal(case.who, case.place, case.rules):
        return Answer.REFUSE, refusal
    role = role_at(case.who.user, case.place)
    return Answer.PASS, f"as {role_called(role) if role else 'somebody'} you may do this here"


def role_refusal(who: Who, place: Place, rules: SilenceRules) -> str:
    """Why the person's role or scope, or the policy, keeps this from them; "" where they may."""
    if refusal := refusal_of(who.user, Verb.ACT, place):
        return f"{refusal}: no matcher binds it to one place" if place == Place() else refusal
    least, role = rules.rules.least_role, role_at(who.user, place)
    if role is not None and role.rank >= least.rank:
        return ""
    words = f"the policy {rules.rules.policy} keeps this for {role_called(least)}"
    return f"{words}: you are {role_called(role)}" if role else words


def _alertmanager(case: SilenceCase) -> tuple[Answer, str]:
    group = case.wanted.alertmanager
    if not case.is_answering:
        return Answer.REFUSE, f"no Alertmanager of {group} answers now: {case.doubt or 'it was never read'}"
    if case.doubt and case.hides:
        return Answer.WARN, f"what it hides is not certain: {case.doubt}"
    return Answer.PASS, f"an Alertmanager of {group} was read lately"


def _silence(case: SilenceCase) -> tuple[Answer, str] | None:
    """The one that is changed or expired."""
    if case.action is Action.SILENCE:
        return None
    if case.old is None:
        return Answer.REFUSE, "this silence is not there any more"
    if is_over(case.old, case.now):
        return Answer.REFUSE, "this silence has ended already: begin a new one"
    if other := case.holding:
        return Answer.REFUSE, f"{Action(other.action).label} by {other.username} is under way for it"
    return Answer.PASS, f"it is {case.old.state}, until {moment_words(case.old.ends_at) if case.old.ends_at else '?'}"


def _matchers(case: SilenceCase) -> tuple[Answer, str] | None:
    if not case.hides:
        return None
    matchers = case.wanted.labels
    if not matchers:
        return Answer.REFUSE, "it needs a matcher"
    if all(each.fits("") for each in matchers):
        return Answer.REFUSE, "at least one matcher must not match the empty string, or it would hide everything"
    if case.is_observatorium and any(each.name == TENANT_LABEL for each in matchers):
        return (
            Answer.REFUSE,
            f"Observatorium itself sets the matcher on {TENANT_LABEL}, and drops this one: take it away",
        )
    return Answer.PASS, "Alertmanager takes these matchers"


def _same(case: SilenceCase) -> tuple[Answer, str] | None:
    if case.action is not Action.SILENCE or case.same is None:
        return None
    until = f" until {moment_words(case.same.ends_at)}" if case.same.ends_at else ""
    return Answer.WARN, f"the same is silenced already by {case.same.created_by or 'nobody named'}{until}: extend it"


def _length(case: SilenceCase) -> tuple[Answer, str] | None:
    if not case.hides or case.wanted.ends_at is None:
        return None
    lasts, longest = case.wanted.ends_at - case.now, case.rules.longest
    if lasts.total_seconds() <= 0:
        return Answer.REFUSE, "its end lies in the past"
    if lasts > longest:
        return Answer.REFUSE, f"it would last {duration_words(lasts)}: at most {duration_words(longest)} is allowed"
    return Answer.PASS, f"at most {duration_words(longest)} is allowed"


def _reach(case: SilenceCase) -> tuple[Answer, str] | None:
    """How many alerts it hides now, and on how many clusters."""
    if not case.hides:
        return None
    found, rules = case.preview, case.rules
    count, clusters = len(found.hidden), len(found.clusters)
    words = f"it hides {counted(count, 'alert')} now"
    if count > rules.most_hidden:
        return Answer.REFUSE, f"{words}: at most {rules.most_hidden} are allowed"
    if clusters > rules.most_clusters:
        return Answer.REFUSE, f"{words}, on {clusters} clusters: at most {rules.most_clusters} are allowed"
    if count and clusters > 1:
        return (
            Answer.WARN,
            f"{words}, on {counted(clusters, 'cluster')}: {some_of([each or 'none named' for each in found.clusters])}",
        )
    return Answer.PASS, words


def _slo(case: SilenceCase) -> tuple[Answer, str] | None:
    if not case.hides:
        return None
    if found := case.preview.critical_slo:
        names = list(dict.fromkeys(each.title for each in found))
        return Answer.CONFIRM, f"it hides {counted(len(found), 'critical SLO alert')}, which page: {some_of(names)}"
    return Answer.PASS, "it hides no critical SLO alert now"


CHECKS: tuple[Check, ...] = (
    Check("role", "Your role and scope", _role),
    Check("alertmanager", "The Alertmanager", _alertmanager),
    Check("silence", "The silence", _silence),
    Check("matchers", "Its matchers", _matchers),
    Check("same", "Silenced already", _same),
    Check("length", "How long", _length),
    Check("reach", "What it hides", _reach),
    Check("slo", "Critical SLO alerts", _slo),
)
"""In the order in which a person reads them."""

TITLES = {each.name: each.title for each in CHECKS}


def findings_of(case: SilenceCase) -> tuple[Finding, ...]:
    """What every check says that is about this."""
    return tuple(found for each in CHECKS if (found := each.finding(case)))


def is_over(silence: Silence, now: datetime) -> bool:
    """Whether it hides nothing any more."""
    return silence.state == "expired" or (silence.ends_at is not None and silence.ends_at <= now)
