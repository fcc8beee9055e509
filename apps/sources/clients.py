"""Clients of the upstreams, made as the fleet file says, and kept so that their connections are used again.

All of them are asked for by a source's key, which their errors carry. A client is made anew when its part of the fleet
file changed; one that is in use elsewhere at that moment lives until its user lets go of it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar, cast

from apps.core.errors import PortalError, UpstreamDenied
from apps.integrations.alertmanager import AlertmanagerClient
from apps.integrations.argocd import ArgoCDClient
from apps.integrations.http import Endpoint, failure
from apps.integrations.kubernetes import KubernetesClient
from apps.integrations.oauth2 import ClientCredentials, TokenProvider
from apps.integrations.prometheus import PrometheusClient
from apps.integrations.upstream import UpstreamClient
from apps.sources.fleetfile.schema import Connection, FleetFile, KubernetesAccess, Login, Observatorium
from apps.sources.fleetfile.secrets import Secret, SecretUnavailable

Client = TypeVar("Client", bound=UpstreamClient)
Headers = Callable[[], Mapping[str, str]]


class SourceNotConfigured(PortalError):
    """The fleet file has no such source (any more)."""


def argocd_client(fleet: FleetFile, key: str) -> ArgoCDClient:
    """The client of "argocd/<instance>" or "argocd-inventory/<instance>". Raises SourceNotConfigured."""
    instance = _named(fleet.argocd, key)
    return _kept(
        key, instance, lambda: ArgoCDClient(_endpoint(key, instance.url, instance, _bearer(key, instance.token)))
    )


def argocd_client_as(fleet: FleetFile, key: str, token: str) -> ArgoCDClient:
    """A client of the same server with somebody else's token, to be closed by who asked. Raises SourceNotConfigured."""
    instance = _named(fleet.argocd, key)
    return ArgoCDClient(_endpoint(key, instance.url, instance, lambda: {"Authorization": f"Bearer {token}"}))


def alertmanager_client(fleet: FleetFile, key: str) -> AlertmanagerClient:
    """The client of "alertmanager/<name>/<index of the member>". Raises SourceNotConfigured."""
    tenant = next((tenant for tenant in fleet.observatorium if key == f"alertmanager/{tenant.name}/0"), None)
    if tenant is not None:
        return _kept(
            key, tenant, lambda: AlertmanagerClient(_tenant(key, tenant), observatorium=True, tenant=tenant.tenant)
        )
    group = _named(fleet.alertmanagers, key)
    address = dict(enumerate(group.members)).get(int(key.rsplit("/", 1)[-1]))
    if address is None:
        raise SourceNotConfigured(f"{key} is not in the fleet file")
    return _kept(key, group, lambda: AlertmanagerClient(_endpoint(key, address, group, _login(key, group))))


def prometheus_client(fleet: FleetFile, key: str) -> PrometheusClient:
    """The client of "prometheus/<name>". Raises SourceNotConfigured."""
    tenant = next((tenant for tenant in fleet.observatorium if key == f"prometheus/{tenant.name}"), None)
    if tenant is not None:
        return _kept(
            key, tenant, lambda: PrometheusClient(_tenant(key, tenant), observatorium=True, tenant=tenant.tenant)
        )
    server = _named(fleet.prometheuses, key)
    return _kept(key, server, lambda: PrometheusClient(_endpoint(key, server.url, server, _login(key, server))))


def kubernetes_client(fleet: FleetFile, key: str) -> KubernetesClient:
    """The client of "kubernetes/<cluster>".

    Raises SourceNotConfigured, and UpstreamError for a kubeconfig that cannot be used.
    """
    access = _named(fleet.clusters, key).kubernetes
    if access is None:
        raise SourceNotConfigured(f"{key} is not in the fleet file")
    kubeconfig = secret_read(key, access.kubeconfig) if access.kubeconfig else ""
    made_from = (access, hashlib.sha256(kubeconfig.encode()).digest())
    return _kept(key, made_from, lambda: KubernetesClient(_kubernetes(key, access, kubeconfig)))


Named = TypeVar("Named", bound="HasName")


class HasName(Protocol):
    """A part of the fleet file that is known by a name."""

    @property
    def name(self) -> str:
        """Unique among its kind."""


