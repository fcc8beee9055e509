"""Pages that stay current: one fragment a page, asked for again when something changed.

What asks brings back what it shows: `v`, the version of the page's topics; `s`, how the sources stood
(`Moment.digest`); `u`, the moment (seconds since 1970, the database's clock) at which something in the page itself
changes by the clock alone; `f`, the frame it shows. Nothing new is 204, and only then: same version, same standing
*as it is found at this moment*, `u` not passed (decision 12, docs/adr/010-streams.md). Where only the frame's counts
changed the frame comes alone. Without a stream the page asks every ten seconds, with one when the stream says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.safestring import mark_safe

from .clock import database_now
from .environment import environment_asked
from .htmx import wants_fragment
from .keeping import Keeper, is_younger
from .look import LOOK_MARK, look_of
from .topics import versions_of
from .wire import SharedText, text_answer, without_idle_lines

VERSION, STANDING, UNTIL, FRAME = "v", "s", "u", "f"
SINCE, FRAME_ALONE, TITLE = "since", "frame", "t"
POLL_PARAMETERS = frozenset({VERSION, STANDING, UNTIL, FRAME, SINCE, FRAME_ALONE, TITLE})
FRAME_TOPICS = frozenset({"alerts", "apps", "clusters", "freezes", "notes", "sources"})
OVERLAY_TOPICS = frozenset({"clusters", "latencies", "notes", "sources"})
NO_END = 0
CHANGES_AT = "changes_at"
LONGEST_SECONDS = 15 * 60
LONGEST_TITLE = 200
FRAME_FRAGMENT = "_frame_live.html"
PERSON_MARK = mark_safe("<!--person-->")
PROOF_MARK = "what-proves-the-form"
FORM_MARK = "what-names-the-form"
NOW_MARK = mark_safe("&portal-now;")
BEARABLE_SECONDS = 15.0
MOMENT_BORNE_SECONDS = 2.0
UNCHANGED_SECONDS = 15.0
AFTER_FORM, AFTER_FORM_SECONDS = "after-form", 10
THEMES = frozenset({"light", "dark"})


class Moment(Protocol):
    """What lies over the rows at one moment (`apps.fleet.overlay.Overlay`), as far as pages need it to stay current."""

    @property
    def now(self) -> datetime:
        """The database's moment."""

    @property
    def valid_until(self) -> datetime | None:
        """When something turns stale by itself; None when nothing can."""

    @property
    def digest(self) -> str:
        """All that changes without a write, in a few letters."""

    @property
    def oldest_fresh_age(self) -> timedelta | None:
        """The age of the oldest fresh evidence; None when none is fresh."""

    def at(self, now: datetime) -> Self:
        """The same at a later moment, by which nothing has turned stale."""


@dataclass(frozen=True)
class Live:
    """Where and with what a page asks again; in templates `{% live %}` writes it as attributes of the fragment.

    `until` is when something turns stale by itself, `ends` when the page itself changes by the clock alone: seconds
    since 1970, 0 for never. `frame` is the frame that is shown.
    """

    url: str
    topics: tuple[str, ...]
    version: int
    standing: str
    frame: str
    until: float
    ends: float


class Kind(StrEnum):
    """What is given to who asks."""

    PAGE = "page"
    FRAGMENT = "fragment"
    FRAME = "frame"
    NOTHING = "nothing"


M = TypeVar("M", bound=Moment)


@dataclass(frozen=True)
class Versions:
    """The versions of a page's topics, of the frame's, and of what the overlay is made of, each as one number."""

    page: int
    frame: int
    overlay: int

    def of(self, kind: Kind) -> int:
        """The version of what is given."""
        return self.frame if kind is Kind.FRAME else self.page


@dataclass(frozen=True)
class Made(Generic[M]):
    """A page as all with the same role and environment see it, of a version; the person's menu is put into it later.

    `ends` is when what it tells changes by the clock alone (`Live.ends`).
    """

    text: SharedText
    version: int
    shown: M
    ends: float


PAGES: Keeper[Made[Any]] = Keeper(64)
FRAME_ENDS: list[Callable[[HttpRequest], datetime | None]] = []
"""Who makes the frame says here when what it tells changes by the clock alone; `overlay_kept` is its overlay."""
MOMENTS: Keeper[tuple[int, Any]] = Keeper(8)


