"""``python -m bench.tables [RESULT.json]``: writes the tables of docs/explanation/performance.md.

They come from figures.json beside it, one run of the whole suite: every round of every figure, to four
digits. With a result that a run has kept, that run becomes it first. A table of the page stands between
``<!-- table: NAME -->`` and ``<!-- end -->``; a test fails while the page does not say what the figures say.
A cell is the median of the rounds, with minimum and maximum where there is room.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import number, within_rounds
from stack.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "explanation" / "performance.md"
RUN = CHECKOUT / "docs" / "explanation" / "performance" / "figures.json"
TABLE = re.compile(r"(<!-- table: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Rows = Iterator[Sequence[str]]


@dataclass(frozen=True)
class Run:
    """The figures of a run, all parts'."""

    document: dict[str, Any]

    def rounds(self, name: str) -> list[float]:
        """Every round's value. Raises ``KeyError`` for what was not measured."""
        for part in self.document["parts"].values():
            if name in part:
                values: list[float] = part[name]
                return values
        raise KeyError(name)

    def median(self, name: str) -> float:
        return statistics.median(self.rounds(name))

    def one(self, name: str) -> str:
        return number(self.median(name))

    def spread(self, name: str, scale: float = 1) -> str:
        values = [value / scale for value in self.rounds(name)]
        return _spread(self.median(name) / scale, values)

    def ratio(self, above: str, below: str) -> float:
        """Median over median."""
        return self.median(above) / self.median(below)

    def ratio_spread(self, above: str, below: str) -> str:
        """The same, with the least and the greatest ratio within a round."""
        return _spread(self.ratio(above, below), within_rounds(self.rounds(above), self.rounds(below)))


def _spread(middle: float, values: list[float]) -> str:
    return f"{number(middle)} ({number(min(values))}-{number(max(values))})"


# what was wanted


def targets(run: Run) -> Rows:
    yield "", "wanted", "measured", ""
    segs, one = "segs, 500 a request.rows_s", "segs, 1 a request.requests_s"
    noop = "noop handler, 1 a request.requests_s"
    ratios = [
        ("ingest, 500 a request, x InfluxDB 1.6", segs, "influxdb, 500 a request.rows_s", 1.0),
        ("ingest, 500 a request, x bare COPY", segs, "copy, one commit.rows_s", 0.5),
        ("ingest, 1 a request, x a handler that does nothing (two processes, and one)", one, noop, 0.7),
    ]
    for label, above, below, least in ratios:
        met = run.ratio(above, below) >= least
        yield label, f"at least {least}", run.ratio_spread(above, below), _verdict(met)
    yield _bound(run, "ingest, 1 a request: p99, ms", "segs, 1 a request.p99.ms", 50)
    yield (
        "ingest, 1 a request, where doing nothing reaches 20,000/s",
        "10,000/s",
        f"{run.spread(one)} where it reaches {run.spread(noop)}",
        _verdict(run.median(one) >= min(10_000, run.median(noop) / 2)),
    )
    yield _bound(run, "fan-out, 1,000 clients, 50 events/s: p99, ms", "segs, steady.p99.ms", 50)
    delivered = ("segs, flood, one a commit.delivered.events_s", "nchan, flood.delivered.events_s")
    yield (
        "fan-out, delivered a second, x nchan (one event a commit)",
        "at least 0.7",
        run.ratio_spread(*delivered),
        _verdict(run.ratio(*delivered) >= 0.7),
    )
    for name in API:
        label = f"API, {name}: p95 at 16 connections, ms"
        kept = f"; its kept answer {run.one(f'{name}, kept, 16.p95.ms')}"
        yield _bound(run, label, f"{name}, rest, 16.p95.ms", 20, kept)
    yield _bound(run, "closing 1,000,000 meters, s", "close 1,000,000 meters.ms", 5, scale=1000)
    yield _bound(run, "closing 100,000 meters, s", "close 100,000 meters.ms", 0.6, scale=1000)
    late = ("1 late, 30 days stored.refresh.ms", "1 late, 1 day stored.refresh.ms")
    yield (
        "one late reading, 30 days stored x 1 day",
        "under 1.2",
        run.ratio_spread(*late),
        _verdict(run.ratio(*late) < 1.2),
    )


def _bound(run: Run, label: str, figure: str, most: float, more: str = "", scale: float = 1) -> Sequence[str]:
    met = run.median(figure) / scale < most
    return label, f"under {most:g}", run.spread(figure, scale) + more, _verdict(met)


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"


# ingest


