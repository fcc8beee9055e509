"""What is known of the identity provider before it is asked anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that a provider alone can make: with `none` anybody could, with HS… everybody who can check it."""


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """The provider, and what the portal is there.

    `issuer` is compared letter by letter. `client_secret` is "" for a public client. `groups_claim` is the name of a
    claim, or a path with dots into it ("realm_access.roles"). `hosts` are those besides the issuer's own (with a port
    that is not the scheme's) on which its discovery document may name endpoints. `ca_file` is the path of a PEM file,
    `proxy` the URL of an HTTP proxy on the way to it.
    Raises ValueError for an algorithm that is not one of ALGORITHMS, or none at all.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[str, ...] = ("RS256",)
    groups_claim: str = "groups"
    groups_from_userinfo: bool = False
    ca_file: str | None = None
    hosts: tuple[str, ...] = ()
    proxy: str | None = None

    def __post_init__(self) -> None:
        unfit = set(self.algorithms) - set(ALGORITHMS)
        if unfit or not self.algorithms:
            named = ", ".join(sorted(unfit)) or "no algorithm at all"
            raise ValueError(f"{named}: the provider's signatures are checked with {', '.join(ALGORITHMS)}")
