"""Trying a provider once, as `portal_check` does: whether people could sign in with these settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from apps.integrations.http import plain_line
from apps.integrations.oidc.client import OidcProvider
from apps.integrations.oidc.discovery import Discovered, document_of, foreign_endpoint
from apps.integrations.oidc.errors import PortalRefused, ProviderAway, SessionEnded, SignInRefused
from apps.integrations.oidc.keys import Keys
from apps.integrations.oidc.settings import ProviderSettings
from apps.integrations.oidc.transport import Transport

NO_TOKEN: Final = "portal-check"  # noqa: S105  none that was ever given
"""Sent as a refresh token: a provider that takes the portal as its client says that this is none."""


@dataclass(frozen=True)
class Probed:
    """What was tried, and what was found, in words; `is_ok` False: so nobody can sign in."""

    name: str
    told: str
    is_ok: bool = True


def probed(settings: ProviderSettings, *, tries_client: bool = True) -> Iterator[Probed]:
    """Discovery, issuer, hosts, keys, algorithms and the client, each as soon as it is known; what cannot be known is
    left out. Every text is fit for a terminal.
    """
    transport = Transport(settings)
    try:
        document = document_of(transport, settings)
    except ProviderAway as away:
        yield Probed("discovery", plain_line(away.message), is_ok=False)
        return
    yield Probed("discovery", f"{settings.issuer} answers")
    if document.issuer != settings.issuer:
        yield Probed("issuer", f"it names itself {plain_line(document.issuer)}", is_ok=False)
        return
    yield Probed("issuer", "it is the fleet file's, letter by letter")
    if foreign := foreign_endpoint(document, settings):
        yield Probed("hosts", f"it has an endpoint elsewhere: {plain_line(foreign)}", is_ok=False)
        return
    yield _keys(transport, document, settings)
    yield _algorithms(document, settings)
    if tries_client:
        yield _client(settings)


def _keys(transport: Transport, document: Discovered, settings: ProviderSettings) -> Probed:
    try:
        keys = Keys(transport, lambda: document.jwks_uri)
        unfit = [name for name in settings.algorithms if not keys.has_one_for(name)]
    except ProviderAway as away:
        return Probed("keys", plain_line(away.message), is_ok=False)
    if len(unfit) == len(settings.algorithms):
        return Probed("keys", f"it publishes none that signs with {', '.join(unfit)}", is_ok=False)
    return Probed("keys", f"it publishes them for {', '.join(set(settings.algorithms) - set(unfit))}")


def _algorithms(document: Discovered, settings: ProviderSettings) -> Probed:
    offered, wanted = document.id_token_signing_alg_values_supported, settings.algorithms
    both = [name for name in wanted if name in offered]
    if not offered:
        return Probed("algorithms", f"it does not say which it uses; {', '.join(wanted)} may be used")
    if not both:
        words = f"it signs with {plain_line(', '.join(offered))}, and only {', '.join(wanted)} may be used"
        return Probed("algorithms", words, is_ok=False)
    return Probed("algorithms", ", ".join(both))


def _client(settings: ProviderSettings) -> Probed:
    """A refresh token that is none is refused as such only to a client that the provider takes."""
    try:
        OidcProvider(settings).renew(NO_TOKEN, subject="", sid="")
    except SessionEnded:
        return Probed("client", f"it takes {settings.client_id!r}{' and its secret' if settings.client_secret else ''}")
    except PortalRefused as refused:
        return Probed("client", plain_line(refused.message), is_ok=False)
    except (ProviderAway, SignInRefused) as other:
        return Probed("client", f"it does not say whether it takes it: {plain_line(str(other))}")
    return Probed("client", "it gives tokens for a refresh token that is none: nobody is safe with it", is_ok=False)
