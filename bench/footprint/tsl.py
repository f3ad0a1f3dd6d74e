"""What readings take on disk on the Timescale edition, which runs here as PGlite: one session in WebAssembly.

SEGS keeps grid.reading as rows there too. What columnstore would make of the same rows is measured on a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg

from bench.environment import Environment
from bench.figures import Sample
from bench.footprint.disk import StoredError, scalar, sizes
from bench.footprint.measured import Readings, days_ago
from tests.support import pglite
from tests.support.cluster import prepare

AT_ONCE = 1000
"""Rows a statement: what goes over PGlite's socket in one message must stay below 64 KiB."""
REGISTER = """
    insert into grid.meter (tenant_id, region_id, code, installed_at)
    select tenant_id, min(region_id), 'D' || lpad(n::text, 7, '0'), '2006-01-01Z'
    from grid.region cross join generate_series(1, %s::int) as n
    where tenant_id = (select min(tenant_id) from grid.region)
    group by tenant_id, n
    order by n
    returning meter_id
"""
INSERT = """
    insert into grid.reading (ts, meter_id, energy, voltage, current)
    select %s::timestamptz, r.* from unnest(%s::int[], %s::bigint[], %s::real[], %s::real[]) as r
"""
COPIES: Mapping[str, str] = {
    "columnstore, chunks of a day": "1 day",
    "columnstore, chunks of a week": "7 days",
}
COPY = """
    create table public.bench_copy
        (like grid.reading including defaults including constraints including indexes);
    select public.create_hypertable(
        'public.bench_copy', 'ts', chunk_time_interval => interval '{chunk}', create_default_indexes => false
    );
    insert into public.bench_copy select * from grid.reading;
    alter table public.bench_copy set (
        timescaledb.compress, timescaledb.compress_segmentby = 'meter_id', timescaledb.compress_orderby = 'ts'
    );
    select public.compress_chunk(c) from public.show_chunks('public.bench_copy') as c;
"""
COMPRESSED = """
    select sum(before_compression_total_bytes)::bigint, sum(after_compression_total_bytes)::bigint
    from public.hypertable_compression_stats('public.bench_copy')
"""
MATERIALISED = """
    select format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
    from timescaledb_information.continuous_aggregates
    where view_schema = 'rollup' and view_name = 'aggregate_{name}'
"""


class Timescale:
    """SEGS on the Timescale edition. Each round on a new copy of the deployed database."""

    def __init__(self, environment: Environment, readings: Readings) -> None:
        self.environment = environment
        self.readings = readings
        folder = environment.folder("pglite-template")
        self.template = pglite.deployed(environment.runtime, folder, prepare)

    def measure(self) -> Sample:
        folder = self.environment.folder("pglite")
        shutil.rmtree(folder)
        server = pglite.copy_of(self.environment.runtime, self.template, folder)
        server.up()
        try:
            with server.connect() as connection:
                return self._measure(connection)
        finally:
            server.stop()

    def _measure(self, connection: psycopg.Connection[Any]) -> Sample:
        count, first = len(self.readings), days_ago(self.readings.days + 1)
        keys = [int(row[0]) for row in connection.execute(REGISTER, (self.readings.meters,))]
        for rows in self.readings.since(first):
            for begin in range(0, len(rows), AT_ONCE):
                part = rows[begin : begin + AT_ONCE]
                _, meters, *columns = zip(*part, strict=True)
                arrays = [
                    "{" + ",".join(map(str, each)) + "}" for each in ([keys[m] for m in meters], *columns)
                ]
                connection.execute(INSERT, (part[0][0], *arrays))
        if (stored := scalar(connection, "select count(*) from grid.reading")) != count:
            raise StoredError(f"{count} readings were sent, {stored} are there")
        found = {f"{what}.bytes": size / count for what, size in sizes(connection, "grid.reading").items()}
        found["a reading.bytes"] = sum(found.values())
        until = first + timedelta(days=self.readings.days, minutes=5)
        connection.execute("call rollup.refresh(%s, 'infinity')", (until,))
        for name in ("1m", "15m", "1h"):
            table = scalar(connection, MATERIALISED.format(name=name))
            total = sum(sizes(connection, table).values())
            found[f"a bucket of {name}.bytes"] = total / scalar(connection, f"select count(*) from {table}")
            found[f"rollup {name}, a reading.bytes"] = total / count
        for name, chunk in COPIES.items():
            connection.execute(COPY.format(chunk=chunk).encode())
            row = connection.execute(COMPRESSED).fetchone()
            assert row is not None
            found[f"{name}, a reading.bytes"] = row[1] / count
            found[f"{name}, of rows.share"] = row[1] / row[0]
            connection.execute("drop table public.bench_copy")
        return found