def _named(parts: Iterable[Named], key: str) -> Named:
    """The part of the fleet file that a key ("<prefix>/<name>…") is about."""
    name = key.split("/")[1]
    for part in parts:
        if part.name == name:
            return part
    raise SourceNotConfigured(f"{key} is not in the fleet file")


_clients: dict[str, tuple[object, UpstreamClient]] = {}
_clients_lock = threading.Lock()


def _kept(key: str, made_from: object, make: Callable[[], Client]) -> Client:
    """The client that was made from the same part of the fleet file before, or a new one."""
    with _clients_lock:
        kept = _clients.get(key)
        if kept is None or kept[0] != made_from:
            kept = _clients[key] = (made_from, make())
        return cast("Client", kept[1])


def _endpoint(key: str, url: str, connection: Connection, headers: Headers) -> Endpoint:
    return Endpoint(
        source=key,
        url=url,
        headers=headers,
        ca=str(connection.ca) if connection.ca else None,
        verify=not connection.insecure_skip_verify,
        proxy=connection.proxy,
        connect_timeout=connection.connect_timeout.total_seconds(),
        deadline=connection.deadline.total_seconds(),
        client_certificate=_client_certificate(connection),
    )


def _client_certificate(connection: Connection) -> tuple[str, str] | None:
    """The files of certificate and key."""
    certificate, key = connection.client_certificate, connection.client_key
    return (str(certificate), str(key)) if certificate and key else None


def _tenant(key: str, tenant: Observatorium) -> Endpoint:
    endpoint = _endpoint(key, tenant.url, tenant, _bearer(key, tenant.token))
    oauth2 = tenant.oauth2
    if oauth2 is None:
        return endpoint
    credentials = ClientCredentials(
        token_url=oauth2.token_url,
        client_id=oauth2.client_id,
        secret=lambda: secret_read(key, oauth2.client_secret),
        audience=oauth2.audience or "",
        scope=oauth2.scope or "",
    )
    transport = replace(endpoint, ca=str(oauth2.ca) if oauth2.ca else endpoint.ca, client_certificate=None)
    return TokenProvider(credentials=credentials, transport=transport).endpoint(endpoint)


def _kubernetes(key: str, access: KubernetesAccess, kubeconfig: str) -> Endpoint:
    """The endpoint of a cluster's API; what the fleet file says of the way there goes before what a kubeconfig says."""
    if access.server is None:
        return _by_kubernetes_configuration(key, access, kubeconfig)
    return _endpoint(key, access.server, access, _bearer(key, access.token))


def _by_kubernetes_configuration(key: str, access: KubernetesAccess, kubeconfig: str) -> Endpoint:
    from apps.integrations.kubernetes import config  # it needs a large package, which most fleets do without

    if access.in_cluster:
        told = config.endpoint_in_cluster(source=key)
    elif access.kubeconfig is not None and access.kubeconfig.kind == "file":  # which may name others next to it
        told = config.endpoint_from_kubeconfig(source=key, path=access.kubeconfig.place, context=access.context)
    else:
        told = config.endpoint_from_kubeconfig(source=key, text=kubeconfig, context=access.context)
    asked = _endpoint(key, told.url, access, told.headers)
    return replace(
        told,
        ca=asked.ca or told.ca,
        verify=asked.verify and told.verify,
        proxy=asked.proxy or told.proxy,
        connect_timeout=asked.connect_timeout,
        deadline=asked.deadline,
    )


def _bearer(key: str, token: Secret | None) -> Headers:
    return lambda: {"Authorization": f"Bearer {secret_read(key, token)}"} if token else {}


def _login(key: str, login: Login) -> Headers:
    username, password = login.username, login.password
    if username is None or password is None:
        return _bearer(key, login.token)

    def headers() -> Mapping[str, str]:
        pair = f"{username}:{secret_read(key, password)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    return headers


def secret_read(key: str, secret: Secret) -> str:
    """The secret, or UpstreamDenied: without it the source is as good as refused."""
    try:
        return secret.value()
    except SecretUnavailable as error:
        raise failure(UpstreamDenied, key, f"our credentials cannot be read: {error}") from error
