"""How all sources stand, in brief and in full."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.sources.standing import standing_now
from tests.rows import down, never, source_row, stale


@pytest.mark.django_db
def test_a_brief_standing_says_the_same_in_three_queries() -> None:
    source_row("argocd/production", latency=2.5)
    stale(source_row("alertmanager/appsre/0"))
    down(source_row("alertmanager/appsre/1"))
    never(source_row("prometheus/appsre"))
    source_row("kubernetes/gone", is_archived=True)
    full = standing_now()
    with CaptureQueriesContext(connection) as queries:
        brief = standing_now(is_brief=True)
        told = (brief.digest, brief.valid_until, brief.fresh_count, brief.total_count)
        assert brief.oldest_fresh_age is not None
    assert len(queries) == 3
    assert told == (full.digest, full.valid_until, full.fresh_count, full.total_count)
