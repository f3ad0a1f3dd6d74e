"""What readings take on disk: in SEGS on both TimescaleDB editions, in InfluxDB and in VictoriaMetrics."""

from __future__ import annotations

import shutil
import time
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.environment import Environment
from bench.figures import Sample
from bench.footprint.measured import Readings, days_ago
from bench.ingest import peers
from bench.ingest.rows import Row
from bench.ingest.writes import copy_batch

SETTLED = 3.0
"""Seconds without a change after which a store is taken to have finished tidying up."""
DEADLINE = 90.0

SIZES = """
    with chunk as (
        select format('%%I.%%I', c.chunk_schema, c.chunk_name)::regclass as oid
        from timescaledb_information.chunks as c
        where format('%%I.%%I', c.hypertable_schema, c.hypertable_name) = %s
    )

    select 'rows', sum(pg_table_size(oid))::bigint from chunk
    union all
    select
        substring(pg_get_indexdef(i.indexrelid) from ' USING ([^)]*.)'),
        sum(pg_relation_size(i.indexrelid))::bigint
    from chunk inner join pg_index as i on i.indrelid = chunk.oid
    group by 1
"""
Connection = psycopg.Connection[tuple[Any, ...]]


class StoredError(RuntimeError):
    """Not every reading is there: a figure for each would mean nothing."""


def scalar(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def sizes(connection: Connection, hypertable: str) -> dict[str, int]:
    """Bytes of the chunks of a hypertable: its rows, and each index."""
    return {str(name): int(size or 0) for name, size in connection.execute(SIZES, (hypertable,))}


class Native:
    """SEGS on the Apache edition, as it runs here. Each round is a period of its own, after the last one."""

    STORES = ("1m", "15m", "1h")

    def __init__(self, environment: Environment, readings: Readings) -> None:
        self.environment = environment
        self.readings = readings
        self.meters = list(environment.register("D", readings.meters).values())
        self.next = days_ago(35)

    def measure(self) -> Sample:
        """Store a period, roll it up, and see by how much everything has grown."""
        first, self.next = self.next, self.next + timedelta(days=self.readings.days)
        tables = {"reading": "grid.reading", **{name: f"rollup.store_{name}" for name in self.STORES}}
        with self.environment.connect() as connection:
            before = {name: sizes(connection, table) for name, table in tables.items()}
            counts = {name: scalar(connection, f"select count(*) from {t}") for name, t in tables.items()}
            connection.execute("checkpoint")
            start = self._written(connection)
            self._copy(connection, self.readings.since(first))
            stored = self._written(connection)
            connection.execute("call rollup.refresh(%s, 'infinity')", (self.next + timedelta(minutes=5),))
            rolled = self._written(connection)
            grown = {
                name: {what: size - before[name].get(what, 0) for what, size in sizes(connection, t).items()}
                for name, t in tables.items()
            }
            new = {
                name: scalar(connection, f"select count(*) from {t}") - counts[name]
                for name, t in tables.items()
            }
        return self._figures(grown, new, {"readings": stored - start, "rollups": rolled - stored})

    def _copy(self, connection: Connection, ticks: Iterable[list[Row]]) -> None:
        for rows in ticks:
            copy_batch([(ts, self.meters[m], e, v, c) for ts, m, e, v, c in rows])(connection)

    @staticmethod
    def _written(connection: Connection) -> int:
        return int(scalar(connection, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def _figures(self, grown: dict[str, dict[str, int]], new: dict[str, int], wal: dict[str, int]) -> Sample:
        count = len(self.readings)
        if new["reading"] != count:
            raise StoredError(f"{count} readings were sent, {new['reading']} are there")
        found = {f"{what}.bytes": size / count for what, size in grown["reading"].items()}
        found["a reading.bytes"] = sum(grown["reading"].values()) / count
        for name in self.STORES:
            total = sum(grown[name].values())
            found[f"a bucket of {name}.bytes"] = total / new[name]
            found[f"rollup {name}, a reading.bytes"] = total / count
        found["a reading with its rollups.bytes"] = sum(sum(each.values()) for each in grown.values()) / count
        return {**found, **{f"log written for {what}, a reading.bytes": n / count for what, n in wal.items()}}


class Peer:
    """A time-series database, started again each round, measured when it has tidied up."""

    def __init__(self, environment: Environment, name: str, readings: Readings) -> None:
        self.environment = environment
        self.name = name
        self.readings = readings
        self.codes = [f"D{n + 1:07d}" for n in range(readings.meters)]

    def measure(self) -> Sample:
        folder = self.environment.folder(self.name)
        shutil.rmtree(folder)
        taker: peers.LineProtocol
        if self.name == "influxdb":  # it tidies up after minutes otherwise
            cold = 'cache-snapshot-write-cold-duration = "1s"\ncompact-full-write-cold-duration = "1s"'
            taker = peers.InfluxDB(self.environment, data=cold)
        else:
            taker = peers.VictoriaMetrics(self.environment)
        try:
            for rows in self.readings.since(days_ago(self.readings.days + 1)):
                post(f"{taker.url}/write?db=bench", taker.lines(rows, self.codes).encode())
            tidy = ("force_flush", "force_merge") if self.name == "victoria-metrics" else ()
            for step in tidy:
                post(f"{taker.url}/internal/{step}", b"")
            size = settled(folder)
            self._check(taker)
        finally:
            self.environment.stop(self.name)
        return {"a reading.bytes": size / len(self.readings)}

    def _check(self, taker: peers.LineProtocol) -> None:
        stored = taker.stored()
        if stored is None:  # VictoriaMetrics counts each of the three values
            lines = get(f"{taker.url}/metrics").splitlines()
            kept = [line for line in lines if line.startswith('vm_rows{type="storage/')]
            stored = sum(int(float(line.rsplit(" ", 1)[1])) for line in kept) // 3
        if stored != len(self.readings):
            raise StoredError(f"{self.name}: {len(self.readings)} readings were sent, {stored} are there")


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """One request that must succeed; its answer."""
    request = urllib.request.Request(url, body, dict(headers or {}), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def settled(folder: Path) -> int:
    """The size of what is stored, when it has stopped changing. Caches are no part of it."""
    size, since, deadline = -1, time.monotonic(), time.monotonic() + DEADLINE
    while time.monotonic() - since < SETTLED:
        if time.monotonic() > deadline:
            raise StoredError(f"{folder.name} still changes on disk after {DEADLINE:.0f} s")
        time.sleep(0.25)
        if (now := stored_in(folder)) != size:
            size, since = now, time.monotonic()
    return size


def stored_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            if "cache" not in path.relative_to(folder).parts[:1] and path.is_file():
                total += path.stat().st_blocks * 512  # some files are laid out far ahead, and empty
        except FileNotFoundError:
            continue
    return total
