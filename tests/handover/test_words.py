"""A handover's facts as Markdown."""

from __future__ import annotations

import html
from datetime import datetime, timedelta

import pytest

from apps.core.markdown import markdown_safe
from apps.handover.facts import facts_of
from apps.handover.values import Deed, Gap, Hold, Known, Lost
from apps.handover.words import code, markdown_of, md, moment_words, span_words
from apps.timeline.steps import Window
from tests.handover.shift import SHIFT, at, facts, said, trouble
from tests.pages import HOSTILE, TAGS

LATER = at("20:03")
KNOWN = Known(
    troubles=[
        trouble(None, kind="cluster", subject="m01", title="m01", tone="critical", words="lost: connection refused"),
        trouble(at("09:10"), subject="appsre/slo", title="ErrorRate", tone="critical", words="SLO alert"),
        *(trouble(at("10:00"), subject=f"appsre/{each}") for each in range(3)),
        trouble(
            at("10:00", day=22), kind="application", subject="p/argocd/build", title="build", words="Degraded: x_y"
        ),
        *(
            trouble(at("11:00"), kind="application", subject=f"p/argocd/{each}", title=each, words="Missing")
            for each in "abcde"
        ),
        trouble(at("12:00"), at("12:30"), subject="appsre/over", title="Over", place=""),
        *(trouble(at(f"{hour}:00"), at(f"{hour}:02"), subject="appsre/f", title="Flaps") for hour in range(13, 16)),
        trouble(None, at("09:00"), kind="application", subject="p/argocd/old", title="old", words=""),
    ],
    acknowledged=[said("remy", at("09:20"), "on it", subject="appsre/slo", title="ErrorRate", until=at("22:00"))],
    notes=[
        said("zoe", at("09:30"), "see ITN-2026-00031\nand *that*", subject="appsre/slo", title="ErrorRate"),
        said("zoe", at("12:40"), "was a deploy", subject="appsre/over", title="Over", place=""),
    ],
    deeds=[
        Deed(
            at=at("12:10"),
            by="remy",
            what="Resync: build",
            tone="well",
            outcome="succeeded",
            place="m01",
            reason="drift",
            ticket="ITN-2026-00031",
            approver="zoe",
        ),
        Deed(at=at("09:00"), by="cara", what='Silence: alertname="X" on appsre', tone="held", outcome="made elsewhere"),
    ],
    holds=[
        Hold(
            kind="freeze", what="cluster m01", by="zoe", began_at=at("09:00"), ends_at=at("08:00", day=25), reason="r"
        ),
        Hold(kind="silence", what='alertname="X"', by="cara", began_at=at("09:00"), ends_at=at("21:30")),
    ],
    lost=[Lost(cluster="m01", seconds=2820, unknown=180), Lost(cluster="m02"), Lost(cluster="m03")],
    gaps=[
        Gap(names=("Argo CD p", "m01"), words="not read", began_at=at("15:00"), ended_at=at("15:30")),
        Gap(names=("Prometheus x",), words="could not be read", began_at=SHIFT.start, ended_at=SHIFT.end),
    ],
    quiet=2,
    unseen=[("m01", 14)],
)
TEXT = """\
## Handover: 24 Nov 2026, 08:00 to 20:00 UTC

11 open at the end, 9 of them new. 11 began, 3 ended. All times are UTC; as known at 20:03 on 24 Nov.

## Open at the end

### m01

- critical · cluster `m01` · lost: connection refused · since before 08:00
- critical · `ErrorRate` · SLO alert · since 09:10, new
  - acknowledged by remy until 22:00: on it
  - note of zoe, 09:30: see ITN-2026-00031 and \\*that\\*
- warning · `PodNotReady` × 3 · severity high · since 10:00, new
- warning · `a`, `b`, `c` and 2 more applications · Missing · since 11:00, new
- warning · application `build` · Degraded: x_y · since 22 Nov, 10:00

Besides: applications not known: 14 on m01; 2 alerts silenced, inhibited or muted.

## Freezes and silences in force

- silence · `alertname="X"` · by cara until 21:30
- freeze · `cluster m01` · by zoe until 25 Nov, 08:00 · r

## Ended

### m01

- warning · `Flaps` · severity high · 13:00 to 15:02, 3 times
- warning · application `old` · before 08:00 to 09:00

### No cluster

- warning · `Over` · severity high · 12:00 to 12:30 (30 m)

## Who did what

- 09:00 · cara · Silence: alertname="X" on appsre · made elsewhere
- 12:10 · remy · Resync: build on m01 · succeeded · reason: drift · ticket: ITN-2026-00031 · approved by zoe

## Notes and acknowledgements of other things

- `Over` · note of zoe, 12:40: was a deploy

## Time lost

For how long each cluster was critical:

- m01: 47 m, and 3 m not known

None at the 2 other clusters.

## Not known

- Prometheus x: could not be read in all of this time
- Argo CD p, m01: not read 15:00 to 15:30 (30 m)
"""
NOTHING = """\
## Handover: 24 Nov 2026, 08:00 to 20:00 UTC

Nothing is open. Nothing began, nothing ended. All times are UTC; as known at 20:00 on 24 Nov.

## Still open

Nothing is open.

## Freezes and silences in force

There are none.

## Ended

Nothing ended.

## Who did what

Nobody did anything from this portal.

## Notes and acknowledgements of other things

There are none.

## Time lost

None: no cluster was critical in this time.

## Not known

Nothing: every source was read all the time.
"""


