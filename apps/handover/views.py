"""Pages under /handover/: writing one over a span's facts, reading, changing and taking one along."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.confirming import confirmed, person_of
from apps.core.errors import RuleViolation
from apps.core.forms import SeeOther, uuid_told
from apps.core.lists import Asked
from apps.core.live import after_form, overlay_lately
from apps.fleet.overlay import overlay_now
from apps.sources.fleetfile import fleet_file_or_empty

from .models import Handover
from .reading import facts_read
from .services import HandoverMoved, handover_save
from .shown import FactsShown, HandoverShown, handovers_listed
from .spans import SpanAsked, span_asked
from .texts import with_facts
from .values import Facts
from .words import markdown_of

INSERT = "insert"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def handover_new(request: HttpRequest) -> HttpResponse:
    """The facts of a span, with the text to write around them; a form saves it, or has the facts inserted again."""
    told = Asked(request.POST if request.method == "POST" else request.GET)
    facts, span = facts_asked(request, told)
    shown = {"span": span, "facts": FactsShown(facts), "problems": told.problems, "revision": 0}
    if request.method != "POST":
        return page(request, {**shown, "form": uuid4(), "text": with_facts("", markdown_of(facts))})
    shown["form"], text = request.POST.get("form", ""), request.POST.get("text", "")
    if request.POST.get("do") == INSERT:
        return page(request, {**shown, "text": with_facts(text, markdown_of(facts)), "is_inserted": True})
    return saved(request, {**shown, "text": text}, facts)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def handover_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A saved handover, to be changed; its facts are renewed only where the person has them inserted again."""
    handover = get_object_or_404(Handover, pk=pk)
    shown: dict[str, Any] = {"handover": HandoverShown(handover), "form": pk}
    if request.method != "POST":
        overlay_lately(request, overlay_now)
        span = SpanAsked(handover.window, "", handover.until_at)
        return page(request, {**shown, "span": span, "text": handover.text, "revision": handover.revision})
    told, text = Asked(request.POST), request.POST.get("text", "")
    facts, span = facts_asked(request, told)
    is_insert = request.POST.get("do") == INSERT
    is_inserted = is_insert or bool(request.POST.get("inserted"))
    shown |= {"span": span, "is_inserted": is_inserted, "problems": told.problems, "text": text}
    shown["revision"] = number_told(request.POST.get("revision", ""))
    if is_insert:
        return page(request, {**shown, "text": with_facts(text, markdown_of(facts))})
    return saved(request, shown, facts if is_inserted else None)


@require_safe
def handover_show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A saved handover as it is read."""
    overlay = overlay_lately(request, overlay_now)
    handover = get_object_or_404(Handover, pk=pk)
    earlier = handover.earlier_texts.order_by("-revision")
    shown = {"title": "Handover", "shown": HandoverShown(handover), "now": overlay.now, "earlier": earlier}
    return render(request, "handover/handover_show.html", shown)


@require_safe
def handover_markdown(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A saved handover as a file."""
    handover = get_object_or_404(Handover, pk=pk)
    answer = HttpResponse(HandoverShown(handover).markdown, content_type="text/markdown; charset=utf-8")
    name = f"handover-{handover.from_at:%Y%m%dT%H%MZ}-{handover.until_at:%Y%m%dT%H%MZ}.md"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store, private"
    return answer


@require_safe
def handover_list(request: HttpRequest) -> HttpResponse:
    """Those that were saved, the newest first."""
    overlay = overlay_lately(request, overlay_now)
    return render(request, "handover/handover_list.html", {**handovers_listed(Asked(request.GET)), "now": overlay.now})


def facts_asked(request: HttpRequest, told: Asked) -> tuple[Facts, SpanAsked]:
    """The facts of the span that an address or a form asks for."""
    overlay = overlay_lately(request, overlay_now)
    span = span_asked(told, fleet_file_or_empty().portal.shifts, overlay.now)
    return facts_read(span.window, overlay), span


def saved(request: HttpRequest, shown: dict[str, Any], facts: Facts | None) -> HttpResponse:
    """Led on to the page of what was saved; else the form again with what was written, and why it was not."""
    try:
        pk, who = uuid_told(str(shown["form"])), person_of(request)
        kept = handover_save(who=who, pk=pk, revision=shown["revision"], text=shown["text"], facts=facts)
    except HandoverMoved as moved:
        theirs = HandoverShown(moved.theirs)
        told = {"handover": theirs, "theirs": theirs, "revision": moved.theirs.revision, "form": moved.theirs.pk}
        return page(request, {**shown, **told, "refused": str(moved)}, status=409)
    except RuleViolation as violation:
        return page(request, {**shown, "refused": str(violation)}, status=409)
    return after_form(SeeOther(kept.get_absolute_url()))


def page(request: HttpRequest, shown: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page on which a handover is written: a new one beside its facts, or a saved one."""
    is_new = "handover" not in shown
    template = "handover/handover_new.html" if is_new else "handover/handover_edit.html"
    told = {"title": "Handover", "has_shifts": fleet_file_or_empty().portal.shifts is not None, **shown}
    told["kept"] = "here" if request.method == "POST" else ""
    return render(request, template, told, status=status)


def number_told(word: str) -> int:
    """A revision in a form; -1, which none has, for what is no number."""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else -1
