"""The identity provider that the fleet file in force names, if it names one."""

from __future__ import annotations

import logging
import threading

from django.conf import settings

from apps.integrations.oidc import OidcProvider, ProviderSettings
from apps.sources.fleetfile import FleetFile, FleetFileInvalid, fleet_file_in_force
from apps.sources.fleetfile.secrets import SecretUnavailable
from apps.sources.fleetfile.sso import Access, Sso
from apps.sources.sso import provider_settings

log = logging.getLogger(__name__)

_kept: dict[str, tuple[ProviderSettings, OidcProvider]] = {}
_lock = threading.Lock()


def is_sign_in_known() -> bool:
    """Whether it is known how people sign in: not while a fleet file is named of which there never was a right one."""
    return not settings.PORTAL_FLEET or _fleet() is not None


def sso_in_force() -> Sso | None:
    """What the fleet file says of single sign-on; None where it says nothing, and where there is none."""
    fleet = _fleet()
    return fleet.sso if fleet else None


def is_sso_in_force() -> bool:
    """Whether people sign in at a provider."""
    return sso_in_force() is not None


def access_in_force() -> tuple[Access, ...]:
    """Which groups may what."""
    fleet = _fleet()
    return fleet.access if fleet else ()


def provider_in_force() -> OidcProvider | None:
    """The provider of this moment, the same one as long as what is said of it is the same; None without one.

    Raises SecretUnavailable where its client's secret cannot be read.
    """
    sso = sso_in_force()
    if sso is None:
        return None
    asked = provider_settings(sso)
    with _lock:
        kept = _kept.get("provider")
        if kept is None or kept[0] != asked:
            kept = _kept["provider"] = (asked, OidcProvider(asked))
        return kept[1]


def provider_or_none(*, otherwise: str) -> OidcProvider | None:
    """The same; None also where the secret cannot be read: the log then says what that means (`otherwise`), and why."""
    try:
        return provider_in_force()
    except SecretUnavailable as error:
        log.warning("%s: %s", otherwise, error)
        return None


def _fleet() -> FleetFile | None:
    try:
        return fleet_file_in_force()
    except FleetFileInvalid:
        return None
