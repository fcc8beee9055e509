"""Where the provider has its endpoints: its discovery document, believed within bounds."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from apps.core.errors import UpstreamBadReply
from apps.integrations.oidc.errors import ProviderAway
from apps.integrations.oidc.settings import ProviderSettings
from apps.integrations.oidc.transport import SOURCE, Transport, away

PORTS = {"http": 80, "https": 443}


class Discovered(Struct, frozen=True):
    """The document's parts that the portal uses; "" for an endpoint that the provider has not."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    id_token_signing_alg_values_supported: tuple[str, ...] = ()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """All that are told."""
        told = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return told + tuple(each for each in (self.userinfo_endpoint, self.end_session_endpoint) if each)


def discovered(transport: Transport, settings: ProviderSettings) -> Discovered:
    """The document, asked for now.

    Raises ProviderAway, also where it is another issuer's, or names an endpoint on a host that nobody allowed.
    """
    document = document_of(transport, settings)
    if document.issuer != settings.issuer:
        raise ProviderAway(SOURCE, "its discovery document names another issuer than the fleet file")
    if foreign_endpoint(document, settings):
        raise ProviderAway(SOURCE, "its discovery document names an endpoint on a host that the fleet file does not")
    return document


def document_of(transport: Transport, settings: ProviderSettings) -> Discovered:
    """The document as it is told, believed in nothing yet. Raises ProviderAway."""
    answer = transport.get(settings.issuer.rstrip("/"), ".well-known", "openid-configuration")
    try:
        return answer.decode(Discovered)
    except UpstreamBadReply as error:
        raise away(error) from error


def foreign_endpoint(document: Discovered, settings: ProviderSettings) -> str:
    """The first endpoint that is on nobody's host; "" where there is none."""
    return next((each for each in document.endpoints if not is_allowed(each, settings)), "")


def is_allowed(endpoint: str, settings: ProviderSettings) -> bool:
    """Whether it is on the issuer's host or one of the settings', and as safe on the way as the issuer."""
    try:
        issuer, asked = urlsplit(settings.issuer), urlsplit(endpoint)
        hosts = {_place(issuer.netloc, issuer.scheme), *(_place(host, "https") for host in settings.hosts)}
        return asked.scheme in {"https", issuer.scheme} and _place(asked.netloc, asked.scheme) in hosts
    except ValueError:  # no URL at all, or a port that is none
        return False


def _place(netloc: str, scheme: str) -> tuple[str, int]:
    """Host and port. A netloc with a name or password in it is no host of ours."""
    parts = urlsplit(f"//{netloc}")
    if "@" in netloc or not parts.hostname:
        raise ValueError("no plain host")
    return parts.hostname, parts.port or PORTS[scheme]
