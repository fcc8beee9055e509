"""Middleware of the whole portal."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from .metrics import PAGE_SECONDS

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


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


def answers_kept_private(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """No browser and no proxy keeps an answer, and no other site embeds one. Static files are answered before this."""

    def private(request: HttpRequest) -> HttpResponse:
        answer = get_response(request)
        patch_cache_control(answer, no_store=True, private=True)
        answer["Cross-Origin-Resource-Policy"] = "same-origin"
        answer["Permissions-Policy"] = PERMISSIONS
        return answer

    return private
