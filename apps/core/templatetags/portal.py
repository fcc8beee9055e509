"""The tags and filters of all templates: tones, ages, links and text of upstreams, addresses of lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template.loader import get_template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.core.addresses import page_address
from apps.core.ages import age_words, duration_words, moment_words
from apps.core.drawn import DRAWINGS, Drawable
from apps.core.environment import PARAMETER
from apps.core.links import safe_link
from apps.core.lists import ALL
from apps.core.live import FRAME_TOPICS, POLL_PARAMETERS, Live
from apps.core.moments import in_utc
from apps.core.text import ODD, odd_marked
from apps.core.tones import RANKS, Tone

register = template.Library()

ALWAYS_SHOWN = frozenset({"tone", "name", "title"})


@register.simple_tag
def shape(tone: str, stale: bool = False) -> SafeString:
    """The tone's shape; a tone that is not one of the six is drawn as unknown. Stale is drawn hollow, and said."""
    known = known_tone(tone)
    return format_html(
        '<svg class="shape {0}{1}" role="img" aria-label="{0}{2}"><use href="#tone-{0}"></use></svg>',
        known,
        " stale" if stale else "",
        ", not certain" if stale else "",
    )


@register.simple_tag
def pill(tone: str, word: object, stale: bool = False) -> SafeString:
    """Shape and word of a state; a word that is the tone's own needs no direction of its own."""
    known = known_tone(tone)
    return format_html(
        '<span class="pill {}">{}{}</span>', known, shape(known, stale), known if word == known else bdi(word)
    )


@register.simple_tag
def age(
    moment: datetime | None, now: datetime | None, missing: str = "not known", is_evidence: bool = False
) -> SafeString:
    """How long ago a moment was, counting on in the page, with the exact moment in its title.

    The age of evidence that is fresh grows young again in an open page when the stream says that all of it is younger.
    """
    if moment is None or now is None:
        return format_html('<span class="missing">{}</span>', missing)
    return format_html(
        '<time datetime="{}" title="{}" data-age{}>{}</time>',
        in_utc(moment).isoformat(timespec="milliseconds"),
        moment_words(moment),
        mark_safe("=evidence") if is_evidence else "",
        age_words(moment, now),
    )


@register.simple_tag
def until(moment: datetime | None, now: datetime) -> SafeString:
    """How long it is until a moment, counting down in the page; "now" once it has passed."""
    if moment is None:
        return mark_safe('<span class="missing">not known</span>')
    return format_html(
        '<time datetime="{}" title="{}" data-until>{}</time>',
        in_utc(moment).isoformat(timespec="milliseconds"),
        moment_words(moment),
        duration_words(moment - now) if moment > now else "now",
    )


@register.simple_tag
def clock(moment: datetime | None) -> SafeString:
    """The time of day of a moment, in UTC until the page knows the reader's zone."""
    if moment is None:
        return mark_safe('<span class="missing">not known</span>')
    return format_html(
        '<time datetime="{}" title="{}" data-clock>{}</time>',
        in_utc(moment).isoformat(timespec="milliseconds"),
        moment_words(moment),
        f"{in_utc(moment):%H:%M}",
    )


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A duration, or a number of seconds, in words; "" of none."""
    if value is None:
        return ""
    return duration_words(value if isinstance(value, timedelta) else timedelta(seconds=value))


@register.filter
def milliseconds(seconds: float | None) -> str:
    """ "12 ms", or "1.4 s" from one second on; "" of none."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


@register.filter
def bdi(text: object) -> SafeString:
    """Text of others, isolated from the text around it, its odd characters written out instead of obeyed."""
    return mark_safe(f"<bdi>{odd_marked(escape(str(text)))}</bdi>")  # noqa: S308  escaped above


@register.filter
def plain(text: object) -> str:
    """Text of others where no markup can be, as in an option: its odd characters written out."""
    return ODD.sub(lambda odd: f"[U+{ord(odd.group()):04X}]", str(text))


@register.simple_tag
def link(url: str | None, text: object) -> SafeString:
    """A link to another place where the address is a safe one, else its text alone."""
    address = safe_link(url)
    if not address:
        return bdi(text)
    return format_html('<a href="{}" target="_blank" rel="noopener noreferrer" class="out">{}</a>', address, bdi(text))


@register.simple_tag
def page_link(view: str, text: object, *names: str) -> SafeString:
    """A link to the portal's page `view` about these names; the text alone where they cannot be in an address."""
    address = page_address(view, *names)
    return format_html('<a href="{}">{}</a>', address, bdi(text)) if address else bdi(text)


