"""Where a source stands in its fleet file, so that what is wrong can be told by the key that would mend it."""

from __future__ import annotations

from apps.sources.catalog import SourceKind, SourceSpec
from apps.sources.checking.mending import Place
from apps.sources.fleetfile.schema import FleetFile, KubernetesAccess, Login, Observatorium
from apps.sources.fleetfile.secrets import Secret


def place_of(fleet: FleetFile, spec: SourceSpec) -> Place:
    """The place of one of the sources that `sources_of(fleet)` gives."""
    for index, tenant in enumerate(fleet.observatorium):
        if spec.group == tenant.name and spec.kind in {SourceKind.ALERTMANAGER, SourceKind.PROMETHEUS}:
            return _of_tenant(f"observatorium[{index}]", tenant)
    if spec.kind is SourceKind.ALERTMANAGER:
        return _of_alertmanager(fleet, spec)
    if spec.kind is SourceKind.PROMETHEUS:
        index = [server.name for server in fleet.prometheuses].index(spec.group)
        at = f"prometheuses[{index}]"
        return Place(at, f"{at}.url", _login(at, fleet.prometheuses[index]), "the portal's account")
    if spec.kind is SourceKind.KUBERNETES:
        return _of_cluster(fleet, spec)
    if spec.kind is SourceKind.RUNBOOKS:
        return _of_runbooks(fleet, spec)
    index = [instance.name for instance in fleet.argocd].index(spec.group)
    at = f"argocd[{index}]"
    return Place(at, f"{at}.url", _secret(f"{at}.token", fleet.argocd[index].token), "the portal's Argo CD account")


def _of_tenant(at: str, tenant: Observatorium) -> Place:
    secret = _secret(f"{at}.token", tenant.token)
    if tenant.oauth2 is not None:
        secret = _secret(f"{at}.oauth2.client_secret", tenant.oauth2.client_secret)
    client = f"the client {tenant.oauth2.client_id!r}" if tenant.oauth2 else "the portal's account"
    return Place(at, f"{at}.url", secret, f"{client} in tenant {tenant.tenant!r}")


def _of_alertmanager(fleet: FleetFile, spec: SourceSpec) -> Place:
    index = [group.name for group in fleet.alertmanagers].index(spec.group)
    at = f"alertmanagers[{index}]"
    member = spec.key.rsplit("/", 1)[-1]
    return Place(at, f"{at}.members[{member}]", _login(at, fleet.alertmanagers[index]), "the portal's account")


def _of_cluster(fleet: FleetFile, spec: SourceSpec) -> Place:
    index = [cluster.name for cluster in fleet.clusters].index(spec.group)
    at = f"clusters[{index}].kubernetes"
    access = fleet.clusters[index].kubernetes or KubernetesAccess(in_cluster=True)
    address = "server" if access.server else "kubeconfig" if access.kubeconfig else "in_cluster"
    return Place(at, f"{at}.{address}", _kubernetes_credentials(at, access), "the portal's service account")


def _of_runbooks(fleet: FleetFile, spec: SourceSpec) -> Place:
    index = [source.name for source in fleet.runbooks].index(spec.group)
    source, at = fleet.runbooks[index], f"runbooks[{index}]"
    if source.git is not None:
        secret = _secret(f"{at}.git.token", source.git.token) or _secret(f"{at}.git.ssh_key", source.git.ssh_key)
        return Place(at, f"{at}.git.url", secret, "the portal's account")
    if source.http is not None:
        return Place(at, f"{at}.http.base", _secret(f"{at}.http.token", source.http.token), "the portal's account")
    return Place(at, f"{at}.folder", "", "the portal's user")


def _kubernetes_credentials(at: str, access: KubernetesAccess) -> str:
    if access.in_cluster:
        return f"`{at}.in_cluster` (the pod's own service account)"
    if access.client_certificate is not None:
        return f"`{at}.client_certificate` ({access.client_certificate})"
    return _secret(f"{at}.kubeconfig", access.kubeconfig) or _secret(f"{at}.token", access.token)


def _login(at: str, login: Login) -> str:
    return _secret(f"{at}.token", login.token) or _secret(f"{at}.password", login.password)


def _secret(path: str, secret: Secret | None) -> str:
    return f"`{path}` ({secret.reference})" if secret else ""
