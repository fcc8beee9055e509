"""Whether the portal is alive and ready, and what is said when something went wrong."""

from __future__ import annotations

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .connections import DATABASE_FAILURES
from .leases import BEAT, lease_is_held

RETRY_SECONDS = "5"


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers at all; touches nothing else."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and its tables are there, else 503; says whether anything reads upstreams.

    A silent worker does not take the page away: what is known is still worth showing, with its age.
    """
    try:
        is_reading = lease_is_held(name=BEAT)
    except DatabaseError:
        connection.close()
        return JsonResponse({"status": "not ready", "database": "does not answer"}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", "reading": is_reading})


def server_error(request: HttpRequest) -> HttpResponse:
    """503 with the way on when the database is away (faults.md, case 33), else 500; never a traceback."""
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_FAILURES):
        answer = render(None, "503.html", status=503)
        answer["Retry-After"] = RETRY_SECONDS
        return answer
    return render(None, "500.html", status=500)