@register.simple_tag(takes_context=True)
def query_with(context: template.Context, **changes: object) -> str:
    """The page's query ("?a=b") with some keys changed; None or "" takes one away, and a new filter leads to page 1."""
    query = shown_query(context)
    if "page" not in changes:
        query.pop("page", None)
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(each) for each in value])
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def cleared(context: template.Context) -> str:
    """The page without its filters, in the environment that it shows ("?environment=production")."""
    query = QueryDict(mutable=True)
    query.setlist(PARAMETER, shown_query(context).getlist(PARAMETER) or [ALL])
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def sort_head(context: template.Context, field: str, title: str, first: str = "up") -> SafeString:
    """A column's head that sorts by it, and turns the order round when it does so; `first` down: big ones first."""
    sort = str(context.get("sort", ""))
    is_up, is_down = sort == field, sort == f"-{field}"
    goes_down = is_up or (first == "down" and not is_down)
    return format_html(
        '<th scope="col" class="c-{}"{} aria-sort="{}"><a href="{}">{}{}</a></th>',
        field,
        "" if field in ALWAYS_SHOWN else format_html(' data-col="{}"', field),
        "ascending" if is_up else "descending" if is_down else "none",
        query_with(context, sort=f"-{field}" if goes_down else field),
        title,
        " ↑" if is_up else " ↓" if is_down else "",
    )


@register.simple_tag(takes_context=True)
def sort_select(context: template.Context, **titles: str) -> SafeString:
    """The order as a field of the list's filters, for screens on which the columns' heads have no room.

    `titles` are the fields that the list sorts by, and what they are called.
    """
    chosen = str(context.get("sort", ""))
    options = [
        format_html(
            '<option value="{}"{}>Sort: {}{}</option>',
            value,
            mark_safe(" selected") if value == chosen else "",
            title,
            arrow,
        )
        for field, title in titles.items()
        for value, arrow in ((field, ""), (f"-{field}", " ↓"))
    ]
    fields = mark_safe("".join(options))  # noqa: S308  each option is escaped
    return format_html('<select name="sort" class="sorts" aria-label="Sort by">{}</select>', fields)


@register.simple_tag(takes_context=True)
def row_drawn(context: template.Context, template_name: str, row: Drawable) -> SafeString:
    """A row of a list, drawn where none was that shows the same. Its template sees `row`, `now` and `rights` alone."""
    now, rights = context["now"], context.get("rights") or {}

    def draw() -> str:
        drawn: str = get_template(template_name).template.render(  # type: ignore[attr-defined]  # Django's own backend
            template.Context({"row": row, "now": now, "rights": rights})
        )
        return drawn

    shown = row.shows(now)
    kept = draw() if shown is None else DRAWINGS.get((template_name, sorted(rights.items()), shown), draw)
    return mark_safe(kept)  # noqa: S308  a template's own markup


@register.simple_tag
def filter_form() -> SafeString:
    """The attributes of a list's filter form, by which static/js/lists.js lets the rows follow what is asked."""
    return mark_safe('class="filters" method="get" role="search" autocomplete="off" data-filter')


@register.simple_tag(takes_context=True)
def live(context: template.Context) -> SafeString:
    """The attributes of the fragment's root by which it stays current; nothing on a page that is not live."""
    live = context.get("live")
    if not isinstance(live, Live):
        return mark_safe("")
    shown = {
        "topics": " ".join(live.topics),
        "counts": " ".join(sorted(FRAME_TOPICS)),
        "version": live.version,
        "standing": live.standing,
        "frame": live.frame,
        "until": live.until,
        "ends": live.ends,
        "title": plain(context.get("title", "")),
    }
    how = format_html('hx-get="{}" hx-trigger="portal:refresh" hx-swap="outerHTML" data-live', live.url)
    return format_html("{}{}", how, format_html_join("", ' data-{}="{}"', shown.items()))


@register.simple_tag(takes_context=True)
def kept_fields(context: template.Context, *names: str) -> SafeString:
    """Hidden fields that keep the page's query in a form, except the names that the form asks for itself."""
    left_out = {*names, "page"}
    fields = [
        format_html('<input type="hidden" name="{}" value="{}">', key, value)
        for key, values in shown_query(context).lists()
        if key not in left_out
        for value in values
    ]
    return mark_safe("".join(fields))  # noqa: S308  each field is escaped


def known_tone(tone: str) -> str:
    """The tone if it is one of the six, else unknown."""
    return tone if tone in RANKS else Tone.UNKNOWN.value


def shown_query(context: template.Context) -> QueryDict:
    """The page's own query, without what polling adds."""
    request: Any = context.get("request")
    query = request.GET.copy() if isinstance(request, HttpRequest) else QueryDict(mutable=True)
    for key in POLL_PARAMETERS & set(query):
        del query[key]
    return query
