"""A cell of the matrix as HTML: seven hundred of them take a template too long."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.core.templatetags.portal import plain, shape
from apps.gitops.matrix import OTHER_PLACES, Cell, Mark

register = template.Library()

EMPTY = mark_safe("<td></td>")
DIFFERS = mark_safe('<b role="img" aria-label="another revision">≠</b>')
shape_kept = lru_cache(maxsize=64)(shape)


@register.simple_tag
def matrix_cell(cell: Cell) -> SafeString:
    """The cell: a link with its shapes, and all of it in words in the title. On a phone only those with a head show."""
    if not cell.rows:
        return EMPTY
    where = plain(cell.column.name or OTHER_PLACES)
    return format_html(
        '<td{}><a href="{}" title="{}"{}>{}{}</a></td>',
        "" if cell.is_well else format_html(' data-head="{}"', where),
        cell.address,
        plain(cell.told),
        format_html(' data-since="{}"', cell.since) if cell.since else "",
        format_html_join("", "{}{}", ((_shape(mark), mark.count if mark.count > 1 else "") for mark in cell.marks)),
        DIFFERS if cell.differs else "",
    )


def _shape(mark: Mark) -> SafeString:
    return shape_kept(mark.tone, mark.is_doubtful)
