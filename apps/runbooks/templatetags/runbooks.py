"""A runbook in a page."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from apps.runbooks.rendering import Rendered

register = template.Library()


@register.simple_tag(takes_context=True)
def runbook_body(context: template.Context, drawn: Rendered) -> SafeString:
    """The runbook's markup; with buttons to tick its steps for who may act somewhere."""
    rights = context.get("rights") or {}
    return drawn.html_for(may_tick=bool(rights.get("act")))
