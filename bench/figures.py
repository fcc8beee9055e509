"""A figure has a value, a unit and sometimes a goal; all together are one table and one JSON file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value. `goal` is the largest value that is good; None: only told."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether it is good; None without a goal."""
        return None if self.goal is None else self.value <= self.goal

    def cells(self) -> tuple[str, str, str, str]:
        """As a row of the table."""
        goal = "" if self.goal is None else f"≤ {self.goal:g} {self.unit}"
        met = {None: "", True: "met", False: "NOT MET"}[self.is_met]
        return (self.name, f"{self.value:,.{2 if abs(self.value) < 10 else 0}f} {self.unit}", goal, met)


@dataclass
class Figures:
    """All that a run measured, in order."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, goal: float | None = None) -> None:
        """Keeps one, and prints it at once, so that a long run shows its way."""
        figure = Figure(name, value, unit, goal)
        self.figures.append(figure)
        print("  ", *figure.cells(), flush=True)

    def table(self) -> str:
        """figure, value, goal, met or not."""
        rows = [("figure", "value", "goal", "met"), *(figure.cells() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

    def write(self) -> None:
        """Writes {figure: {value, unit, goal, met}} to the file named by BENCH_JSON, if it is named."""
        if path := os.environ.get("BENCH_JSON"):
            told = {f.name: {"value": f.value, "unit": f.unit, "goal": f.goal, "met": f.is_met} for f in self.figures}
            Path(path).write_text(json.dumps(told, indent=1))


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
