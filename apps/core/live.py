"""Pages that stay current by polling: one fragment a page, asked for again every ten seconds.

A poll brings back what it shows: `v`, the version of the page's topics, and `u`, the moment (seconds since 1970 by the
database's clock) until which what is shown stays true if nothing is written. Nothing new is 204, and only then: same
version *and* `u` not passed, because things turn stale without a write (decision 12).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.safestring import mark_safe

from .environment import environment_asked
from .htmx import wants_fragment
from .keeping import Keeper
from .look import LOOK_MARK, look_of
from .topics import version_of

POLL_SECONDS = 10
VERSION, UNTIL = "v", "u"
POLL_PARAMETERS = frozenset({VERSION, UNTIL})
NO_END = 0
FRAME_FRAGMENT = "_frame_live.html"
PERSON_MARK = mark_safe("<!--person-->")
NOW_MARK = mark_safe("&portal-now;")
BEARABLE_SECONDS = 5.0
UNCHANGED_SECONDS = 15.0
THEMES = frozenset({"light", "dark"})


class Moment(Protocol):
    """What lies over the rows at one moment (`apps.fleet.overlay.Overlay`), as far as polling needs it."""

    @property
    def now(self) -> datetime:
        """The database's moment."""

    @property
    def valid_until(self) -> datetime | None:
        """When something turns stale by itself; None when nothing can."""

    @property
    def oldest_fresh_age(self) -> timedelta | None:
        """The age of the oldest fresh evidence; None when none is fresh."""


@dataclass(frozen=True)
class Live:
    """Where and with what a page asks again; in templates `{% live %}` writes it as attributes of the fragment."""

    url: str
    seconds: int = POLL_SECONDS


M = TypeVar("M", bound=Moment)


@dataclass(frozen=True)
class Made:
    """A page as all with the same role and environment see it, of a version; the person's menu is put into it later."""

    text: str
    version: int
    shown: Moment


@dataclass(frozen=True)
class Seen(Generic[M]):
    """An overlay, and when (monotonic) it was asked for."""

    asked_at: float
    overlay: M


PAGES: Keeper[Made] = Keeper(64)
MOMENTS: Keeper[Seen[Any]] = Keeper(8)


def live_page(
    request: HttpRequest,
    *,
    page: str,
    fragment: str,
    topics: Iterable[str],
    overlay: Callable[[], M],
    context: Callable[[M], dict[str, Any]],
) -> HttpResponse:
    """The page, its fragment for a poll, or 204 where the poll shows all there is.

    `page` and `fragment` are templates; `context` makes the template's context of the overlay and is not called for a
    204, nor for a page that was made a moment ago for somebody with the same role. A page is made with an overlay
    that was asked for after its version was read, so that no change between the two is missed: a kept one may be
    older. To the context are added `overlay`, `now` and `live`; the frame finds the overlay on the request.
    """
    began = time.monotonic()
    version = version_of({*topics, "sources"})
    seen = seen_lately(overlay)
    shown = seen.overlay
    if wants_fragment(request) and is_current(request, version, shown.now):
        return stamped(HttpResponse(status=204), shown)

    def make() -> Made:
        laid_over = shown if seen.asked_at >= began else overlay()
        overlay_keep(request, laid_over)
        live = Live(poll_url(request, version, laid_over.valid_until))
        marks = {"person_mark": PERSON_MARK, "now_mark": NOW_MARK, "look": LOOK_MARK}
        filled = {**context(laid_over), "overlay": laid_over, "now": laid_over.now, "live": live, **marks}
        templates = [fragment, FRAME_FRAGMENT] if wants_fragment(request) else [page]
        return Made("".join(render_to_string(each, filled, request) for each in templates), version, laid_over)

    made = PAGES.get(
        shared_by(request),
        is_good=lambda kept, age: is_new(kept, age) or is_still_true(kept, age, version, shown.now),
        is_bearable=is_bearable,
        make=make,
    )
    return stamped(HttpResponse(completed(made.text, request, shown.now)), shown)


def seen_lately(overlay: Callable[[], M]) -> Seen[M]:
    """The overlay of this moment, or of a moment ago: what every poll needs to know whether it shows all there is."""
    return MOMENTS.get(overlay, is_good=is_new, is_bearable=is_bearable, make=lambda: Seen(time.monotonic(), overlay()))


def is_new(_: object, age: float) -> bool:
    """Whether what is kept is given without a question."""
    return age < settings.PAGES_KEPT_SECONDS


def is_bearable(_: object, age: float) -> bool:
    """Whether what is kept is given while a new one is made."""
    return settings.PAGES_KEPT_SECONDS > 0 and age < BEARABLE_SECONDS


def shared_by(request: HttpRequest) -> tuple[object, ...]:
    """What a page depends on beside its topics: address, filters, environment, theme, role; never the person."""
    query = request.GET.copy()
    for name in POLL_PARAMETERS:
        query.pop(name, None)
    role = request.__dict__.get("portal_role", "")
    return (
        wants_fragment(request),
        request.path,
        query.urlencode(),
        environment_asked(request),
        theme_of(request),
        role,
    )


def is_still_true(made: Made, age: float, version: int, now: datetime) -> bool:
    """Whether nothing has changed since, by a write or by turning stale. Ages in the page count on in the browser."""
    until = made.shown.valid_until
    is_kept = settings.PAGES_KEPT_SECONDS > 0 and age < UNCHANGED_SECONDS
    return is_kept and made.version == version and (until is None or now < until)


def completed(text: str, request: HttpRequest, now: datetime) -> str:
    """The page with the menu and the look of the one who asked, and the moment of asking, from which ages count on.

    The marks cannot come from an upstream: their "<" and "&" would be escaped.
    """
    if PERSON_MARK not in text:
        return text
    menu = render_to_string("core/_person.html", {}, request)
    text = text.replace(PERSON_MARK, menu).replace(NOW_MARK, f"{now.timestamp():.3f}")
    return text.replace(LOOK_MARK, look_of(request))


def theme_of(request: HttpRequest) -> str:
    """The theme that the person chose, "" for the system's."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""


def is_current(request: HttpRequest, version: int, now: datetime) -> bool:
    """Whether the page that polls shows this version, and nothing in it has turned stale since."""
    if request.GET.get(VERSION) != str(version):
        return False
    try:
        until = float(request.GET.get(UNTIL, ""))
    except ValueError:
        return False
    return until == NO_END or now.timestamp() < until


def poll_url(request: HttpRequest, version: int, valid_until: datetime | None) -> str:
    """The page's own address with what it now shows."""
    query = request.GET.copy()
    query[VERSION] = str(version)
    query[UNTIL] = f"{valid_until.timestamp():.3f}" if valid_until else str(NO_END)
    return f"{request.path}?{query.urlencode()}"


def stamped(answer: HttpResponse, shown: Moment) -> HttpResponse:
    """The answer with the server's moment and the age of its evidence, from which the page's ages count on."""
    answer["Portal-Now"] = f"{shown.now.timestamp():.3f}"
    if shown.oldest_fresh_age is not None:
        answer["Portal-Evidence-Age"] = f"{shown.oldest_fresh_age.total_seconds():.1f}"
    patch_cache_control(answer, no_store=True, private=True)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def overlay_keep(request: HttpRequest, shown: Moment) -> None:
    """Leaves the overlay on the request, so that the frame around the page uses the same one."""
    request.__dict__["portal_overlay"] = shown


def overlay_kept(request: HttpRequest) -> Any:
    """The overlay that the page left on the request, or None."""
    return request.__dict__.get("portal_overlay")