def live_page(
    request: HttpRequest,
    *,
    page: str,
    fragment: str,
    topics: Iterable[str],
    overlay: Callable[[], M],
    context: Callable[[M], dict[str, Any]],
    is_borne: bool = True,
) -> HttpResponse:
    """The page, its fragment for who asks again, the frame alone, or 204 where all there is is shown already.

    `page` and `fragment` are templates; `context` makes the template's context of the overlay and is not called for a
    204, nor for a page that was made a moment ago for somebody with the same role. It may name under "changes_at" the
    moment at which what it tells changes by the clock alone. To the context are added `overlay`, `now` and `live`; the
    frame finds the overlay on the request. A page of an older version than there is now is given while a new one is
    made, unless that `is_borne` not: the page that comes after a form shows what the form did.
    """
    named = {*topics, "sources"}
    asked = versions_now(named)
    known, seen = moment_lately(overlay, asked.overlay, borne_seconds=MOMENT_BORNE_SECONDS)
    kind = kind_wanted(request, asked, seen)
    if kind is Kind.NOTHING:
        return stamped(HttpResponse(status=204), asked, seen)

    def make() -> Made[M]:
        versions = versions_now(named)
        newest = seen if known >= versions.overlay else seen_lately(overlay, versions.overlay)
        laid_over = at_this_moment(newest, overlay)
        overlay_keep(request, laid_over, frame_shown(versions, laid_over))
        told = {"title": title_told(request)} if kind is Kind.FRAME else context(laid_over)
        live = live_of(request, sorted(named), versions, laid_over, ends_first(request, told.get(CHANGES_AT)))
        marks = {"person_mark": PERSON_MARK, "now_mark": NOW_MARK, "look": LOOK_MARK}
        filled = {**told, "overlay": laid_over, "now": laid_over.now, "live": live, **marks}
        text = "".join(render_to_string(each, filled, request) for each in templates_of(kind, page, fragment))
        shared = SharedText(without_idle_lines(text), [PERSON_MARK, NOW_MARK, LOOK_MARK])
        return Made(shared, versions.of(kind), laid_over, live.ends)

    is_borne = is_borne and AFTER_FORM not in request.COOKIES
    made = made_or_kept(request, kind, asked, seen, make, least=0 if is_borne else asked.of(kind))
    shown = made.shown if made.shown.now > seen.now else seen
    given = replace(asked, page=made.version) if kind is not Kind.FRAME else asked
    return stamped(text_answer(request, made.text.filled(gaps(made.text, request, shown.now))), given, shown, kind)


def versions_now(topics: set[str]) -> Versions:
    """The versions of the page, of the frame around it, and of the overlay. One query."""
    found = versions_of(topics | FRAME_TOPICS | OVERLAY_TOPICS)
    return Versions(*(sum(found[name] for name in names) for names in (topics, FRAME_TOPICS, OVERLAY_TOPICS)))


def seen_lately(overlay: Callable[[], M], version: int) -> M:
    """The overlay of a moment ago, of the version told or a newer one."""
    return moment_lately(overlay, version, borne_seconds=0)[1]


def moment_lately(overlay: Callable[[], M], version: int, *, borne_seconds: float) -> tuple[int, M]:
    """The overlay of a moment ago, of the version told or a newer one, and which one that is at the least.

    One is kept only as long as nothing that it is made of was written as changed, and nothing has turned stale since.
    One that is older than what was written is given for so many seconds while a new one is made.
    """

    def is_right(kept: tuple[int, M], age: float) -> bool:
        return kept[0] >= version and is_new(age) and is_valid(kept[1], age)

    def is_borne(kept: tuple[int, M], age: float, worse: float) -> bool:
        is_recent = is_younger(age, BEARABLE_SECONDS) if kept[0] >= version else is_younger(worse, borne_seconds)
        return is_recent and is_valid(kept[1], age)

    found: tuple[int, M] = MOMENTS.get(
        overlay, is_good=is_right, is_bearable=is_borne, make=lambda: (version, overlay())
    )
    return found


def overlay_lately(request: HttpRequest, overlay: Callable[[], M]) -> M:
    """The overlay for a page that does not stay current, left on the request for its frame."""
    versions = versions_now(set())
    seen = seen_lately(overlay, versions.overlay)
    overlay_keep(request, seen, frame_shown(versions, seen))
    return seen


def is_valid(seen: Moment, age: float) -> bool:
    """Whether nothing has turned stale since it was asked for."""
    return seen.valid_until is None or seen.now + timedelta(seconds=age) < seen.valid_until


