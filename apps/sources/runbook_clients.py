"""How the runbook sources of a fleet file are reached."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from apps.integrations.files import FileClient
from apps.integrations.git import GitRemote
from apps.integrations.http import Endpoint
from apps.sources.clients import SourceNotConfigured, secret_read
from apps.sources.fleetfile.runbooks import GitPlace, HttpPlace, RunbookSource
from apps.sources.fleetfile.schema import FleetFile
from apps.sources.fleetfile.secrets import Secret

LARGEST_FILE = 512 * 1024


def runbook_source(fleet: FleetFile, key: str) -> RunbookSource:
    """The source of "runbooks/<name>". Raises SourceNotConfigured."""
    found = next((source for source in fleet.runbooks if key == f"runbooks/{source.name}"), None)
    if found is None:
        raise SourceNotConfigured(f"{key} is not in the fleet file")
    return found


def git_remote(key: str, source: RunbookSource, place: GitPlace) -> GitRemote:
    """The branch of a source that is a Git repository."""
    return GitRemote(
        source=key,
        url=place.url,
        branch=place.branch,
        username=place.username,
        token=_asked(key, place.token),
        ssh_key=_asked(key, place.ssh_key),
        known_hosts=str(place.known_hosts or ""),
        ca=str(source.ca) if source.ca else None,
        proxy=source.proxy,
    )


def file_client(key: str, source: RunbookSource, place: HttpPlace) -> FileClient:
    """A client of a source that is a web server, to be closed by who asked."""
    token = _asked(key, place.token)
    return FileClient(
        Endpoint(
            source=key,
            url=place.base,
            headers=lambda: {"Authorization": f"Bearer {token()}"} if token else {},
            ca=str(source.ca) if source.ca else None,
            proxy=source.proxy,
            deadline=min(10.0, source.deadline.total_seconds()),
            body_cap=LARGEST_FILE,
        )
    )


def _asked(key: str, secret: Secret | None) -> Callable[[], str] | None:
    return None if secret is None else partial(secret_read, key, secret)
