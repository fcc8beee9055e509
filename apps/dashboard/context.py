"""The frame around every page: who is there, what needs somebody, how fresh it all is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from apps.accounts.access import Verb, may, person_shown, role_of
from apps.accounts.break_glass import break_glass_in_use
from apps.accounts.renewing import portal_refusal
from apps.accounts.walls import is_wall
from apps.actions.freezes import freezes_on
from apps.actions.models import Freeze
from apps.alerts.models import Episode
from apps.core.addresses import page_address
from apps.core.ages import first_after
from apps.core.clock import database_now
from apps.core.environment import PARAMETER, environment_asked
from apps.core.keeping import Keeper, is_younger
from apps.core.lists import ALL
from apps.core.live import UNCHANGED_SECONDS, overlay_kept, theme_of
from apps.core.look import look_of
from apps.core.tones import Tone, strictest
from apps.core.verdict import Verdict
from apps.fleet.overlay import Overlay, overlay_now
from apps.fleet.shown import shown_verdict
from apps.gitops.models import Application
from apps.notes.models import Subjects
from apps.sources.fleetfile import fleet_file_or_empty
from apps.sources.models import Source, SourceState

NEEDING = [tone.value for tone in Tone if tone.needs_somebody]
NAMED_SOURCES = 2
COUNTS: Keeper[dict[str, Counter[str]]] = Keeper(16)
FREEZES: Keeper[tuple[str, list[Freeze]]] = Keeper(1)
PAGES = (
    ("Now", "dashboard:now", ()),
    ("Alerts", "alerts:alert-list", ("dashboard:alert-show", "silences:silence-list", "actions:silence-new")),
    ("Applications", "gitops:application-list", ("gitops:application-matrix", "dashboard:application-show")),
    ("Clusters", "dashboard:cluster-list", ("dashboard:cluster-show",)),
    ("Runbooks", "runbooks:runbook-list", ("runbooks:runbook-show", "runbooks:coverage-show")),
    ("Actions", "actions:request-list", ("actions:request-show", "actions:request-new", "actions:bulk-new")),
    ("Timeline", "dashboard:timeline", tuple(f"handover:handover-{each}" for each in ("new", "list", "show", "edit"))),
)


@dataclass(frozen=True)
class Entry:
    """A page in the navigation; `count` is how many things there need somebody, which may be wrong if `is_doubtful`.

    `worst` is the strictest tone of those.
    """

    title: str
    url: str
    count: int
    is_here: bool
    is_doubtful: bool = False
    worst: Tone = Tone.WELL


@dataclass(frozen=True)
class Banner:
    """A line above every page, shown only while it matters."""

    tone: Tone
    text: str
    since: datetime | None = None
    url: str = ""
    link: str = "See sources"
    until: datetime | None = None


@dataclass(frozen=True)
class Frame:
    """What the frame shows. `environment` is "" for all; `needs` sums the counts of the navigation.

    `is_wall`: a screen with a key of the Wall, which is led nowhere else. `is_somebody_at_it`: something there is
    acknowledged and was not well when the portal looked last.
    """

    name: str
    now: datetime
    entries: tuple[Entry, ...]
    banners: tuple[Banner, ...]
    environment: str
    environments: tuple[str, ...]
    fresh_count: int
    total_count: int
    evidence_at: datetime | None
    sources_url: str
    sees_configuration: bool
    is_wall: bool = False
    is_somebody_at_it: bool = False

    @property
    def needs(self) -> int:
        """How many alerts, applications and clusters need somebody."""
        return sum(entry.count for entry in self.entries)

    @property
    def worst(self) -> Tone:
        """The strictest tone of what needs somebody; else the sources', held at best while some is acknowledged."""
        tones = [entry.worst for entry in self.entries if entry.count]
        in_hand = [Tone.HELD] if self.is_somebody_at_it else []
        return strictest(tones or [self.freshness_tone, *in_hand])

    @property
    def freshness_tone(self) -> Tone:
        """Well only when every source is fresh, and there is one."""
        return Tone.WELL if self.total_count and self.fresh_count == self.total_count else Tone.UNKNOWN


