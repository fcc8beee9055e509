"""The provider's public keys, by their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from msgspec import Struct

from apps.core import structs
from apps.core.errors import UpstreamBadReply
from apps.integrations.oidc.errors import ProviderAway, SignInRefused
from apps.integrations.oidc.kept import Kept
from apps.integrations.oidc.transport import SOURCE, Transport, away

MOST: Final = 100
MODULUS: Final = range(342, 1400)
"""Letters of an RSA key's modulus in base64url: 2048 bits at least, and no more than checking can take."""
KINDS: Final = {"RSA": ("RS", "PS"), "EC": ("ES",)}


class _KeySet(Struct):
    keys: list[Any]


class _PublicKey(Struct, omit_defaults=True):
    """A key's public parts; what else it says (its secret half, or certificates) is not read."""

    kty: str
    kid: str | None = None
    use: str = "sig"
    alg: str | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None


class Keys:
    """Asked for a key that it does not know, it fetches the set once more, at most every 30 s. For all threads."""

    def __init__(self, transport: Transport, address: Callable[[], str]) -> None:
        self._transport = transport
        self._address = address
        self._kept = Kept(self._fetched)

    def key_for(self, key_id: str | None, algorithm: str) -> Key:
        """The key of a token's header. Without an id there must be one key only that fits the algorithm.

        Raises SignInRefused for one that is not published, and ProviderAway.
        """
        key = _chosen(self._kept.value(), key_id, algorithm) or _chosen(self._kept.newer(), key_id, algorithm)
        if key is None:
            raise SignInRefused("key", "no published key has the id of the token's header and fits its algorithm")
        return key

    def has_one_for(self, algorithm: str) -> bool:
        """Whether a published key can have signed so. Raises ProviderAway."""
        return any(_fits(key, algorithm) for key in self._kept.value())

    def _fetched(self) -> tuple[Key, ...]:
        answer = self._transport.get(self._address())
        try:
            told = answer.decode(_KeySet).keys
        except UpstreamBadReply as error:
            raise away(error) from error
        keys = tuple(key for each in told[:MOST] if (key := _imported(each)) is not None)
        if not keys:
            raise ProviderAway(SOURCE, "it publishes no key that could be used")
        return keys


def _chosen(keys: tuple[Key, ...], key_id: str | None, algorithm: str) -> Key | None:
    fitting = [key for key in keys if _fits(key, algorithm)]
    if key_id is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((key for key in fitting if key.kid == key_id), None)


def _fits(key: Key, algorithm: str) -> bool:
    return algorithm.startswith(KINDS[key.key_type]) and key.get("alg") in {None, algorithm}


def _imported(told: Any) -> Key | None:
    """The key, or None for one that is for something else than signing, weak, or not understood."""
    try:
        key = structs.converted(told, _PublicKey)
        if key.kty not in KINDS or key.use != "sig" or (key.kty == "RSA" and len(key.n or "") not in MODULUS):
            return None
        return import_key(msgspec.to_builtins(key))
    except (JoseError, ValueError, TypeError, KeyError):  # this one is broken; the others count
        return None
