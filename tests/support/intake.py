"""Readings as the ingest worker stores them: COPY for what is surely new, INSERT for what may not be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from workers.ingest.rows import COLUMNS, as_rows, copy_data, pack_row
from workers.ingest.statements import COPY

Reading = tuple[datetime, int, int]
"""When, which meter (internal key), how many mWh."""
INSERT = (
    "insert into grid.reading (ts, meter_id, energy)"
    " select * from unnest(%s::timestamptz[], %s::integer[], %s::bigint[]) on conflict do nothing"
)
# TimescaleDB 2.23 and later log nothing when COPY writes into a table that has a trigger with a transition
# table. PGlite's 2.23.0-dev still does: what it logged is taken away, so that nothing can rely on it.
FORGET = "delete from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log"


class Intake:
    """Stores readings through a connection.

    ``data``: the data folder of a PGlite, which cannot be sent a COPY and reads a file there instead.
    """

    def __init__(self, connection: psycopg.Connection[Any], data: Path | None = None) -> None:
        self.connection = connection
        self.data = data
        self.newest: dict[int, datetime] = {}

    def store(self, readings: list[Reading]) -> None:
        """In one transaction, each reading once: by COPY what is newer than its meter's newest."""
        epoch = datetime.min.replace(tzinfo=UTC)
        once = {(meter, ts): energy for ts, meter, energy in reversed(readings)}
        new = {key: energy for key, energy in once.items() if key[1] > self.newest.get(key[0], epoch)}
        for meter, ts in new:
            self.newest[meter] = max(ts, self.newest.get(meter, epoch))
        with self.connection.transaction():
            self._copy([(ts, meter, energy) for (meter, ts), energy in sorted(new.items())])
            old = [
                (ts, meter, energy) for (meter, ts), energy in sorted(once.items()) if (meter, ts) not in new
            ]
            if old:
                self.connection.execute(INSERT, [list(column) for column in zip(*old, strict=True)])
        if self.data:
            self.connection.execute(FORGET)

    def _copy(self, readings: list[Reading]) -> None:
        if not readings:
            return
        data = copy_data(
            as_rows(
                pack_row(meter, round(ts.timestamp() * 1_000_000), energy, None, None)
                for ts, meter, energy in readings
            )
        )
        if self.data is None:
            with self.connection.cursor().copy(COPY) as copy:
                copy.write(data)
            return
        (self.data / "readings.copy").write_bytes(data)
        folder = self.connection.execute("show data_directory").fetchone()
        assert folder
        self.connection.execute(
            f"copy grid.reading ({COLUMNS}) from '{folder[0]}/readings.copy' (format binary)".encode()
        )
