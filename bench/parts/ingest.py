"""Ingest: readings over HTTP, beside what the same machine does bare, and beside what others would pick.

Every HTTP figure comes from wrk, which replays requests written down before: what it costs is printed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from bench import wrk
from bench.environment import Environment
from bench.figures import Sample
from bench.ingest import peers, writes
from bench.ingest.rows import Clock, Row, batches, ticks_needed
from bench.part import Measure, Part, Ratio, Target
from bench.resources import cost_of

METERS = 10_000
CONNECTIONS = {1: 256, 500: 16}


@dataclass(frozen=True)
class Scale:
    """Counts of one round."""

    seconds: int
    copy_rows: int
    commits_of_one: int
    requests: Mapping[int, int]
    """Requests a second to have ready, by size: more than anybody answers whose count is checked. For the
    others wrk begins again, and they are sent some readings twice."""


FULL = Scale(5, 200_000, 2_000, {1: 40_000, 500: 1_200})
QUICK = Scale(1, 5_000, 100, {1: 40_000, 500: 1_500})


class Ingest:
    """Sends the same readings, each once, to one taker after the other."""

    def __init__(self, environment: Environment, scale: Scale) -> None:
        self.environment = environment
        self.scale = scale
        self.meters = environment.register("M", METERS)
        self.codes = list(self.meters)
        self.clock = Clock.before_now(hours=30)
        self.file = environment.folder("requests") / "requests"

    def load(self, taker: peers.Taker, size: int) -> Sample:
        """Send for a second, then for as long as is measured; every reading answered for must be there."""
        self.vacuum()
        before = taker.stored()
        self._write(taker, size, 1)
        warm = self._send(taker, size, 1)
        self._write(taker, size, self.scale.seconds)
        pids = {name: pid for name, pid in self.environment.pids().items() if name in taker.servers}
        with self.environment.watch(), cost_of(pids) as cost:
            load = self._send(taker, size, self.scale.seconds)
        after = taker.stored()
        if before is not None and after is not None:
            # what was under way when wrk's time was up may be stored too, unseen by it
            answered, underway = (warm.sent + load.sent) * size, 2 * CONNECTIONS[size] * size
            if not answered <= after - before <= answered + underway:
                raise wrk.LoadError(
                    f"{taker.name}: {answered} readings answered for, {after - before} stored"
                )
        return {"rows_s": load.rate * size, **load.figures(), **cost.merged().each(load.sent * size)}

    def bare(self, make: Callable[[list[Row]], writes.Write], **how: int) -> Sample:
        """Write straight into the database."""
        self.vacuum()
        return writes.measure(
            self.environment.database_url, make, meters=list(self.meters.values()), clock=self.clock, **how
        )

    def vacuum(self) -> None:
        """As autovacuum would within a minute, and then in the middle of a measure."""
        with self.environment.connect() as connection:
            connection.execute("vacuum (analyze) grid.reading")

    def _write(self, taker: peers.Taker, size: int, seconds: int) -> None:
        rows = self._rows(size, self.scale.requests[size] * seconds)
        wrk.write_requests(self.file, taker.requests(rows, self.codes))

    def _send(self, taker: peers.Taker, size: int, seconds: int) -> wrk.Load:
        return wrk.run(
            self.environment.runtime, taker.url, self.file,
            connections=CONNECTIONS[size], seconds=seconds, again=taker.stored() is None,
        )  # fmt: skip

    def _rows(self, size: int, requests: int) -> Iterable[list[Row]]:
        first = self.clock.take(ticks_needed(size * requests, METERS))
        return batches(range(METERS), first, requests, size)


def prepare(environment: Environment, quick: bool) -> Mapping[str, Measure]:
    scale = QUICK if quick else FULL
    ingest = Ingest(environment, scale)
    environment.start_redis()
    one, two = (peers.start_segs(environment, f"ingest of {count}", count) for count in (1, 2))
    idle_one, idle_two = (peers.start_noop(environment, f"noop of {count}", count) for count in (1, 2))
    rpc = peers.PostgrestRpc(environment)
    influx, victoria = peers.InfluxDB(environment), peers.VictoriaMetrics(environment)
    edge = two.through_nginx()
    bare = partial(ingest.bare, rows=scale.copy_rows)
    return {
        "copy, one commit": partial(bare, writes.copy_batch, batch=scale.copy_rows),
        "copy, 500 a commit, 1 connection": partial(bare, writes.copy_batch, batch=500),
        "copy, 500 a commit, 2 connections": partial(bare, writes.copy_batch, batch=500, connections=2),
        "insert, 500 a commit, 1 connection": partial(bare, writes.insert_batch, batch=500),
        "insert, 500 a commit, 2 connections": partial(bare, writes.insert_batch, batch=500, connections=2),
        "copy, 1 a commit, 1 connection": partial(
            bare, writes.copy_batch, batch=1, rows=scale.commits_of_one
        ),
        "insert, 1 a commit, 1 connection": partial(
            bare, writes.insert_batch, batch=1, rows=scale.commits_of_one
        ),
        "segs, 500 a request": partial(ingest.load, two, 500),
        "segs through nginx, 500 a request": partial(ingest.load, edge, 500),
        "segs in one process, 500 a request": partial(ingest.load, one, 500),
        "influxdb, 500 a request": partial(ingest.load, influx, 500),
        "victoria-metrics, 500 a request": partial(ingest.load, victoria, 500),
        "postgrest rpc, 500 a request": partial(ingest.load, rpc, 500),
        "noop handler, 1 a request": partial(ingest.load, idle_one, 1),
        "noop handler in two processes, 1 a request": partial(ingest.load, idle_two, 1),
        "segs, 1 a request": partial(ingest.load, two, 1),
        "segs through nginx, 1 a request": partial(ingest.load, edge, 1),
        "segs in one process, 1 a request": partial(ingest.load, one, 1),
        "influxdb, 1 a request": partial(ingest.load, influx, 1),
        "victoria-metrics, 1 a request": partial(ingest.load, victoria, 1),
        "postgrest rpc, 1 a request": partial(ingest.load, rpc, 1),
    }


PART = Part(
    name="ingest",
    about="readings stored a second (by two ingest processes), beside what others would pick",
    prepare=prepare,
    packages=peers.PACKAGES,
    order=1,
    ratios=(
        Ratio("segs, 500 a request.rows_s", "influxdb, 500 a request.rows_s", "at least 1.0"),
        Ratio("segs, 500 a request.rows_s", "copy, one commit.rows_s", "at least 0.5"),
        Ratio("segs, 500 a request.rows_s", "copy, 500 a commit, 1 connection.rows_s"),
        Ratio("segs, 500 a request.rows_s", "copy, 500 a commit, 2 connections.rows_s"),
        Ratio("segs, 500 a request.rows_s", "insert, 500 a commit, 2 connections.rows_s"),
        Ratio("segs, 500 a request.rows_s", "postgrest rpc, 500 a request.rows_s"),
        Ratio("segs, 500 a request.rows_s", "victoria-metrics, 500 a request.rows_s"),
        Ratio("segs, 1 a request.requests_s", "noop handler, 1 a request.requests_s", "at least 0.7"),
        Ratio("segs in one process, 1 a request.requests_s", "noop handler, 1 a request.requests_s"),
        Ratio("segs, 1 a request.requests_s", "noop handler in two processes, 1 a request.requests_s"),
        Ratio("segs, 1 a request.requests_s", "influxdb, 1 a request.requests_s"),
        Ratio("segs, 1 a request.requests_s", "victoria-metrics, 1 a request.requests_s"),
        Ratio("segs, 1 a request.requests_s", "postgrest rpc, 1 a request.requests_s"),
        Ratio("segs, 1 a request.rows_s", "copy, 1 a commit, 1 connection.rows_s"),
    ),
    targets=(Target("segs, 1 a request.p99.ms", "under 50"),),
)