def ingest_500(run: Run) -> Rows:
    yield "500 readings a request or commit", "readings/s", "p99, ms", "CPU a reading, µs (all servers)"
    for label, name in (
        ("bare COPY, 200,000 a commit", "copy, one commit"),
        ("bare COPY, 500 a commit, 1 connection", "copy, 500 a commit, 1 connection"),
        ("the same, 2 connections", "copy, 500 a commit, 2 connections"),
        ("**SEGS**", "segs, 500 a request"),
        ("SEGS through nginx", "segs through nginx, 500 a request"),
        ("SEGS, one ingest process", "segs in one process, 500 a request"),
        ("InfluxDB 1.6", "influxdb, 500 a request"),
        ("VictoriaMetrics", "victoria-metrics, 500 a request"),
        ("INSERT ... ON CONFLICT, 500 a commit, 2 connections", "insert, 500 a commit, 2 connections"),
        ("the same, 1 connection", "insert, 500 a commit, 1 connection"),
        ("PostgREST, an RPC that inserts", "postgrest rpc, 500 a request"),
    ):
        bare = name.startswith(("copy", "insert"))
        asked = ("", "") if bare else (run.one(f"{name}.p99.ms"), run.one(f"{name}.all servers cpu.us"))
        yield label, run.spread(f"{name}.rows_s"), *asked


def ingest_1(run: Run) -> Rows:
    yield (
        "one reading a request, 256 connections", "requests/s", "p50, ms", "p99, ms",
        "CPU a request, µs (all servers)",
    )  # fmt: skip
    for label, name in (
        ("aiohttp handler that does nothing, one process", "noop handler"),
        ("the same, two processes", "noop handler in two processes"),
        ("**SEGS**", "segs"),
        ("SEGS through nginx", "segs through nginx"),
        ("SEGS, one ingest process", "segs in one process"),
        ("InfluxDB 1.6", "influxdb"),
        ("VictoriaMetrics", "victoria-metrics"),
        ("PostgREST, an RPC that inserts", "postgrest rpc"),
    ):
        figure = f"{name}, 1 a request"
        times = [run.one(f"{figure}.{which}") for which in ("p50.ms", "p99.ms", "all servers cpu.us")]
        yield label, run.spread(f"{figure}.requests_s"), *times
    for label, name in (
        ("COPY of one row a commit, 1 connection", "copy"),
        ("INSERT ... ON CONFLICT of one row a commit, 1 connection", "insert"),
    ):
        yield label, run.spread(f"{name}, 1 a commit, 1 connection.rows_s"), "", "", ""


# fan-out


def fanout(run: Run) -> Rows:
    yield "", "SEGS", "nchan"
    steady, many = "1,000 clients, 50 events/s", "5,000 clients, 5 events/s"
    for label, figure in (
        (f"{steady}: p50, ms", "steady.p50.ms"),
        (f"{steady}: p99, ms", "steady.p99.ms"),
        (f"{steady}: max, ms", "steady.max.ms"),
        ("CPU a delivery, µs", "steady.{} cpu a delivery.us"),
        ("memory a client, KiB", "steady.memory a client.KiB"),
        ("CPU a delivery of the clients' process, µs", "steady.client cpu a delivery.us"),
        (f"{many}: p50, ms", "steady, many clients.p50.ms"),
        (f"{many}: p99, ms", "steady, many clients.p99.ms"),
        ("flood, delivered/s: 100 events a commit", "flood.delivered.events_s"),
    ):
        ours, theirs = figure.format("relay"), figure.format("nchan")
        yield label, run.spread(f"segs, {ours}"), run.spread(f"nchan, {theirs}")
    yield "flood, delivered/s: one a commit", run.spread("segs, flood, one a commit.delivered.events_s"), ""


# API

API = (
    "latest reading", "day at 15 m", "day at 15 m, operator", "month by day", "current tariff",
    "open alerts, operator", "open alerts, consumer", "bill estimate", "running bill",
)  # fmt: skip


def api(run: Run) -> Rows:
    yield (
        "request", "REST, 1 connection", "**16**", "kept answer, 16", "64", "PostgREST alone, 16",
        "pgbench with PostgREST's transaction, 16", "bare query, 16",
    )  # fmt: skip
    for name in API:
        yield (
            name,
            run.one(f"{name}, rest, 1.p95.ms"),
            f"**{run.spread(f'{name}, rest, 16.p95.ms')}**",
            *(
                run.one(f"{name}, {how}.p95.ms")
                for how in ("kept, 16", "rest, 64", "postgrest, 16", "pgbench, 16", "bare query, 16")
            ),
        )


# windows and rollups