def at_this_moment(seen: M, overlay: Callable[[], M]) -> M:
    """The overlay with which a page is made: whatever was written lies before its `now`."""
    now = database_now()
    return seen.at(now) if seen.valid_until is None or now < seen.valid_until else overlay()


def kind_wanted(request: HttpRequest, versions: Versions, shown: Moment) -> Kind:
    """What has to be given: the less, the more of it who asks shows already."""
    if not wants_fragment(request):
        return Kind.PAGE
    has_frame = request.GET.get(FRAME) == frame_shown(versions, shown) and not has_ended(request, shown)
    if FRAME_ALONE in request.GET or is_current(request, versions.page, shown):
        return Kind.NOTHING if has_frame else Kind.FRAME
    return Kind.FRAGMENT


def templates_of(kind: Kind, page: str, fragment: str) -> list[str]:
    """The templates of what is given."""
    return {Kind.PAGE: [page], Kind.FRAGMENT: [fragment, FRAME_FRAGMENT]}.get(kind, [FRAME_FRAGMENT])


def made_or_kept(
    request: HttpRequest, kind: Kind, versions: Versions, shown: M, make: Callable[[], Made[M]], *, least: int = 0
) -> Made[M]:
    """What was made for somebody else a moment ago, where it is as new as who asks was told, and of the version `least`
    or a newer one; else a new one."""
    since = versions.frame if kind is Kind.FRAME else max(least, number_in(request, SINCE) or 0)

    def is_right(made: Made[M], age: float) -> bool:
        has_ended = made.ends != NO_END and made.shown.now.timestamp() + age >= made.ends
        return made.version >= since and stands_as(made.shown, shown) and not has_ended

    found: Made[M] = PAGES.get(
        shared_by(request, kind),
        is_good=lambda made, age: is_right(made, age) and (is_new(age) or is_still_true(made, age, versions.of(kind))),
        is_bearable=lambda made, age, worse: is_right(made, age) and is_younger(worse, BEARABLE_SECONDS),
        make=make,
    )
    return found


def is_new(age: float) -> bool:
    """Whether what is kept is given without a question."""
    return age < settings.PAGES_KEPT_SECONDS


def stands_as(made: Moment, shown: Moment) -> bool:
    """Whether the sources stand as what was made says: as they are known to, or known later than that.

    What is known vouches for this moment (`is_valid`); what was known later vouches for no shorter.
    """
    return made.now > shown.now or made.digest == shown.digest


def is_still_true(made: Made[Any], age: float, version: int) -> bool:
    """Whether nothing was written since. Ages in the page count on in the browser."""
    return is_younger(age, UNCHANGED_SECONDS) and made.version == version


def shared_by(request: HttpRequest, kind: Kind) -> tuple[object, ...]:
    """What a page depends on beside its topics: address, filters, environment, theme, role; never the person.

    The frame alone is the same on every page of one title.
    """
    role = request.__dict__.get("portal_role", "")
    where: tuple[object, ...] = (request.path, asked_of_page(request).urlencode())
    if kind is Kind.FRAME:
        where = (title_told(request),)
    return (kind, *where, environment_asked(request), theme_of(request), role)


def title_told(request: HttpRequest) -> Any:
    """The title of the page whose frame is asked for, which the page itself knows."""
    return request.GET.get(TITLE, "")[:LONGEST_TITLE]


def asked_of_page(request: HttpRequest) -> QueryDict:
    """The page's own query, without what asking again adds."""
    query = request.GET.copy()
    for name in POLL_PARAMETERS:
        query.pop(name, None)
    return query


def gaps(text: SharedText, request: HttpRequest, now: datetime) -> dict[str, str]:
    """What fills the page's gaps: menu and look of the one who asked, and the moment from which ages count on.

    The marks cannot come from an upstream: their "<" and "&" would be escaped.
    """
    if NOW_MARK not in text.marks:
        return {}
    looked: dict[str, str] = {NOW_MARK: f"{now.timestamp():.3f}", LOOK_MARK: look_of(request)}
    if PERSON_MARK not in text.marks:
        return looked
    menu = menu_of(**request.__dict__.get("portal_person", {})).replace(PROOF_MARK, get_token(request))
    return {**looked, PERSON_MARK: menu.replace(FORM_MARK, str(uuid4()))}


