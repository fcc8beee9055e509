"""Addresses of the portal's own pages about things that upstreams named."""

from __future__ import annotations

from functools import lru_cache

from django.urls import NoReverseMatch, reverse


@lru_cache(maxsize=4096)
def page_address(view: str, *names: str) -> str:
    """Where the page `view` about these names is; "" where a name cannot stand in an address."""
    if any(name in {"", ".", ".."} for name in names):
        return ""
    try:
        return reverse(view, args=names)
    except NoReverseMatch:
        return ""
