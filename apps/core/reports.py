"""What browsers report: that something in a page of the portal was kept from running by its own policy (CSP)."""

from __future__ import annotations

import logging
import threading
import time

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from msgspec import Struct, field

from .structs import decoded
from .text import clean

log = logging.getLogger(__name__)

LONGEST_REPORT = 16 * 1024
LONGEST_PART = 200
WRITTEN_A_MINUTE = 10
MINUTE = 60.0


class Violation(Struct, frozen=True, rename="kebab"):
    """What of a report is worth a line: what was kept from running, by which rule, and where."""

    effective_directive: str = ""
    violated_directive: str = ""
    blocked_uri: str = ""
    document_uri: str = ""
    source_file: str = ""
    line_number: int = 0

    @property
    def words(self) -> str:
        """One line; addresses without what may hold a secret in them."""
        rule = clean(self.effective_directive or self.violated_directive, LONGEST_PART)
        by = f", by {bare(self.source_file)}:{self.line_number}" if self.source_file else ""
        return f"{rule} kept {bare(self.blocked_uri)} from {bare(self.document_uri)}{by}"


class Report(Struct, frozen=True):
    """The body of a report."""

    violation: Violation = field(name="csp-report")


class Gate:
    """Counts what comes in each minute of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began, self._count = 0.0, 0

    def passed(self) -> int:
        """Which one of its minute this is, from 1."""
        with self._lock:
            now = time.monotonic()
            if not self._count or now - self._began >= MINUTE:
                self._began, self._count = now, 0
            self._count += 1
            return self._count


GATE = Gate()


@login_not_required
@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """204: the report is a line of the log, unless there were many within a minute. 400 for what is none, 413 if long.

    Anybody may send one, so it is worth one short line and nothing else: no row, no figure by its words.
    """
    if len(request.body) > LONGEST_REPORT:
        return HttpResponse("The report is too long.", "text/plain", status=413)
    number = GATE.passed()
    if number > WRITTEN_A_MINUTE + 1:
        return HttpResponse(status=204)
    try:
        told = decoded(request.body, Report).violation
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return HttpResponse("This is no report.", "text/plain", status=400)
    if number > WRITTEN_A_MINUTE:
        log.warning("browsers report more than %d violations a minute: the rest is not written", WRITTEN_A_MINUTE)
    else:
        log.warning("a browser reports: %s", told.words)
    return HttpResponse(status=204)


def bare(address: str) -> str:
    """The address without query, fragment, and name and password; a word ("inline") as it is."""
    head = address.partition("?")[0].partition("#")[0]
    scheme, separator, rest = head.partition("://")
    host, slash, path = rest.partition("/")
    return clean(f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}", LONGEST_PART)
