"""Asking the identity provider of sessions by which nobody asks for a page: streams, and the Wall."""

from __future__ import annotations

from celery import shared_task

from .renewing import sessions_renew


@shared_task(name="accounts.renew_sessions")
def renew_sessions() -> None:
    """Renews the sessions of single sign-on on which the provider's word is about to run out."""
    sessions_renew()