def frame(request: HttpRequest) -> dict[str, Any]:
    """`frame` for templates, made when a template first asks; false for somebody who is not signed in."""
    return {
        "frame": SimpleLazyObject(partial(frame_of, request)),
        "person": SimpleLazyObject(lambda: person_shown(request.user)),
        "theme": theme_of(request),
        "look": look_of(request),
        "form_name": SimpleLazyObject(lambda: str(uuid4())),
        "rights": SimpleLazyObject(lambda: rights_of(request)),
    }


def rights_of(request: HttpRequest) -> dict[str, bool]:
    """What the role of who looks may do at all: {"act": True, "approve": False, …}. Where, their scope says."""
    return {verb.name.lower(): may(request.user, verb) for verb in Verb}


def frame_of(request: HttpRequest) -> Frame | None:
    """The frame of this request, by the overlay that the page made where it made one."""
    user, role = request.user, role_of(request.user)
    if role is None and not is_wall(request):
        return None
    kept, shown = overlay_kept(request)
    overlay = kept if isinstance(kept, Overlay) else overlay_now()
    environments = tuple(dict.fromkeys(cluster.environment for cluster in overlay.clusters if cluster.environment))
    environment = chosen(request, environments)
    counts = counts_known(overlay, environment, shown)
    age = overlay.oldest_fresh_age
    return Frame(
        name=portal_name(),
        now=overlay.now,
        entries=tuple(entries_of(request, overlay, counts, environment)),
        banners=(
            *sign_in_banners(request),
            *freeze_banners(freezes_shown(request, overlay, shown)),
            *banners_of(overlay),
        ),
        environment=environment,
        environments=environments,
        fresh_count=overlay.fresh_count,
        total_count=overlay.total_count,
        evidence_at=None if age is None else overlay.now - age,
        sources_url=reverse("sources:source-list"),
        sees_configuration=may(user, Verb.SEE_CONFIGURATION),
        is_wall=is_wall(request),
        is_somebody_at_it=is_somebody_at_it(overlay, environment),
    )


def is_somebody_at_it(overlay: Overlay, environment: str) -> bool:
    """Whether something of the environment ("" for all) is acknowledged at this moment and not well."""
    return any(
        said.until > overlay.now and said.well_since is None and environment in {"", said.environment}
        for said in overlay.acknowledgements.values()
    )


def chosen(request: HttpRequest, environments: tuple[str, ...]) -> str:
    """The environment asked for, if there is one of that name; "" for all."""
    asked = environment_asked(request)
    return asked if asked in environments else ""


def portal_name() -> str:
    """The portal's name in the fleet file; without one, as it is delivered."""
    return fleet_file_or_empty().portal.name


def counts_known(overlay: Overlay, environment: str, shown: str) -> dict[str, Counter[str]]:
    """The counts; those of a moment ago where what the frame shows has the same name still. No query, or two."""
    return COUNTS.get(
        (environment, shown),
        is_good=lambda _, age: shown != "" and is_younger(age, UNCHANGED_SECONDS),
        is_bearable=lambda *_: False,
        make=partial(counts_of, overlay, environment),
    )


def counts_of(overlay: Overlay, environment: str) -> dict[str, Counter[str]]:
    """By page, how many things in the environment need somebody and have nobody, by tone. Two queries."""
    within = {"environment": environment} if environment else {}
    episodes = Episode.objects.firing().current(overlay).unacknowledged(overlay).with_shown_tone(overlay)
    applications = Application.objects.current(overlay).unacknowledged(overlay).with_shown_tone(overlay)
    acknowledged = overlay.acknowledged_among(Subjects.CLUSTER)
    return {
        "Alerts": by_tone(episodes.filter(Q(shown_tone__in=NEEDING), **within)),
        "Applications": by_tone(applications.filter(Q(shown_tone__in=NEEDING), **within)),
        "Clusters": needing(
            shown_verdict(cluster, overlay)
            for cluster in overlay.clusters
            if environment in {"", cluster.environment} and cluster.name not in acknowledged
        ),
    }


def by_tone(rows: QuerySet[Any]) -> Counter[str]:
    """How many there are by the tone in which they are shown. One query."""
    return Counter(dict(rows.order_by().values_list(F("shown_tone")).annotate(Count("pk"))))


def needing(verdicts: Iterable[Verdict]) -> Counter[str]:
    """How many of them need somebody, by tone."""
    return Counter(verdict.tone.value for verdict in verdicts if verdict.tone.needs_somebody)


