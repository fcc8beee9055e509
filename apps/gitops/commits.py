"""Who made the commits that Applications run, when and why: each is read once, by its resolved name, and kept.

The answer takes a repo-server, so that only what somebody looks at is asked for, a few at a time, and what could not
be read is not asked for again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from apps.core.clock import database_now
from apps.core.connections import connection_let_go
from apps.core.errors import UpstreamError, UpstreamUnavailable
from apps.core.text import clean, clean_all
from apps.core.topics import raise_topics
from apps.integrations.argocd import ArgoCDClient, RevisionMetadata

from .models import Application, Commit

TOPIC = "commits"
COMMIT_LENGTHS = (40, 64)
LONGEST_MESSAGE = 1000
MOST_TAGS = 20
MOST_TRIES = 8
FIRST_WAIT = timedelta(minutes=10)
LONGEST_WAIT = timedelta(days=1)


def commit_key(repo_url: str, revision: str) -> str:
    """Under which a commit is kept."""
    return sha256(f"{repo_url}\n{revision}".encode()).hexdigest()


def commits_of(pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Commit]:
    """(repository, revision) → its commit, of those that were read. One query."""
    keys = {commit_key(*pair) for pair in pairs}
    found = Commit.objects.filter(key__in=keys, read_at__isnull=False)
    return {(commit.repo_url, commit.revision): commit for commit in found}


def commits_want(wanted: Iterable[tuple[Application, str]]) -> None:
    """Asks for the commits of these revisions, each by way of an Application that runs it; first comes first."""
    now = database_now()
    rows: dict[str, Commit] = {}
    for application, revision in wanted:
        key = commit_key(application.repo_url, revision)
        if key not in rows and len(revision) in COMMIT_LENGTHS:
            rows[key] = Commit(
                key=key, repo_url=application.repo_url, revision=revision, through=application, wanted_at=now
            )
    known = Commit.objects.filter(key__in=rows).exclude(through=None, read_at=None)
    for key in known.values_list("key", flat=True):
        del rows[key]
    if rows:
        Commit.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["through", "wanted_at"],
        )


def commits_tried_since(*, instance: str, moment: datetime) -> int:
    """How many were asked of an instance since then."""
    return Commit.objects.filter(through__instance=instance, tried_at__gt=moment).count()


def commits_read(*, client: ArgoCDClient, instance: str, most: int) -> int:
    """Reads the next commits that are wanted, at most so many; returns how many were asked for.

    What was wanted last comes first. When the server itself fails, the rest waits for the next round.
    """
    now = database_now()
    due = Q(retry_at=None) | Q(retry_at__lte=now)
    wanted = Commit.objects.filter(due, read_at=None, tries__lt=MOST_TRIES, through__instance=instance)
    asked = read = 0
    for commit in wanted.select_related("through").order_by("-wanted_at", "pk")[: max(0, most)]:
        connection_let_go()
        asked += 1
        try:
            _keep(commit, _read(client, commit))
            read += 1
        except UpstreamError as error:
            _put_off(commit, error)
            if isinstance(error, UpstreamUnavailable):
                break
    if read:
        with transaction.atomic():
            raise_topics([TOPIC])
    return asked


def _read(client: ArgoCDClient, commit: Commit) -> RevisionMetadata:
    """Asks for it by way of its Application, which the query has joined."""
    row = commit.through or Application()
    return client.revision_metadata(row.name, commit.revision, namespace=row.namespace, project=row.project)


def _keep(commit: Commit, told: RevisionMetadata) -> None:
    now = database_now()
    Commit.objects.filter(pk=commit.pk).update(
        author=clean(told.author, 200),
        date=told.date,
        message=clean(told.message, LONGEST_MESSAGE),
        tags=clean_all(told.tags[:MOST_TAGS], 200),
        read_at=now,
        tried_at=now,
        error="",
    )


def _put_off(commit: Commit, error: UpstreamError) -> None:
    """Each failure doubles the time until it is asked for again; a permanent one waits the longest."""
    now, tries = database_now(), commit.tries + 1
    wait = LONGEST_WAIT if error.permanent else min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT)
    Commit.objects.filter(pk=commit.pk).update(
        tried_at=now, retry_at=now + wait, tries=tries, error=clean(error.message, 500)
    )
