"""Signing in with an OpenID provider, strictly: see docs/adr/014-single-sign-on.md."""

from apps.integrations.oidc.client import MARK, OidcProvider
from apps.integrations.oidc.errors import EXPIRED_THERE, PortalRefused, ProviderAway, SessionEnded, SignInRefused
from apps.integrations.oidc.settings import ALGORITHMS, ProviderSettings
from apps.integrations.oidc.values import Begun, LogoutTold, Renewed, SignedIn

__all__ = [
    "ALGORITHMS",
    "EXPIRED_THERE",
    "MARK",
    "Begun",
    "LogoutTold",
    "OidcProvider",
    "PortalRefused",
    "ProviderAway",
    "ProviderSettings",
    "Renewed",
    "SessionEnded",
    "SignInRefused",
    "SignedIn",
]
