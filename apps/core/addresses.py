"""Addresses of the portal's own pages about things that upstreams named."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def page_address(view: str, *names: str) -> str:
    """Where the page `view` about these names is; "" where a name cannot stand in an address (empty, or with a slash)."""
    if any(name in {"", ".", ".."} for name in names):
        return ""
    try:
        return reverse(view, args=names)
    except NoReverseMatch:
        return ""