def windows(run: Run) -> Rows:
    yield "", "ms"
    for meters in ("10,000", "100,000", "1,000,000"):
        yield f"closing a window of {meters} meters", run.spread(f"close {meters} meters.ms")
    for meters in ("10,000", "1,000,000"):
        figure = f"close {meters} meters.one late restated.ms"
        yield f"restating it for one late reading, {meters} meters", run.spread(figure)
    outage = "outage of 100,000 meters"
    yield (
        "raising alerts for 100,000 meters silent at once; counting them again",
        f"{run.spread(f'{outage}.raise.ms')}; {run.spread(f'{outage}.repeat.ms')}",
    )
    yield (
        "rolling up 300,000 new readings of 100,000 meters to 1m, 15m, 1h",
        f"{run.spread('roll up 100,000 meters.ms')}: {run.one('roll up 100,000 meters.a reading.us')}"
        " µs a reading",
    )


# footprint


def bytes_of_a_reading(run: Run) -> Rows:
    yield "bytes", "Apache edition", "Timescale edition"

    def both(figure: Callable[[str], str]) -> tuple[str, str]:
        return figure("segs, apache"), figure("segs, timescale")

    def reading(edition: str) -> str:
        parts = [f"{edition}.{part}.bytes" for part in ("rows", "btree (meter_id, ts)", "brin (ts)")]
        whole = run.median(f"{edition}.a reading.bytes")
        return f"{' + '.join(run.one(part) for part in parts)} = **{number(whole)}**"

    def buckets(edition: str) -> str:
        return " / ".join(run.one(f"{edition}.a bucket of {width}.bytes") for width in ("1m", "15m", "1h"))

    def whole(edition: str) -> str:
        rollups = [f"{edition}.rollup {width}, a reading.bytes" for width in ("1m", "15m", "1h")]
        return number(run.median(f"{edition}.a reading.bytes") + sum(map(run.median, rollups)))

    yield "a reading: rows, unique index, BRIN", *both(reading)
    columns = (
        f"segs, timescale.columnstore, chunks of a {each}, a reading.bytes" for each in ("day", "week")
    )
    yield (
        "a reading in columnstore, chunks of a day / a week (on a copy: SEGS does not use it for readings)",
        "",
        " / ".join(run.one(figure) for figure in columns),
    )
    yield "a bucket of a rollup, 1m / 15m / 1h", *both(buckets)
    yield "a reading and its three rollups, when it is the only one of its quarter of an hour", *both(whole)
    log = (f"segs, apache.log written for {what}, a reading.bytes" for what in ("readings", "rollups"))
    yield "WAL: a reading / its rollups", " / ".join(run.one(figure) for figure in log), ""
    yield "InfluxDB 1.6, a reading", run.one("influxdb.a reading.bytes"), ""
    yield "VictoriaMetrics, a reading", run.one("victoria-metrics.a reading.bytes"), ""


# the page

TABLES: dict[str, Callable[[Run], Rows]] = {
    "targets": targets,
    "ingest-500": ingest_500,
    "ingest-1": ingest_1,
    "fanout": fanout,
    "api": api,
    "windows": windows,
    "bytes": bytes_of_a_reading,
}


def table(rows: Rows) -> str:
    """Markdown, the first row the heading."""
    lines = ["|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in rows]
    return "\n".join([lines[0], "|---" * (lines[0].count("|") - 1) + "|", *lines[1:]]) + "\n"


def written(page: str, run: Run) -> str:
    """The page with its tables as the run says. Raises ``KeyError`` for an unknown table or figure."""
    return TABLE.sub(lambda found: found[1] + table(TABLES[found[2]](run)) + found[3], page)


def compact(result: dict[str, Any]) -> dict[str, Any]:
    """What a run has kept, as it is kept here: its facts, and the rounds of each figure to four digits."""
    facts = {name: value for name, value in result.items() if name != "parts"}
    parts = {
        name: {
            figure: [_short(value) for value in each["rounds"]] for figure, each in part["figures"].items()
        }
        for name, part in result["parts"].items()
    }
    return {**facts, "parts": parts}


def _short(value: float) -> float:
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short


def dump(document: dict[str, Any]) -> str:
    """One line a figure."""
    text = json.dumps(document, indent=1)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tables", description=__doc__)
    parser.add_argument("result", type=Path, nargs="?", help="what a run of the whole suite has kept")
    options = parser.parse_args()
    if options.result:
        RUN.write_text(
            dump(compact(json.loads(options.result.read_text(encoding="utf-8")))), encoding="utf-8"
        )
    run = Run(json.loads(RUN.read_text(encoding="utf-8")))
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")


if __name__ == "__main__":
    main()
