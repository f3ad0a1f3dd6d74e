"""What a benchmark run found: one value a round for every figure, and how it is printed and kept."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Sample = dict[str, float]

UNITS = {"rows_s": "rows/s", "requests_s": "requests/s", "events_s": "events/s"}


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile; ``share`` above 0, up to 1."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def within_rounds(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """What one figure is over another in each round."""
    return [top / bottom for top, bottom in zip(above, below, strict=True) if bottom]


@dataclass
class Figures:
    """Values by figure name, in order. A name ends in its unit: ``copy.rows_s``, ``ws.p99.ms``."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, measure: str, sample: Sample) -> None:
        for name, value in sample.items():
            self.values.setdefault(f"{measure}.{name}", []).append(value)

    def median(self, name: str) -> float | None:
        return statistics.median(self.values[name]) if self.values.get(name) else None

    def lines(self) -> Iterable[str]:
        """The table: minimum, median and maximum of the rounds, and the spread between them."""
        yield f"{'figure':<60}{'min':>12}{'median':>12}{'max':>12}  {'unit':<11}spread"
        for name, values in self.values.items():
            low, middle, high = min(values), statistics.median(values), max(values)
            spread = f"{(high - low) / middle:.0%}" if middle else "-"
            label, _, unit = name.rpartition(".")
            yield (
                f"{label:<60}{number(low):>12}{number(middle):>12}{number(high):>12}"
                f"  {UNITS.get(unit, unit):<11}{spread}"
            )

    def ratio(self, above: str, below: str) -> float | None:
        """Median over median, if both were measured."""
        top, bottom = self.median(above), self.median(below)
        return round(top / bottom, 4) if top is not None and bottom else None

    def ratios(self, above: str, below: str) -> list[float]:
        """The ratio within each round."""
        return within_rounds(self.values[above], self.values[below])

    def document(self) -> dict[str, Any]:
        """As it is kept: every round, and what the table shows."""
        return {
            name: {
                "rounds": values,
                "min": min(values),
                "median": statistics.median(values),
                "max": max(values),
            }
            for name, values in self.values.items()
        }


def number(value: float) -> str:
    """Three significant digits where they matter, thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
