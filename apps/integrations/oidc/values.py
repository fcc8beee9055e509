"""What the portal is told of a person's sign-in, after every check. No repr shows a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A sign-in under way. It belongs into the session of the browser that began it, and is good for one answer.

    `url` is where the browser goes; `max_age` how old, in seconds, the person's own sign-in at the provider may be.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    max_age: int | None = None


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who signed in. `issuer` and `subject` together are the identity; nothing else is.

    `name`, `username`, `email`, `sid` and `refresh_token` are "" where the provider told none, `auth_time` None.
    """

    issuer: str
    subject: str
    sid: str
    groups: tuple[str, ...]
    name: str
    username: str
    email: str
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token_expires_at: datetime
    auth_time: datetime | None


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """New tokens. `refresh_token` replaces the one that was sent, which may be the same.

    A provider need not give a new ID token: then `id_token` is "" and its end None, and the groups are those of user
    info; None where it has none.
    """

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token_expires_at: datetime | None
    groups: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class LogoutTold:
    """The provider says that a session of this person ended, or all of them where `sid` is "".

    `subject` may be "" where `sid` is told. `jti` must count once until `expires_at`.
    """

    issuer: str
    subject: str
    sid: str
    jti: str
    expires_at: datetime
