"""The links "only this" and "not this" beside the values of labels."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.alerts.narrowing import Narrowing
from apps.core.templatetags.portal import bdi, plain

register = template.Library()

LONGEST_TITLE = 80


@register.simple_tag
def narrow(links: Narrowing | str, text: object, name: str = "") -> SafeString:
    """The text as a link to "only this", and a quiet one to "not this" beside it, as far as there are such links."""
    shown = bdi(text)
    if not isinstance(links, Narrowing):
        return shown
    only = format_html('<a class="only" href="{}" title="Only this">{}</a>', links.only, shown) if links.only else shown
    return format_html("{}{}", only, _sift(links.without, "≠", "Not", text, name))


@register.simple_tag
def narrow_beside(links: Narrowing | str, text: object, name: str = "") -> SafeString:
    """Both as quiet links, beside a text that is a link to another place."""
    if not isinstance(links, Narrowing):
        return SafeString("")
    return format_html("{}{}", _sift(links.only, "=", "Only", text, name), _sift(links.without, "≠", "Not", text, name))


def _sift(address: str, sign: str, verb: str, text: object, name: str) -> SafeString:
    if not address:
        return SafeString("")
    told = plain(f"{verb} {name} {text}".replace("  ", " "))[:LONGEST_TITLE]
    return format_html('<a class="sift" href="{}" title="{}" aria-label="{}">{}</a>', address, told, told, sign)
