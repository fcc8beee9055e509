"""Tokens of the provider at rest: encrypted, with keys that can be changed.

The newest of PORTAL_TOKEN_KEYS encrypts; any of them decrypts, and so do the keys that come from SECRET_KEY and its
fallbacks, of which the first encrypts where there are none. So that a database alone, or its backup, lets nobody act as
somebody.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"portal: tokens of the identity provider"


def sealed(token: str) -> str:
    """The token as it is kept; "" for none."""
    return _fernet().encrypt(token.encode()).decode() if token else ""


def unsealed(kept: str) -> str:
    """The token that is kept; "" for none, and where none of the keys of now fits."""
    try:
        return _fernet().decrypt(kept.encode()).decode() if kept else ""
    except InvalidToken:
        return ""


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in _secrets()])


def _secrets() -> Sequence[str]:
    told: Sequence[str] = settings.PORTAL_TOKEN_KEYS
    return [*told, settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]


def _key(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
