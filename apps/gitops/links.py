"""Addresses of an Application in other consoles, made of what the upstreams said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from apps.core.links import safe_link

from .models import Application


def argocd_link(application: Application, address: str) -> str:
    """The Application's page in the Argo CD at `address`; "" where that is no http address."""
    base = safe_link(address).rstrip("/")
    namespace, name = quote(application.namespace, safe=""), quote(application.name, safe="")
    return safe_link(f"{base}/applications/{namespace}/{name}") if base else ""


def git_link(repo_url: str, revision: str, path: str) -> str:
    """The folder `path` at `revision` on the forge of `repo_url`; the repository where its kind of forge is not known.

    "" for what is not http or https (ssh addresses, OCI and others), which is then shown as text.
    """
    base = safe_link(repo_url).removesuffix("/").removesuffix(".git")
    if not base:
        return ""
    host = urlsplit(base).hostname or ""
    if not revision or not ("github" in host or "gitlab" in host):
        return base
    tree = "-/tree" if "gitlab" in host else "tree"
    folder = quote(path.strip("/"), safe="/")
    return safe_link("/".join(filter(None, [base, tree, quote(revision, safe=""), folder])))


def commit_link(repo_url: str, revision: str) -> str:
    """The commit on the forge of `repo_url`; "" where its kind of forge is not known."""
    base = safe_link(repo_url).removesuffix("/").removesuffix(".git")
    host = (urlsplit(base).hostname or "") if base else ""
    if not revision or not ("github" in host or "gitlab" in host):
        return ""
    commit = "-/commit" if "gitlab" in host else "commit"
    return safe_link(f"{base}/{commit}/{quote(revision, safe='')}")


@dataclass(frozen=True)
class OwnLink:
    """A link that an Application gives itself; `address` is "" where it is not a safe one."""

    title: str
    address: str


def own_links(told: Iterable[str]) -> list[OwnLink]:
    """What its Ingresses and its annotations `link.argocd.argoproj.io/…` name: an address, or "title|address"."""
    links = []
    for text in dict.fromkeys(told):
        title, _, address = text.rpartition("|")
        links.append(OwnLink(title.strip() or address.strip(), safe_link(address.strip())))
    return links
