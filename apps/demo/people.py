"""The demo's people, as its OpenID provider knows them, and the rules by which their groups count in the portal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Persona:
    """Somebody of the demo; `words` say what they may, on the page where one chooses who one is."""

    name: str
    first_name: str
    groups: tuple[str, ...]
    words: str

    def as_builtins(self) -> dict[str, Any]:
        """For the provider's settings."""
        return {**asdict(self), "email": f"{self.name}@stonesoup.example"}


VIEWERS, RESPONDERS, APPROVERS, ADMINS = (
    f"stonesoup-{whom}" for whom in ("viewers", "responders", "approvers", "admins")
)
STAGING_RESPONDERS = "stonesoup-staging-responders"
DASHBOARDS_TEAM = "stonesoup-dashboards"
CONTACT = "whoever runs this demo"

PEOPLE = (
    Persona("vera", "Vera", (VIEWERS,), "viewer: sees everything"),
    Persona("remy", "Remy", (RESPONDERS,), "responder: also resyncs and freezes"),
    Persona("sasha", "Sasha", (VIEWERS, STAGING_RESPONDERS), "responder for staging: production they only see"),
    Persona("mona", "Mona", (VIEWERS, DASHBOARDS_TEAM), "responder for two projects in production"),
    Persona("ana", "Ana", (APPROVERS,), "approver: also approves what needs a second person"),
    Persona("ada", "Ada", (ADMINS,), "admin: also sees the configuration and errors in full"),
    Persona("nils", "Nils", (), "in no group: has no access"),
)
ACCESS: tuple[dict[str, Any], ...] = (
    {"group": VIEWERS, "role": "viewer"},
    {"group": RESPONDERS, "role": "responder"},
    {"group": STAGING_RESPONDERS, "role": "responder", "environments": ["staging"]},
    {
        "group": DASHBOARDS_TEAM,
        "role": "responder",
        "environments": ["production"],
        "projects": ["windowed", "restricted"],
    },
    {"group": APPROVERS, "role": "approver"},
    {"group": ADMINS, "role": "admin"},
)
