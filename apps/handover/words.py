"""A handover's facts in words: pieces that the page and the Markdown share, and the Markdown itself.

Pure. Moments are in UTC. Text of others is one line, and none of it is obeyed as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from apps.core.ages import duration_words
from apps.core.text import clean, counted
from apps.timeline.figures import times_words
from apps.timeline.models import Kind
from apps.timeline.steps import Window

from .facts import grouped
from .values import Deed, Facts, Gap, Lost, Matter, Said

DAY = timedelta(hours=24)
LONGEST_WORDS = 200
PLACES_NAMED = 5
MARKS = re.compile(r"([\\`*\[\]<>~])|(?<![^\W_])(_)|(_)(?![^\W_])|&(?=[#\w]+;)")
NO_CLUSTER = "No cluster"


def span_words(window: Window) -> str:
    """ "24 Nov 2026, 08:00 to 20:00 UTC", with the second day where it is another one."""
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{day_of(end)}, {end:%H:%M}"
    return f"{day_of(start)} {start.year}, {start:%H:%M} to {until} UTC"


def day_of(moment: datetime) -> str:
    """ "24 Nov"."""
    return f"{moment.day} {moment:%b}"


def moment_words(moment: datetime, window: Window) -> str:
    """ "08:10" where the span has one such moment only, or on its last day; else with the day."""
    told = moment.astimezone(UTC)
    is_plain = window.length <= DAY and window.start <= moment <= window.end
    if is_plain or (moment > window.end and told.date() == window.end.astimezone(UTC).date()):
        return f"{told:%H:%M}"
    year = f" {told.year}" if told.year != window.end.year else ""
    return f"{day_of(told)}{year}, {told:%H:%M}"


def state_words(facts: Facts) -> str:
    """ "14 still open, 3 of them new. 12 began, 9 ended."."""
    still = f"{facts.open} {open_word(facts)}" if facts.open else nothing_open_words(facts)
    new = f", {facts.new} of them new" if facts.new else ""
    return f"{still}{new}. {facts.began or 'Nothing'} began, {facts.ended or 'nothing'} ended."


def nothing_open_words(facts: Facts) -> str:
    """ "Nothing is open", of what is known."""
    known = " that is known" if facts.gaps else ""
    return f"Nothing{known} {'is open' if facts.is_of_now else 'was open at the end'}"


def open_word(facts: Facts) -> str:
    """How one says that something is open when the span ends."""
    return "still open" if facts.is_of_now else "open at the end"


def names_words(matter: Matter) -> str:
    """ "KubePodNotReady × 3", "a, b, c and 37 more applications" (each name plain)."""
    return names_told(matter, [each or "without a name" for each in matter.titles])


def names_told(matter: Matter, names: Sequence[str]) -> str:
    """The names of a matter, of which there may be more than are named."""
    if matter.kind == Kind.ALERT:
        return names[0] + (f" × {matter.alike}" if matter.alike > 1 else "")
    left = matter.alike - len(names)
    more = f" and {counted(left, f'more {matter.kind}')}" if left > 0 else ""
    noun = "" if more else f"{matter.kind}{'s' if len(names) > 1 else ''} "
    return f"{noun}{', '.join(names)}{more}"


def when_words(matter: Matter, window: Window, *, is_open: bool) -> str:
    """ "since 03:10, new, 3 times", "03:10 to 03:40 (30 m)", "before 08:00 to 09:10"."""
    began = moment_words(matter.began_at, window) if matter.began_at else f"before {moment_words(window.start, window)}"
    times = [f"{times_words(matter.times)}{' each' if matter.alike > 1 else ''}"] if matter.times > 1 else []
    if is_open:
        ended = [f"ended at {moment_words(matter.ended_at, window)}"] if matter.ended_at else []
        return ", ".join([f"since {began}", *(["new"] if matter.is_new else []), *times, *ended])
    if matter.ended_at is None:
        return began
    is_one = matter.began_at and matter.times == 1 and matter.alike == 1
    lasted = f" ({duration_words(matter.ended_at - matter.began_at)})" if is_one and matter.began_at else ""
    return ", ".join([f"{began} to {moment_words(matter.ended_at, window)}{lasted}", *times])


def said_words(said: Said, window: Window) -> str:
    """ "acknowledged by remy until 21:00", "note of remy, 04:12" (without what was written)."""
    if said.until:
        return f"acknowledged by {said.by} until {moment_words(said.until, window)}"
    return f"note of {said.by}, {moment_words(said.at, window)}"


def lost_rows(facts: Facts) -> list[tuple[tuple[str, ...], str]]:
    """Clusters with how much time each lost, or of how much that is not known, which many of them can have alike."""
    alike: dict[tuple[int, str], list[str]] = {}
    for number, lost in enumerate(facts.lost):
        alike.setdefault((number if lost.seconds else -1, lost_words(lost)), []).append(lost.cluster)
    return [(tuple(clusters), words) for (_, words), clusters in alike.items()]


def lost_words(lost: Lost) -> str:
    """ "47 m, and 3 m not known"."""
    known = duration_words(timedelta(seconds=lost.seconds)) if lost.seconds else ""
    unknown = f"{duration_words(timedelta(seconds=lost.unknown))} not known" if lost.unknown else ""
    return ", and ".join(filter(None, (known, unknown)))


def listed(names: Sequence[str]) -> str:
    """ "a, b, c and 12 more"."""
    left = len(names) - PLACES_NAMED
    return ", ".join(names[:PLACES_NAMED]) + (f" and {left} more" if left > 0 else "")


def untouched_words(facts: Facts) -> str:
    """Of the clusters that lost no time."""
    if not facts.untouched:
        return "" if facts.lost else "There is no cluster."
    if not facts.lost:
        return f"None: {'no cluster was' if facts.untouched > 1 else 'the one cluster was not'} critical in this time."
    return f"None at the {'other cluster' if facts.untouched == 1 else f'{facts.untouched} other clusters'}."


def gap_words(gap: Gap, window: Window) -> str:
    """ "not read 03:10 to 03:40 (30 m)", "could not be read in all of it"."""
    if gap.began_at <= window.start and gap.ended_at >= window.end:
        return f"{gap.words} in all of this time"
    lasted = duration_words(gap.ended_at - gap.began_at)
    return f"{gap.words} {moment_words(gap.began_at, window)} to {moment_words(gap.ended_at, window)} ({lasted})"


def markdown_of(facts: Facts) -> str:
    """The facts as Markdown, the same for the same facts."""
    parts = (
        head_lines(facts),
        open_lines(facts),
        hold_lines(facts),
        ended_lines(facts),
        deed_lines(facts),
        note_lines(facts),
        lost_lines(facts),
        gap_lines(facts),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def head_lines(facts: Facts) -> list[str]:
    """Which span, as known when, and how much of everything."""
    known = facts.made_at.astimezone(UTC)
    return [
        f"## Handover: {span_words(facts.window)}",
        "",
        f"{state_words(facts)} All times are UTC; as known at {known:%H:%M} on {day_of(known)}.",
    ]


def open_lines(facts: Facts) -> list[str]:
    """What the next one must know first."""
    lines = [f"## {open_word(facts).capitalize()}", ""]
    if not facts.open_matters:
        lines += [f"{nothing_open_words(facts)}.", ""]
    for place, matters in grouped(facts.open_matters).items():
        lines += place_lines(place) + [line for each in matters for line in open_line(each, facts.window)] + [""]
    if facts.more_open:
        lines += [f"And {more_words(facts.more_open)}.", ""]
    if besides := besides_words(facts):
        lines.append(f"Besides: {md(besides)}.")
    return stripped(lines)


def besides_words(facts: Facts) -> str:
    """ "applications not known: 14 on m01; 2 alerts silenced, inhibited or muted"."""
    most_first = sorted(facts.unseen, key=lambda pair: (-pair[1], pair[0]))
    unseen = [f"{count} on {place or 'no cluster'}" for place, count in most_first[:PLACES_NAMED]]
    if left := most_first[PLACES_NAMED:]:
        unseen.append(f"{sum(count for _, count in left)} on {counted(len(left), 'more cluster')}")
    quiet = f"{counted(facts.quiet, 'alert')} silenced, inhibited or muted" if facts.quiet else ""
    return "; ".join(filter(None, (f"applications not known: {', '.join(unseen)}" if unseen else "", quiet)))


def place_lines(place: str) -> list[str]:
    """The head of a group."""
    return [f"### {md(place) or NO_CLUSTER}", ""]


def open_line(matter: Matter, window: Window) -> Iterator[str]:
    """A matter with what was said of it."""
    yield matter_line(matter, window, is_open=True)
    for said in [*([matter.acknowledged] if matter.acknowledged else []), *matter.notes]:
        yield f"  - {md(said_words(said, window))}{f': {md(said.text)}' if said.text else ''}"
    if matter.earlier_notes:
        yield f"  - {counted(matter.earlier_notes, 'earlier note')}"


def matter_line(matter: Matter, window: Window, *, is_open: bool) -> str:
    """ "- critical · `KonfluxAPIServerHighErrorRate` · SLO alert · since 03:10, new"."""
    names = names_told(matter, [code(each or "without a name") for each in matter.titles])
    when = when_words(matter, window, is_open=is_open)
    return f"- {' · '.join(filter(None, (matter.tone, names, md(matter.words), when)))}"


def ended_lines(facts: Facts) -> list[str]:
    """What is over."""
    lines = ["## Ended", ""]
    if not facts.ended_matters:
        lines.append("Nothing ended.")
    for place, matters in grouped(facts.ended_matters).items():
        lines += place_lines(place) + [matter_line(each, facts.window, is_open=False) for each in matters] + [""]
    if facts.more_ended:
        lines.append(f"And {facts.more_ended} more.")
    return stripped(lines)


def more_words(more: Iterable[tuple[str, int]]) -> str:
    """ "12 more: 2 critical, 10 warning"."""
    counts = list(more)
    return f"{sum(count for _, count in counts)} more: {', '.join(f'{count} {tone}' for tone, count in counts)}"


def hold_lines(facts: Facts) -> list[str]:
    """Freezes and silences in force at the end."""
    lines = ["## Freezes and silences in force", ""]
    if not facts.holds:
        lines.append("There are none." if facts.is_of_now else "There were none at the end.")
    for hold in facts.holds:
        reason = f" · {md(hold.reason)}" if hold.reason else ""
        until = moment_words(hold.ends_at, facts.window)
        lines.append(f"- {hold.kind} · {code(hold.what)} · by {md(hold.by)} until {until}{reason}")
    return [*lines, *more_line(facts.more_holds, "And {} more.")]


def deed_lines(facts: Facts) -> list[str]:
    """Who did what, in order."""
    lines = ["## Who did what", ""]
    if not facts.deeds:
        lines.append("Nobody did anything from this portal.")
    lines += more_line(facts.more_deeds, "{} earlier ones are left out here.")
    return lines + [deed_line(deed, facts.window) for deed in facts.deeds]


def deed_line(deed: Deed, window: Window) -> str:
    """ "- 10:20 · remy · Resync: `build-service` on stone-prd-m01 · succeeded · reason: … · ticket: …"."""
    place = f" on {md(deed.place)}" if deed.place else ""
    parts = (
        moment_words(deed.at, window),
        md(deed.by),
        f"{md(deed.what)}{place}",
        md(deed.outcome),
        f"reason: {md(deed.reason)}" if deed.reason else "",
        f"ticket: {md(deed.ticket)}" if deed.ticket else "",
        f"approved by {md(deed.approver)}" if deed.approver else "",
    )
    return f"- {' · '.join(filter(None, parts))}"


def note_lines(facts: Facts) -> list[str]:
    """What was written of things that are not open any more."""
    lines = ["## Notes and acknowledgements of other things", ""]
    if not facts.notes:
        lines.append("There are none.")
    lines += more_line(facts.more_notes, "{} earlier ones are left out here.")
    for said in facts.notes:
        place = f" on {md(said.place)}" if said.place and said.place != said.title else ""
        text = f": {md(said.text)}" if said.text else ""
        lines.append(f"- {code(said.title)}{place} · {md(said_words(said, facts.window))}{text}")
    return lines


def lost_lines(facts: Facts) -> list[str]:
    """Time lost, by cluster."""
    lines = ["## Time lost", ""]
    if facts.lost:
        lines += ["For how long each cluster was critical:", ""]
        lines += [f"- {md(listed(clusters))}: {words}" for clusters, words in lost_rows(facts)]
        lines += [*more_line(facts.more_lost, "- {} more clusters: some time, or not known"), ""]
    return stripped([*lines, untouched_words(facts)])


def gap_lines(facts: Facts) -> list[str]:
    """What could not be known."""
    lines = ["## Not known", ""]
    if not facts.gaps and not facts.cut:
        lines.append("Nothing: every source was read all the time.")
    lines += [f"- {md(listed(gap.names))}: {gap_words(gap, facts.window)}" for gap in facts.gaps]
    lines += more_line(facts.more_gaps, "And {} more times.")
    return [*lines, *(f"- {md(each)}" for each in facts.cut)]


def more_line(number: int, words: str) -> list[str]:
    """The words where there are more."""
    return [words.format(number)] if number else []


def stripped(lines: Sequence[str]) -> list[str]:
    """Without empty lines at the end."""
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def md(text: str) -> str:
    """Text of others on one line, in which nothing is obeyed as Markdown."""
    return MARKS.sub(lambda found: f"\\{found.group()}", one_line(text))


def code(text: str) -> str:
    """A name as Markdown's code, whatever is in it."""
    told = one_line(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", told)), default=0) + 1)
    pad = " " if told.startswith("`") or told.endswith("`") else ""
    return f"{fence}{pad}{told}{pad}{fence}"


def one_line(text: str) -> str:
    """Without line ends, and cut where it is long."""
    told = clean(" ".join(text.split()))
    return told if len(told) <= LONGEST_WORDS else f"{told[: LONGEST_WORDS - 1]}…"
