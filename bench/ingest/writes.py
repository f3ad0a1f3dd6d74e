"""Bare writes into the same hypertable that the ingest worker writes: the ceiling it is compared with.

COPY sends the very bytes that the worker would: binary rows of the same columns. The payload of every
statement is built before the clock starts, so that what is timed is the database and the wire. Every batch is
a transaction of its own, committed durably.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import psycopg

from bench.figures import Sample
from bench.ingest.rows import Clock, Row, batches, ticks_needed
from workers.ingest.rows import COLUMNS, as_rows, copy_data, pack_row

COPY = f"copy grid.reading ({COLUMNS}) from stdin (format binary)"
INSERT = f"""
    insert into grid.reading ({COLUMNS})
    select * from unnest(%s::timestamptz[], %s::int[], %s::bigint[], %s::real[], %s::real[])
    on conflict (meter_id, ts) do nothing
"""

Connection = psycopg.Connection[tuple[object, ...]]
Write = Callable[[Connection], None]


def copy_batch(rows: list[Row]) -> Write:
    payload = copy_data(as_rows(pack_row(m, round(ts.timestamp() * 1e6), e, v, c) for ts, m, e, v, c in rows))

    def write(connection: Connection) -> None:
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(payload)

    return write


def insert_batch(rows: list[Row]) -> Write:
    columns = ["{" + ",".join(map(str, column)) + "}" for column in zip(*rows, strict=True)]

    def write(connection: Connection) -> None:
        with connection.transaction():
            connection.execute(INSERT, columns)

    return write


def measure(
    url: str,
    make: Callable[[list[Row]], Write],
    *,
    meters: list[int],
    clock: Clock,
    rows: int,
    batch: int,
    connections: int = 1,
) -> Sample:
    """Write ``rows`` readings, ``batch`` a commit, over ``connections`` connections at once."""
    first: datetime = clock.take(ticks_needed(rows, len(meters)))
    writes = [make(part) for part in batches(meters, first, rows // batch, batch)]
    opened = [psycopg.connect(url, autocommit=True) for _ in range(connections)]
    try:
        started = threading.Barrier(connections + 1)
        failures: list[Exception] = []

        def run(number: int) -> None:
            started.wait()
            try:
                for write in writes[number::connections]:
                    write(opened[number])
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(connections)]
        for thread in threads:
            thread.start()
        started.wait()
        before = time.perf_counter()
        for thread in threads:
            thread.join()
        elapsed = time.perf_counter() - before
        if failures:
            raise failures[0]
        return {"rows_s": len(writes) * batch / elapsed}
    finally:
        for connection in opened:
            connection.close()
