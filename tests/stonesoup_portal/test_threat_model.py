"""docs/threat-model.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_threat_of_the_table_names_tests_that_are_there() -> None:
    rows = [
        line for line in (ROOT / "docs" / "threat-model.md").read_text().splitlines() if re.match(r"\| [\da]", line)
    ]
    assert len(rows) >= 15
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", row.rsplit("|", 2)[1])
        assert named, row
        assert [name for name in named if not (ROOT / name).is_file()] == []
