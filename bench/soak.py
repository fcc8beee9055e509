"""Memory over many rounds and many views: it must not go on growing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from statistics import linear_regression

from bench.servers import Portal, pss_megabytes
from bench.viewers import signed_in, watch

READS = re.compile(r"^portal_source_reads_total\{.*\} ([\d.e+]+)$", re.MULTILINE)
STEP_SECONDS = 10.0
WARM_UP_SECONDS = 420.0
"""Until every Argo CD was listed anew once (five minutes after the first time), and what is kept of pages is full."""


@dataclass
class Soak:
    """Megabytes by the moment, with what had been done by then."""

    megabytes: list[float] = field(default_factory=list)
    rounds: float = 0.0
    views: int = 0

    @property
    def growth(self) -> float:
        """Of the line that fits the samples best, from its beginning to its end, as a share. Raises StatisticsError
        where there are not two."""
        slope, at_first = linear_regression(range(len(self.megabytes)), self.megabytes)
        return slope * (len(self.megabytes) - 1) / at_first


def rounds_done(url: str) -> float:
    """Rounds of collectors since the portal started, told by its own figures."""
    return sum(float(count) for count in READS.findall(signed_in(url).get(f"{url}metrics").text))


def soaked(
    portal: Portal, pages: dict[str, str], *, rounds: int, views: int, viewers: int, most_seconds: float
) -> Soak:
    """Watches pages until there were so many rounds and views after the warm-up, or the time is over."""
    watch(portal.url, pages, viewers=viewers, seconds=WARM_UP_SECONDS)
    soak, began, at_first = Soak(), time.monotonic(), rounds_done(portal.url)
    while time.monotonic() - began < most_seconds and (soak.rounds < rounds or soak.views < views):
        soak.views += sum(map(len, watch(portal.url, pages, viewers=viewers, seconds=STEP_SECONDS).values()))
        soak.rounds = rounds_done(portal.url) - at_first
        soak.megabytes.append(pss_megabytes(portal.children()))
    return soak
