"""Pages that stay current by polling: one fragment a page, asked for again every ten seconds.

A poll brings back what it shows: `v`, the version of the page's topics, and `u`, the moment (seconds since 1970 by the
database's clock) until which what is shown stays true if nothing is written. Nothing new is 204, and only then: same
version *and* `u` not passed, because things turn stale without a write (decision 12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control, patch_vary_headers

from .htmx import wants_fragment
from .topics import version_of

POLL_SECONDS = 10
VERSION, UNTIL = "v", "u"
POLL_PARAMETERS = frozenset({VERSION, UNTIL})
NO_END = 0
FRAME_FRAGMENT = "_frame_live.html"


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

    `page` and `fragment` are templates. `overlay` is asked once, after the version was read, so that no change between
    the two is missed; `context` makes the template's context of it and is not called for a 204. To the context are
    added `overlay`, `now` and `live`; the frame finds the overlay on the request.
    """
    version = version_of({*topics, "sources"})
    shown = overlay()
    if wants_fragment(request) and is_current(request, version, shown.now):
        return stamped(HttpResponse(status=204), shown)
    overlay_keep(request, shown)
    live = Live(poll_url(request, version, shown.valid_until))
    filled = {**context(shown), "overlay": shown, "now": shown.now, "live": live}
    if not wants_fragment(request):
        return stamped(render(request, page, filled), shown)
    changed = render_to_string(fragment, filled, request) + render_to_string(FRAME_FRAGMENT, filled, request)
    return stamped(HttpResponse(changed), shown)


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
