"""The matcher language against real Alertmanagers: the same alerts or the same refusal for each filter of a corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from apps.core.matchers import MatcherSyntaxError, are_met, line_read, matcher_read
from tests.alerts.matcher_corpus import (
    ALERTS,
    CLASSIC_FILTERS,
    LINES,
    NEWER_FILTERS,
    REFUSED,
    UTF8_ALERTS,
    Labels,
    alerts_post,
    labels_answered,
    numbers,
)
from tests.contract import o11y
from tests.servers import alertmanager

CONFIG = "route: {receiver: default}\nreceivers: [{name: default}]\n"
TABLE = Path(__file__).parent / "matchers_0.28.1.json"
REAL_FILTERS = (
    'severity="critical"',
    "severity!=critical",
    'source_cluster=~"stone-.*"',
    "slo=true",
    "slo!=true",
    'source_cluster!~".*m01"',
    "alertname=~(?i).*error.*",
    "namespace=",
    "namespace!=",
    'component=~"(a|b|c).*"',
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Alertmanager 0.25, which holds the corpus' alerts."""
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIG) as url:
        alerts_post(url, ALERTS)
        yield url


def found(filters: Sequence[str], alerts: Sequence[Labels]) -> list[Labels] | None:
    """The alerts that the portal finds with these filters, each a matcher; None where it refuses one."""
    try:
        matchers = [matcher_read(each) for each in filters]
    except MatcherSyntaxError:
        return None
    return [labels for labels in alerts if are_met(matchers, labels)]


def test_the_corpus_is_large_and_has_both_kinds() -> None:
    answers = [found([each], ALERTS) for each in CLASSIC_FILTERS]
    assert len(set(CLASSIC_FILTERS)) == len(CLASSIC_FILTERS) >= 60
    assert sum(answer is None for answer in answers) >= 30
    assert sum(bool(answer) and len(answer or ()) < len(ALERTS) for answer in answers) >= 60


def test_each_filter_alone_is_what_it_is_to_a_real_server(server: str) -> None:
    theirs = {each: numbers(labels_answered(server, [each])) for each in CLASSIC_FILTERS}
    ours = {each: numbers(found([each], ALERTS)) for each in CLASSIC_FILTERS}
    assert {each: (ours[each], theirs[each]) for each in theirs if ours[each] != theirs[each]} == {}


@pytest.mark.parametrize(("line", "singles"), LINES)
def test_a_line_is_what_its_matchers_are_to_a_real_server(server: str, line: str, singles: tuple[str, ...]) -> None:
    read = line_read(line)
    assert read.faults == ()
    assert read.matchers == tuple(map(matcher_read, singles))
    ours = [labels for labels in ALERTS if are_met(read.matchers, labels)]
    assert numbers(ours) == numbers(labels_answered(server, singles))


@pytest.mark.parametrize("line", [line for line, _ in LINES])
def test_a_line_written_out_is_the_same_to_a_real_server(server: str, line: str) -> None:
    matchers = line_read(line).matchers
    assert line_read(", ".join(map(str, matchers))).matchers == matchers
    ours = [labels for labels in ALERTS if are_met(matchers, labels)]
    assert numbers(ours) == numbers(labels_answered(server, [str(matcher) for matcher in matchers]))


def test_real_alerts_are_the_same_to_a_real_server(tmp_path: Path) -> None:
    alerts = [dict(alert["labels"]) for alert in o11y.alerts()]
    values = {f'{name}="{value}"' for labels in alerts for name, value in labels.items()}
    with alertmanager(tmp_path, CONFIG) as url:
        alerts_post(url, [dict(kept) for kept in {tuple(sorted(labels.items())) for labels in alerts}])
        for each in (*REAL_FILTERS, *sorted(values)[::5]):
            theirs = labels_answered(url, [each])
            ours = found([each], alerts)
            assert theirs is not None
            assert ours is not None
            assert distinct(ours) == distinct(theirs), each


def distinct(alerts: Sequence[Labels]) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(sorted(labels.items())) for labels in alerts}


@pytest.mark.parametrize("each", [*CLASSIC_FILTERS, *NEWER_FILTERS])
def test_each_filter_is_what_a_newer_server_answered(each: str) -> None:
    theirs = json.loads(TABLE.read_text())
    assert numbers(found([each], [*ALERTS, *UTF8_ALERTS])) == theirs[each]


def test_the_table_of_the_newer_server_is_of_this_corpus() -> None:
    theirs = json.loads(TABLE.read_text())
    assert set(theirs) == {*CLASSIC_FILTERS, *NEWER_FILTERS}
    assert sum(answer == REFUSED for answer in theirs.values()) >= 40
