"""Memory over many rounds and many views: it must not go on growing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from bench.servers import Portal, pss_megabytes
from bench.viewers import signed_in, watch

READS = re.compile(r"^portal_source_reads_total\{.*\} ([\d.e+]+)$", re.MULTILINE)
STEP_SECONDS = 10.0
WARM_UP_SHARE = 0.3


@dataclass
class Soak:
    """Megabytes by the moment, with what had been done by then."""

    megabytes: list[float] = field(default_factory=list)
    rounds: float = 0.0
    views: int = 0

    @property
    def growth(self) -> float:
        """From the middle to the end of what came after the warm-up, as a share: a fifth of the samples around each."""
        kept = self.megabytes[int(len(self.megabytes) * WARM_UP_SHARE) :]
        fifth = max(1, len(kept) // 5)
        middle = kept[len(kept) // 2 - fifth // 2 :][:fifth]
        end = kept[-fifth:]
        return (sum(end) / len(end)) / (sum(middle) / len(middle)) - 1


def rounds_done(url: str) -> float:
    """Rounds of collectors since the portal started, told by its own figures."""
    return sum(float(count) for count in READS.findall(signed_in(url).get(f"{url}metrics").text))


def soaked(
    portal: Portal, pages: dict[str, str], *, rounds: int, views: int, viewers: int, most_seconds: float
) -> Soak:
    """Watches pages until there were so many rounds and views, or the time is over."""
    soak, began, at_first = Soak(), time.monotonic(), rounds_done(portal.url)
    while time.monotonic() - began < most_seconds and (soak.rounds < rounds or soak.views < views):
        if soak.views < views:
            soak.views += sum(map(len, watch(portal.url, pages, viewers=viewers, seconds=STEP_SECONDS).values()))
        else:
            time.sleep(STEP_SECONDS)
        soak.rounds = rounds_done(portal.url) - at_first
        soak.megabytes.append(pss_megabytes(portal.children()))
    return soak
