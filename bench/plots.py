"""``python -m bench.plots``: draws the plots of docs/explanation/performance.md (see bench.tables).

One function a plot, which takes the figures of a run (name to median) and draws on the axes it is given. It
raises ``KeyError`` where the run did not measure what it shows; the plot is then left as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.tables import RUN, Run

Figures = dict[str, float]
"""Median by figure, as ``close 10,000 meters.ms``."""


def ingest_500(figures: Figures, axes: Axes) -> None:
    """Readings a second, 500 a request or a commit."""
    _rates(
        figures, axes, {name: f"{name}.rows_s" for name in _measures(figures, ".rows_s") if "500 a" in name}
    )
    axes.set(title="Readings stored, 500 a request or a commit", xlabel="readings a second")


def _measures(figures: Figures, unit: str) -> list[str]:
    names = [name.removesuffix(unit) for name in figures if name.endswith(unit)]
    if not names:
        raise KeyError(unit)
    return names


def _rates(figures: Figures, axes: Axes, names: dict[str, str]) -> None:
    colors = ["tab:blue" if name.startswith("segs") else "tab:gray" for name in names]
    bars = axes.barh(list(names), [figures[figure] for figure in names.values()], color=colors)
    axes.bar_label(bars, fmt="{:,.0f}", fontsize=8)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)


def windows_close(figures: Figures, axes: Axes) -> None:
    """Closing a window, by meters, and restating it; beside it what the project wants."""
    points = {
        int(name.split()[1].replace(",", "")): value / 1000
        for name, value in figures.items()
        if name.startswith("close ") and name.endswith(" meters.ms")
    }
    if not points:
        raise KeyError("close")
    axes.loglog(list(points), list(points.values()), marker="o", label="closing")
    late = {size: figures[f"close {size:,} meters.one late restated.ms"] / 1000 for size in points}
    axes.loglog(list(late), list(late.values()), marker="s", label="restating for one late reading")
    axes.loglog([100_000, 1_000_000], [0.6, 5.0], "v", color="gray", label="wanted: below")
    axes.set(title="Closing a window, three readings a meter", xlabel="meters", ylabel="seconds")


def api_latency(figures: Figures, axes: Axes) -> None:
    """95 of 100 answers come within: over REST by connections, as measured, beside pgbench at 16."""
    names = [name.removesuffix(", rest, 16.p95.ms") for name in figures if name.endswith(", rest, 16.p95.ms")]
    if not names:
        raise KeyError("rest, 16")
    series = {
        "REST, 1 connection": ("rest, 1", "v"),
        "REST, 16": ("rest, 16", "o"),
        "REST, 64": ("rest, 64", "^"),
        "kept answers, 16": ("kept, 16", "|"),
        "pgbench, 16": ("pgbench, 16", "x"),
    }
    for label, (how, mark) in series.items():
        if f"{names[0]}, {how}.p95.ms" in figures:
            values = [figures[f"{name}, {how}.p95.ms"] for name in names]
            axes.plot(values, range(len(names)), mark, label=label, markersize=9 if mark in "o|" else 6)
    axes.axvline(20, color="gray", linestyle="--", label="wanted at 16: below")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(title="Requests of the API, p95", xlabel="milliseconds", xscale="log")


PLOTS: tuple[tuple[str, Callable[[Figures, Axes], None]], ...] = (
    ("ingest", ingest_500),
    ("windows", windows_close),
    ("api", api_latency),
)
"""Every plot, and the part of the suite whose figures it takes."""


def draw(run: Run, folder: Path) -> list[Path]:
    """Draw what the run has figures for; the files written."""
    mpl.rcParams["svg.hashsalt"] = "segs"  # the same figures make the same file
    mpl.rcParams["svg.fonttype"] = "none"
    parts = run.document["parts"]
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for part, plot in PLOTS:
        if part not in parts:
            continue
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axes = figure.add_subplot()
        try:
            plot({name: run.median(name) for name in parts[part]}, axes)
        except KeyError:
            continue
        axes.grid(visible=True, which="major", alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=3, fontsize=9, frameon=False)
        path = folder / f"{plot.__name__.replace('_', '-')}.svg"
        figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written


def main() -> None:
    for path in draw(Run(json.loads(RUN.read_text(encoding="utf-8"))), RUN.parent):
        print(path)


if __name__ == "__main__":
    main()