def entries_of(
    request: HttpRequest, overlay: Overlay, counts: dict[str, Counter[str]], environment: str
) -> Iterator[Entry]:
    """The navigation, in order; a chosen environment goes along. A page that is not there (yet) is left out."""
    here = request.resolver_match.view_name if request.resolver_match else ""
    doubts = {"Alerts": overlay.doubtful_alertmanagers, "Applications": overlay.doubtful_instances}
    doubtful = {title for title, doubt in doubts.items() if doubt}
    query = f"?{PARAMETER}={environment or ALL}" if PARAMETER in request.GET else ""
    for title, view, others in PAGES:
        found = counts.get(title, Counter())
        worst = strictest(map(Tone, found)) if found else Tone.WELL
        if url := page_address(view):
            yield Entry(title, url + query, found.total(), here in {view, *others}, title in doubtful, worst)


def frame_ends(request: HttpRequest) -> datetime | None:
    """When the first of the freezes that the frame shows ends, or of the acknowledgements, that every page may show."""
    overlay, shown = overlay_kept(request)
    if not isinstance(overlay, Overlay):
        return None
    on = freezes_shown(request, overlay, shown)
    ends = [*(freeze.ends_at for freeze in on), *(said.until for said in overlay.acknowledgements.values())]
    return first_after(overlay.now, ends)


def freezes_shown(request: HttpRequest, overlay: Overlay, shown: str) -> list[Freeze]:
    """Those that are in force at this very moment, the same for all of a request. No query, or two."""
    on: list[Freeze] | None = request.__dict__.get("portal_freezes")
    if on is None:
        known = FREEZES.get(
            "freezes",
            is_good=lambda kept, age: shown != "" and kept[0] == shown and is_younger(age, UNCHANGED_SECONDS),
            is_bearable=lambda *_: False,
            make=lambda: (shown, freezes_on(overlay.now)),
        )[1]
        now = database_now() if known else overlay.now
        on = request.__dict__["portal_freezes"] = [freeze for freeze in known if freeze.is_on(now)]
    return on


def sign_in_banners(request: HttpRequest) -> Iterator[Banner]:
    """Who is signed in past the identity provider; for admins also that it refuses the portal itself.

    No query without single sign-on, else up to three.
    """
    code = portal_refusal() if may(request.user, Verb.SEE_CONFIGURATION) else ""
    if code:
        words = f"The identity provider refuses the portal itself ({code}): nobody can sign in, no session is confirmed"
        yield Banner(Tone.CRITICAL, f"{words}. Mend the portal's client there, or client_secret in the fleet file")
    for each in break_glass_in_use():
        words = f"{each.username} is signed in by break-glass, past the identity provider,"
        yield Banner(Tone.WARNING, words, each.since, reverse("accounts:sessions"), "See sessions")


def freeze_banners(freezes: Iterable[Freeze]) -> Iterator[Banner]:
    """What is frozen: nothing of that is sent from here."""
    url = reverse("actions:freeze-list")
    for freeze in freezes:
        words = f"Freeze of {freeze.words}: {freeze.reason}"
        yield Banner(Tone.HELD, words, url=url, link="See freezes", until=freeze.ends_at)


def banners_of(overlay: Overlay) -> Iterator[Banner]:
    """That nothing reads the sources, or which of them do not answer."""
    url = reverse("sources:source-list")
    if not overlay.is_being_read:
        yield Banner(Tone.CRITICAL, "Nothing is being read: no worker has told of itself", overlay.read_until, url)
    for state, words in (
        (SourceState.DOWN, "down"),
        (SourceState.STALE, "stale"),
        (SourceState.NEVER, "not reached yet"),
    ):
        sources = overlay.in_state(state)
        if sources:
            yield Banner(Tone.UNKNOWN, f"{named(sources)} {words}", since_of(sources), url)


def named(sources: list[Source]) -> str:
    """ "Alertmanager appsre is", or "3 sources are" where there are too many to name."""
    if len(sources) > NAMED_SOURCES:
        return f"{len(sources)} sources are"
    return " and ".join(source.title for source in sources) + (" is" if len(sources) == 1 else " are")


def since_of(sources: list[Source]) -> datetime | None:
    """Since when the first of them told nothing new: its last success; None when none ever succeeded."""
    return min((source.succeeded_at for source in sources if source.succeeded_at), default=None)
