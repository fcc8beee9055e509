"""How to reach a cluster: from a kubeconfig, or as a pod of the cluster itself.

The kubernetes package reads the configuration and turns it into files and headers; calls go over the portal's own HTTP
layer. What a kubeconfig would start as a process (`exec`, `auth-provider`) is refused before it is handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import config as loading
from kubernetes.client import Configuration
from kubernetes.config import ConfigException

from apps.core.errors import UpstreamError, UpstreamRejected
from apps.integrations.http import Endpoint, failure

STARTS_PROCESSES: Final = ("exec", "auth-provider")


def endpoint_from_kubeconfig(
    *, source: str, path: str | None = None, text: str | None = None, context: str | None = None
) -> Endpoint:
    """The endpoint of a kubeconfig's context (its current one by default), given as a file or as its text.

    Raises UpstreamRejected for one that cannot be read, or whose user wants a process to be started.
    """
    content = _read(source, path) if path else text or ""
    parsed = _parsed(source, content)
    user = _user_of(source, parsed, context)
    _refuse_processes(source, user)
    configuration = _blank()
    try:
        if path:
            loading.load_kube_config(path, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
        else:
            loading.load_kube_config_from_dict(parsed, context, configuration, False)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise _rejected(source, f"the kubeconfig cannot be used: {type(error).__name__}") from error
    return _endpoint(source, configuration, _token_file(user, path))


def endpoint_in_cluster(*, source: str) -> Endpoint:
    """The endpoint of the cluster that this process is a pod of, with its service account.

    Raises UpstreamRejected outside of a cluster.
    """
    configuration = _blank()
    try:
        loading.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise _rejected(source, "this is not a pod with a service account") from error
    return _endpoint(source, configuration, None)


def _blank() -> Configuration:
    """A configuration that takes no proxy from the environment: the fleet file names what there is."""
    configuration = Configuration()
    configuration.proxy = None
    return configuration


def _read(source: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _rejected(source, f"the kubeconfig {path} cannot be read") from error


def _parsed(source: str, content: str) -> dict[str, Any]:
    try:
        parsed = yaml.safe_load(content)
    except yaml.YAMLError:
        parsed = None
    if not isinstance(parsed, dict):
        raise _rejected(source, "the kubeconfig is not a YAML mapping")
    return parsed


def _user_of(source: str, parsed: Mapping[str, Any], context: str | None) -> Mapping[str, Any]:
    name = context or parsed.get("current-context")
    chosen = _named(parsed, "contexts", name).get("context")
    if not isinstance(chosen, dict):
        raise _rejected(source, f"the kubeconfig has no context {name!r}")
    user = _named(parsed, "users", chosen.get("user")).get("user")
    return user if isinstance(user, dict) else {}


def _named(parsed: Mapping[str, Any], section: str, name: Any) -> Mapping[str, Any]:
    entries = parsed.get(section)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry
    return {}


def _refuse_processes(source: str, user: Mapping[str, Any]) -> None:
    for key in STARTS_PROCESSES:
        if key in user:
            raise _rejected(
                source, f"the kubeconfig's user wants {key!r}, which starts a process: give a token or a certificate"
            )


def _token_file(user: Mapping[str, Any], path: str | None) -> Path | None:
    """Read at each call, since what rotates it does so behind our back."""
    name = user.get("tokenFile")
    if not isinstance(name, str):
        return None
    return Path(path).parent / name if path else Path(name)


def _endpoint(source: str, configuration: Configuration, token_file: Path | None) -> Endpoint:
    certificate, key = configuration.cert_file, configuration.key_file

    def headers() -> Mapping[str, str]:
        if token_file is not None:
            return {"Authorization": f"Bearer {_read(source, str(token_file)).strip()}"}
        return _authorization(configuration)

    return Endpoint(
        source=source,
        url=configuration.host.rstrip("/"),
        headers=headers,
        ca=configuration.ssl_ca_cert,
        client_certificate=(certificate, key) if certificate and key else None,
        server_name=configuration.tls_server_name or None,
        verify=configuration.verify_ssl,
        proxy=configuration.proxy or None,
    )


def _authorization(configuration: Configuration) -> Mapping[str, str]:
    """The token as it is now (that of a pod is read again each minute), or name and password as Basic."""
    token = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    return {"Authorization": " ".join(token.split())} if token else {}


def _rejected(source: str, words: str) -> UpstreamError:
    return failure(UpstreamRejected, source, words)
