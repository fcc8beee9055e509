"""Trying single sign-on: whether people could sign in as the fleet file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.integrations.oidc import ProviderSettings
from apps.integrations.oidc.probing import probed
from apps.sources.checking.results import Fault
from apps.sources.fleetfile.secrets import SecretUnavailable
from apps.sources.fleetfile.sso import Sso
from apps.sources.sso import provider_settings

SECRET = "client_secret"  # noqa: S105  a key's name
MENDS: Mapping[str, str] = {
    "discovery": "see whether `sso.issuer` is its address, whether this machine reaches it (through `sso.proxy`, if"
    " need be), and whether `sso.ca_file` names the authority of its certificate",
    "issuer": "write `sso.issuer` letter by letter as the provider names itself",
    "hosts": "name that host in `sso.hosts`, if it is the provider's",
    "keys": "see what the provider publishes at its jwks_uri, and `sso.algorithms`",
    "algorithms": "name in `sso.algorithms` one that the provider signs with",
    "client": "make `sso.client_id` and `sso.client_secret` those of the portal's client there, which may use codes and"
    " refresh tokens",
}


@dataclass(frozen=True, slots=True)
class SsoCheck:
    """One thing that signing in needs, tried: what was `told` of it, or what is wrong."""

    name: str
    told: str
    fault: Fault | None = None

    @property
    def is_ok(self) -> bool:
        """Whether people can sign in, as far as this goes."""
        return self.fault is None

    def line(self) -> str:
        """All of it on one line."""
        return f"{'ok  ' if self.is_ok else 'FAIL'}  sso/{self.name}: {self.fault or self.told}"

    def as_data(self) -> dict[str, object]:
        """The same for machines."""
        faults = [{"what": self.fault.what, "mend": self.fault.mend}] if self.fault else []
        return {"name": self.name, "ok": self.is_ok, "told": self.told, "faults": faults}


def sso_check(*, sso: Sso) -> Iterator[SsoCheck]:
    """The secret, and what the provider itself says; one after another, each as soon as it is known."""
    try:
        settings = provider_settings(sso)
    except SecretUnavailable as error:
        place = sso.client_secret.reference if sso.client_secret else ""
        yield SsoCheck(SECRET, "", Fault(str(error), f"put the secret where `sso.{SECRET}` ({place}) looks for it"))
        settings = provider_settings(sso.model_copy(update={SECRET: None}))
        yield from _asked(settings, tries_client=False)
        return
    if sso.client_secret:
        yield SsoCheck(SECRET, f"read from {sso.client_secret.reference}")
    yield from _asked(settings, tries_client=True)


def _asked(settings: ProviderSettings, *, tries_client: bool) -> Iterator[SsoCheck]:
    for found in probed(settings, tries_client=tries_client):
        if found.is_ok:
            yield SsoCheck(found.name, found.told)
        else:
            yield SsoCheck(found.name, "", Fault(found.told, MENDS[found.name]))
