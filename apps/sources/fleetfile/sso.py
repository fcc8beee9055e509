"""What the fleet file says of people: who signs them in, and which of their groups may what where."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from apps.sources.fleetfile.fields import FilePath, Issuer, SecretReference, Text, Url
from apps.sources.fleetfile.sections import Section

SCOPES = ("openid", "profile", "email")


class AccessRole(StrEnum):
    """What a person may do, each role including the ones before it."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    APPROVER = "approver"
    ADMIN = "admin"


class Algorithm(StrEnum):
    """How a token is signed: with a key pair, never with a secret that both sides know."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"


class Sso(Section):
    """Single sign-on by OpenID Connect. Without it, people have local accounts and the portal stays on loopback."""

    issuer: Issuer = Field(
        description="The provider's issuer, letter by letter as its tokens name it (https; on this machine itself also"
        " http). Tokens of any other are refused; its endpoints are found from here."
    )
    client_id: Text = Field(description="The portal's client there.")
    client_secret: SecretReference | None = Field(
        default=None, description="Its secret; without one it is a public client, held by PKCE alone."
    )
    scopes: tuple[Text, ...] = Field(default=SCOPES, description="Scopes to ask for, `openid` among them.")
    hosts: tuple[Text, ...] = Field(
        default=(),
        description="Hosts (with their port, if it is not https's own) besides the issuer's on which the provider may"
        " have its endpoints.",
    )
    groups_claim: Text = Field(
        default="groups", description="Claim that lists a person's groups; dots lead inside (`realm_access.roles`)."
    )
    groups_from_userinfo: StrictBool = Field(
        default=False, description="Whether the groups are asked for at the user info endpoint, not in the token."
    )
    algorithms: tuple[Algorithm, ...] = Field(
        default=(Algorithm.RS256,), description="How tokens may be signed. Any other way is refused."
    )
    idle_minutes: Annotated[StrictInt, Field(ge=5, le=600)] = Field(
        default=30, description="After so many minutes in which the person did nothing their session ends."
    )
    session_hours: Annotated[StrictInt, Field(ge=1, le=24)] = Field(
        default=10, description="After so many hours a session ends in any case."
    )
    refresh_minutes: Annotated[StrictInt, Field(ge=1, le=15)] = Field(
        default=5, description="How long the provider's word holds: then it is asked anew whether the person may stay."
    )
    groups_minutes: Annotated[StrictInt, Field(ge=5, le=1440)] = Field(
        default=60,
        description="Where a renewed session brings no groups (neither an ID token nor user info tells them): after so"
        " many minutes the person signs in anew, mostly without seeing it.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="File of the authority (PEM) that signed the provider's certificate."
    )
    proxy: Url | None = Field(
        default=None, description="HTTP proxy on the way to the provider. None is taken from the environment."
    )
    contact: Annotated[str, Field(max_length=500)] = Field(
        default="", description="Whom to ask for access, shown as it is written."
    )

    @model_validator(mode="after")
    def _asks_who_it_is(self) -> Self:
        if not self.algorithms:
            raise ValueError("'algorithms' must name one at least")
        if "openid" not in self.scopes:
            raise ValueError("'scopes' must hold openid: without it the provider does not say who signs in")
        return self


class Access(Section):
    """What the people of a group may. Whoever is in several groups may what any of them may; in none: nothing."""

    group: Text = Field(description="The group, exactly as the provider names it.")
    role: AccessRole = Field(description="The role that it gives.")
    projects: tuple[Text, ...] = Field(
        default=(), description="Argo CD projects where the role counts, as globs; empty: all."
    )
    environments: tuple[Text, ...] = Field(
        default=(), description="Environments where the role counts, as globs; empty: all."
    )
    clusters: tuple[Text, ...] = Field(default=(), description="Clusters where the role counts, as globs; empty: all.")

    @model_validator(mode="after")
    def _scoped_where_it_counts(self) -> Self:
        if self.role in {AccessRole.VIEWER, AccessRole.ADMIN} and (self.projects or self.environments or self.clusters):
            does = "sees everything" if self.role is AccessRole.VIEWER else "counts everywhere"
            raise ValueError(f"the role {self.role} {does}: leave out projects, environments and clusters")
        return self