def test_the_whole_of_a_small_one() -> None:
    assert markdown_of(facts_of(SHIFT, LATER, KNOWN)) == TEXT


def test_what_there_is_nothing_of_is_said_in_words() -> None:
    assert markdown_of(facts(lost=[Lost(cluster="m01"), Lost(cluster="m02")])) == NOTHING


def test_nothing_is_not_said_to_be_open_where_not_all_of_it_is_known() -> None:
    away = Gap(names=("Argo CD p",), words="not read", began_at=at("15:00"), ended_at=at("15:30"))
    assert "Nothing that is known is open." in markdown_of(facts(gaps=[away]))


def test_what_does_not_fit_is_counted() -> None:
    many = [trouble(at("09:00"), subject=f"a/{each}", title=f"A{each}", tone="critical") for each in range(80)]
    deeds = [Deed(at=at("09:00"), by="remy", what=f"Resync: {each}", tone="well") for each in range(70)]
    text = markdown_of(facts(troubles=many, deeds=deeds))
    assert "And 20 more: 20 critical." in text
    assert "10 earlier ones are left out here." in text
    assert text.count("- critical") == 60


@pytest.mark.parametrize("text", [HOSTILE, "# head", "[a](javascript:x)", "`x` **y** _z_ ~~w~~", "&lt;b&gt;", "a\\*b*"])
def test_text_of_others_is_shown_as_it_is_and_obeyed_nowhere(text: str) -> None:
    told = facts(
        troubles=[trouble(at("09:00"), title=text, words=text)],
        notes=[said("remy", at("10:00"), text)],
        deeds=[Deed(at=at("09:00"), by=text, what=text, tone="well", reason=text)],
    )
    lines = [line for line in markdown_of(told).splitlines() if line.startswith(("- warning", "  - note", "- 09:00"))]
    shown = [words_of(line) for line in lines]
    plain = " ".join(text.split())
    assert shown == [
        f"warning · {plain} · {plain} · since 09:00, new",
        f"note of remy, 10:00: {plain}",
        f"09:00 · {plain} · {plain} · reason: {plain}",
    ]


def words_of(line: str) -> str:
    """What the line shows, when it is markup."""
    return html.unescape(TAGS.sub("", str(markdown_safe(line.strip())))).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain_name with_underscores", "plain_name with_underscores"),
        (
            "_emphasis_ *and* [link](x) <b> `code` ~~gone~~",
            "\\_emphasis\\_ \\*and\\* \\[link\\](x) \\<b\\> \\`code\\` \\~\\~gone\\~\\~",
        ),
        ("a & b &amp; &#35;", "a & b \\&amp; \\&#35;"),
        ("two\nlines\t and\r\n more", "two lines and more"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_marks_of_markdown_are_escaped_where_they_would_count(text: str, expected: str) -> None:
    assert md(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a``b`", "``` a``b` ```")]
)
def test_a_name_is_code_whatever_is_in_it(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("moment", "window", "expected"),
    [
        (at("08:00"), SHIFT, "08:00"),
        (at("07:59"), SHIFT, "24 Nov, 07:59"),
        (at("23:00"), SHIFT, "23:00"),
        (at("01:00", day=25), SHIFT, "25 Nov, 01:00"),
        (at("09:00"), Window(at("20:00", day=23), at("12:00")), "09:00"),
        (at("21:00", day=23), Window(at("20:00", day=23), at("12:00")), "21:00"),
        (at("09:00"), Window(at("08:00", day=20), at("20:00")), "24 Nov, 09:00"),
        (at("09:00") - timedelta(days=365), SHIFT, "24 Nov 2025, 09:00"),
    ],
)
def test_a_moment_has_its_day_where_the_time_alone_would_not_tell(
    moment: datetime, window: Window, expected: str
) -> None:
    assert moment_words(moment, window) == expected


def test_a_span_over_midnight_tells_both_days() -> None:
    assert span_words(Window(at("20:00", day=23), at("08:00"))) == "23 Nov 2026, 20:00 to 24 Nov, 08:00 UTC"


def test_clusters_of_which_as_much_is_not_known_are_one_line() -> None:
    told = facts(
        lost=[
            Lost(cluster="a", seconds=60),
            Lost(cluster="b", seconds=60),
            *(Lost(cluster=f"c{each}", unknown=43_000 + each) for each in range(8)),
            Lost(cluster="d", unknown=120),
        ]
    )
    lines = markdown_of(told).partition("## Time lost")[2].partition("## Not known")[0]
    assert [line for line in lines.splitlines() if line.startswith("-")] == [
        "- a: 1 m",
        "- b: 1 m",
        "- c7, c6, c5, c4, c3 and 3 more: 11 h 56 m not known",
        "- d: 2 m not known",
    ]
