"""Topics: a page's version rises when, and only when, something that it shows has changed."""

import pytest

from apps.core.topics import raise_topics, version_of

pytestmark = pytest.mark.database


@pytest.mark.django_db
def test_a_version_rises_with_each_of_its_topics_and_no_other() -> None:
    before = version_of(["apps", "cluster:a"])
    raise_topics(["apps", "apps"])
    assert version_of(["apps", "cluster:a"]) == before + 1
    raise_topics(["cluster:a", "alerts"])
    assert version_of(["apps", "cluster:a"]) == before + 2
    raise_topics([])
    assert version_of(["apps", "cluster:a"]) == before + 2