@lru_cache(maxsize=256)
def menu_of(name: str = "", role: str = "") -> str:
    """The menu of a person and the form of their buttons, with marks where its token and its name belong.

    The name is another one at every answer: what is sent with it twice is one thing that was asked for once.
    """
    person = {"name": name, "role": role}
    return render_to_string("core/_person.html", {"person": person, "csrf_token": PROOF_MARK, "form_name": FORM_MARK})


def theme_of(request: HttpRequest) -> str:
    """The theme that the person chose, "" for the system's."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""


def is_current(request: HttpRequest, version: int, shown: Moment) -> bool:
    """Whether who asks shows this version, with the sources as they stand at this moment, and it has not ended."""
    if request.GET.get(VERSION) != str(version) or request.GET.get(STANDING) != shown.digest:
        return False
    return number_in(request, UNTIL) is not None and not has_ended(request, shown)


def has_ended(request: HttpRequest, shown: Moment) -> bool:
    """Whether the moment has passed at which what is shown changes by the clock alone."""
    ends = number_in(request, UNTIL)
    return ends is not None and ends != NO_END and shown.now.timestamp() >= ends


def number_in(request: HttpRequest, name: str) -> float | None:
    """A finite number of the address; None where there is none."""
    try:
        told = float(request.GET.get(name, ""))
    except ValueError:
        return None
    return told if isfinite(told) else None


def live_of(
    request: HttpRequest, topics: Iterable[str], versions: Versions, shown: Moment, changes_at: datetime | None
) -> Live:
    """The page's own address with what it now shows; after a quarter of an hour it is made anew in any case."""
    query = asked_of_page(request).urlencode()
    latest = shown.now + timedelta(seconds=LONGEST_SECONDS)
    return Live(
        url=f"{request.path}?{query}" if query else request.path,
        topics=tuple(topics),
        version=versions.page,
        standing=shown.digest,
        frame=frame_shown(versions, shown),
        until=seconds_of(shown.valid_until),
        ends=seconds_of(min(changes_at or latest, latest)),
    )


def ends_first(request: HttpRequest, changes_at: datetime | None) -> datetime | None:
    """When the page or the frame around it first changes by the clock alone."""
    told = [changes_at, *(ends(request) for ends in FRAME_ENDS)]
    return min((moment for moment in told if moment), default=None)


def seconds_of(moment: datetime | None) -> float:
    """A moment in seconds since 1970; 0 for never."""
    return round(moment.timestamp(), 3) if moment else NO_END


def frame_shown(versions: Versions, shown: Moment) -> str:
    """What the frame shows, in a few letters: it depends on topics and on how the sources stand."""
    return f"{versions.frame}/{shown.digest}"


def stamped(answer: HttpResponse, versions: Versions, shown: Moment, kind: Kind = Kind.NOTHING) -> HttpResponse:
    """The answer with the server's moment and the age of its evidence, from which the page's ages count on, and with
    what there is, by which the page knows whether it shows it."""
    answer["Portal-Now"] = f"{shown.now.timestamp():.3f}"
    answer["Portal-Version"] = str(versions.page)
    answer["Portal-Standing"] = shown.digest
    answer["Portal-Frame"] = frame_shown(versions, shown)
    answer["Portal-Until"] = f"{seconds_of(shown.valid_until)}"
    if shown.oldest_fresh_age is not None:
        answer["Portal-Evidence-Age"] = f"{shown.oldest_fresh_age.total_seconds():.1f}"
    if kind is Kind.FRAME:
        answer["HX-Reswap"] = "none"
    patch_cache_control(answer, no_store=True, private=True)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def after_form(answer: HttpResponse) -> HttpResponse:
    """The answer to a form, after which this person's pages show for a moment what the form did, whatever is kept."""
    answer.set_cookie(
        AFTER_FORM,
        "1",
        max_age=AFTER_FORM_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def overlay_keep(request: HttpRequest, shown: Moment, frame: str) -> None:
    """Leaves the overlay on the request, so that the frame around the page uses the same one; `frame` names what it
    shows (`frame_shown`)."""
    request.__dict__["portal_overlay"] = (shown, frame)


def overlay_kept(request: HttpRequest) -> tuple[Any, str]:
    """The overlay that the page left on the request, and what its frame shows; (None, "") where it left none."""
    kept: tuple[Any, str] = request.__dict__.get("portal_overlay", (None, ""))
    return kept
