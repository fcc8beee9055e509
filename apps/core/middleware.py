"""Middleware of the whole portal."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .metrics import PAGE_SECONDS


def page_timings(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Times each page by the name of its URL."""

    def timed(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        if match is not None:
            PAGE_SECONDS.labels(match.view_name or "unnamed").observe(time.perf_counter() - began)
        return response

    return timed
