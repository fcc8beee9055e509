"""The cells of the matrix as HTML: seven hundred of them take a template too long."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.core.templatetags.portal import plain, shape
from apps.gitops.matrix import OTHER_PLACES, Cell, Row

register = template.Library()

DIFFERS = '<b role="img" aria-label="another revision">≠</b>'
shape_kept = lru_cache(maxsize=64)(shape)


@register.simple_tag
def matrix_cells(row: Row) -> SafeString:
    """The cells of a row, each a link with its shapes and all of it in words in its title; empty ones as they are.

    Only cells with something to say have `data-head`: on a phone they alone are shown.
    """
    return mark_safe("".join(_cell(cell) for cell in row.cells))  # noqa: S308  each part is escaped


def _cell(cell: Cell) -> str:
    if not cell.rows:
        return "<td></td>"
    head = "" if cell.is_well else f' data-head="{escape(plain(cell.column.name or OTHER_PLACES))}"'
    since = f' data-since="{escape(cell.since)}"' if cell.since else ""
    link = f'href="{escape(cell.address)}" title="{escape(plain(cell.told))}"{since}'
    return f"<td{head}><a {link}>{_shapes(cell)}{DIFFERS if cell.differs else ''}</a></td>"


def _shapes(cell: Cell) -> str:
    return "".join(
        f"{shape_kept(mark.tone, mark.is_doubtful)}{mark.count if mark.count > 1 else ''}" for mark in cell.marks
    )
