"""``python -m bench.plots RESULTS.json``: draws a run's figures as docs/performance/*.svg.

One function a plot, which takes the figures of a run (name to median) and draws on the axes it is given. It
raises ``KeyError`` where the run did not measure what it shows; the plot is then left as it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stack.paths import CHECKOUT

FOLDER = CHECKOUT / "docs" / "performance"

Figures = dict[str, float]
"""Median by figure, as ``close 10,000 meters.ms``."""


def ingest_500(figures: Figures, axes: Axes) -> None:
    """Readings a second, 500 a request or a commit."""
    _rates(
        figures, axes, {name: f"{name}.rows_s" for name in _measures(figures, ".rows_s") if "500 a" in name}
    )
    axes.set(title="Readings stored, 500 a request or a commit", xlabel="readings a second")


def ingest_1(figures: Figures, axes: Axes) -> None:
    """Requests a second, one reading each."""
    names = [name for name in _measures(figures, ".requests_s") if name.endswith(", 1 a request")]
    _rates(figures, axes, {name: f"{name}.requests_s" for name in names})
    axes.set(title="Readings stored, one a request", xlabel="requests a second")


def ingest_cost(figures: Figures, axes: Axes) -> None:
    """Processor time of a reading, by service."""
    names = [name for name in _measures(figures, ".all servers cpu.us") if name.endswith(", 500 a request")]
    left = dict.fromkeys(names, 0.0)
    for service in ("ingest", "postgres", "redis", "postgrest", "influxdb", "victoria-metrics"):
        spent = {name: figures.get(f"{name}.{service} cpu.us", 0.0) for name in names}
        if any(spent.values()):
            axes.barh(list(names), list(spent.values()), left=[left[name] for name in names], label=service)
            left = {name: left[name] + spent[name] for name in names}
    axes.invert_yaxis()
    axes.set(title="Processor time of a reading, 500 a request", xlabel="microseconds")


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


def late_refresh(figures: Figures, axes: Axes) -> None:
    """Refreshing the rollups after late readings, by what is stored."""
    _late(figures, axes, "refresh")
    axes.set_title("Refreshing the rollups after late readings")


def late_restate(figures: Figures, axes: Axes) -> None:
    """Restating loads after late readings, by what is stored."""
    _late(figures, axes, "restate")
    axes.set_title("Restating the loads that late readings changed")


def _late(figures: Figures, axes: Axes, what: str) -> None:
    lines: dict[str, dict[int, float]] = {}
    for name, value in figures.items():
        measure, _, figure = name.partition(".")
        if " late, " in measure and figure == f"{what}.ms":
            count, _, stored = measure.partition(" late, ")
            lines.setdefault(stored, {})[int(count.replace(",", ""))] = value
    if not lines:
        raise KeyError(what)
    for (stored, points), style in zip(lines.items(), ("o-", "s--", "^:"), strict=False):
        axes.loglog(list(points), list(points.values()), style, label=stored)
    axes.set(xlabel="late readings", ylabel="milliseconds")


def fanout_latency(figures: Figures, axes: Axes) -> None:
    """From just before the commit (or, for nchan, the publish request) until a client hears of it."""
    groups = {"1,000 clients, 50 events/s": "steady", "5,000 clients, 5 events/s": "steady, many clients"}
    shares = ("p50", "p99", "max")
    labels = []
    for place, (group, measure) in enumerate(groups.items()):
        if f"segs, {measure}.p50.ms" not in figures and place:  # only where the machine allows so many
            continue
        labels += [f"{share}\n{group}" if share == "p99" else share for share in shares]
        for shift, (who, color) in enumerate((("segs", "C0"), ("nchan", "C1"))):
            delays = [figures[f"{who}, {measure}.{share}.ms"] for share in shares]
            at = [place * 4 + n + 0.38 * (shift - 0.5) for n in range(len(shares))]
            label = {"segs": "SEGS, from the commit", "nchan": "nchan, from the request"}[who]
            bars = axes.bar(at, delays, 0.36, color=color, label=None if place else label)
            axes.bar_label(bars, fmt="{:,.0f}", fontsize=8)
    axes.plot([0.55, 1.45], [50, 50], color="gray", linestyle="--", label="wanted: below")
    axes.set_xticks([n + n // 3 for n in range(len(labels))], labels)
    axes.set(title="From an event to its clients", ylabel="milliseconds")


def fanout_throughput(figures: Figures, axes: Axes) -> None:
    """Events delivered a second when they are published without a pause."""
    bars = {
        "SEGS, 100 a commit": "segs, flood",
        "SEGS, 1 a commit": "segs, flood, one a commit",
        "nchan": "nchan, flood",
    }
    for label, measure in bars.items():
        axes.bar_label(axes.bar(label, figures[f"{measure}.delivered.events_s"], 0.6), fmt="{:,.0f}")
    axes.set(title="Events delivered to 1,000 clients", ylabel="a second")


def bytes_of_a_reading(figures: Figures, axes: Axes) -> None:
    """What a reading takes on disk, by where it is stored."""
    stores = {
        "SEGS\nrows": "segs, apache.a reading.bytes",
        "SEGS, rows\nand rollups": "segs, apache.a reading with its rollups.bytes",
        "columnstore\nby day": "segs, timescale.columnstore, chunks of a day, a reading.bytes",
        "columnstore\nby week": "segs, timescale.columnstore, chunks of a week, a reading.bytes",
        "InfluxDB\n1.6": "influxdb.a reading.bytes",
        "Victoria-\nMetrics": "victoria-metrics.a reading.bytes",
    }
    bars = axes.bar(list(stores), [figures[name] for name in stores.values()], 0.6, label="measured")
    axes.bar_label(bars, fmt="{:,.0f}")
    axes.tick_params(axis="x", labelsize=8)
    axes.set(title="A reading on disk (every 15 minutes, measured households)", ylabel="bytes")


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
    ("ingest", ingest_1),
    ("ingest", ingest_cost),
    ("windows", windows_close),
    ("windows", late_refresh),
    ("windows", late_restate),
    ("fanout", fanout_latency),
    ("fanout", fanout_throughput),
    ("footprint", bytes_of_a_reading),
    ("api", api_latency),
)
"""Every plot, and the part of the suite whose figures it takes."""


def draw(run: dict[str, object], folder: Path) -> list[Path]:
    """Draw what the run has figures for; the files written."""
    mpl.rcParams["svg.hashsalt"] = "segs"  # the same figures make the same file
    mpl.rcParams["svg.fonttype"] = "none"
    parts = run["parts"]
    assert isinstance(parts, dict)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for part, plot in PLOTS:
        if part not in parts:
            continue
        figures = {name: each["median"] for name, each in parts[part]["figures"].items()}
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axes = figure.add_subplot()
        try:
            plot(figures, axes)
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
    parser = argparse.ArgumentParser(prog="python -m bench.plots", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="what runs of the suite kept (JSON)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the plots go")
    options = parser.parse_args()
    for results in options.results:
        for path in draw(json.loads(results.read_text(encoding="utf-8")), options.folder):
            print(path)


if __name__ == "__main__":
    main()
