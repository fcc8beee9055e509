"""Reading Argo CD by the clock."""

from __future__ import annotations

from celery import shared_task

from apps.core.leases import lease_held
from apps.sources.reading import source_read

from .collecting import writing_lease
from .details import details_read
from .inventory import inventory_read
from .reading import applications_read

LEASE_SECONDS = 90.0


@shared_task(name="gitops.read_applications")
def read_applications(key: str) -> None:
    """Reads the Applications of "argocd/<instance>", unless follow holds the instance: it keeps the rows itself."""
    instance = key.partition("/")[2]
    with lease_held(name=writing_lease(instance), seconds=LEASE_SECONDS) as holder:
        if holder:
            source_read(key=key, read=applications_read)


@shared_task(name="gitops.read_inventory")
def read_inventory(key: str) -> None:
    """Reads clusters, projects, sets and version of "argocd-inventory/<instance>"."""
    source_read(key=key, read=inventory_read)


@shared_task(name="gitops.read_details")
def read_details() -> None:
    """Reads what is to be shown of a few Applications that somebody looks at or that are not well."""
    details_read()
