"""In whose name Argo CD is asked to act: by the portal's own account, or as the person where the instance says so.

Argo CD takes the person's ID token as bearer where the portal's client is among its `allowedAudiences`: its own RBAC
decides by the token's groups then, and `initiatedBy` names the person (recordings argocd/3.6, person_*). Reading stays
with the portal's account.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apps.accounts.renewing import SignInNeeded, id_token_for
from apps.integrations.argocd import ArgoCDClient
from apps.sources.clients import argocd_client, argocd_client_as
from apps.sources.fleetfile.schema import ActAs, FleetFile


def acts_as_person(fleet: FleetFile, instance: str) -> bool:
    """Whether actions go to this instance in the person's own name."""
    return any(each.name == instance and each.act_as is ActAs.PERSON for each in fleet.argocd)


@contextmanager
def acting_client(fleet: FleetFile, instance: str, session: str) -> Iterator[ArgoCDClient]:
    """The client that acts for the session with this key; the portal's own account never stands in for a person.

    May wait for the identity provider. Raises SourceNotConfigured, and SignInNeeded where the person's token is not to
    be had.
    """
    key = f"argocd/{instance}"
    if not acts_as_person(fleet, instance):
        yield argocd_client(fleet, key)
        return
    try:
        token = id_token_for(session)
    except SignInNeeded as needed:
        raise SignInNeeded(f"Argo CD {instance} is asked in your own name: {needed}") from needed
    client = argocd_client_as(fleet, key, token)
    try:
        yield client
    finally:
        client.close()
