"""Single sign-on as the fleet file says, in the form in which the provider's client takes it."""

from __future__ import annotations

from apps.integrations.oidc import ProviderSettings
from apps.sources.fleetfile.sso import Sso


def provider_settings(sso: Sso) -> ProviderSettings:
    """The same, with the secret's value. Raises SecretUnavailable."""
    return ProviderSettings(
        issuer=sso.issuer,
        client_id=sso.client_id,
        client_secret=sso.client_secret.value() if sso.client_secret else "",
        scopes=sso.scopes,
        algorithms=tuple(each.value for each in sso.algorithms),
        groups_claim=sso.groups_claim,
        groups_from_userinfo=sso.groups_from_userinfo,
        ca_file=str(sso.ca_file) if sso.ca_file else None,
        hosts=sso.hosts,
        proxy=sso.proxy,
    )
