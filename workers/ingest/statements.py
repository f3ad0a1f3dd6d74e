"""Every SQL statement of the ingest worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg.errors import InsufficientPrivilege, UniqueViolation

from workers.db import Connection
from workers.ingest.exchange import copy_in_transaction, execute_binary
from workers.ingest.readings import Limits
from workers.ingest.rows import ARRAYS, COLUMNS, Mask, Rows, array_data, copy_data, read_key

__all__ = ["BatchRow", "QuarantineRow", "UniqueViolation"]

LIMITS = "select max_ahead, max_age, max_energy from ingest.limits"
TENANT_ID = "select ingest.tenant_id(%s)"
DEVICE = "select device_id::text, tenant, meter_codes from ingest.device(%s)"
RESOLVE_METERS = "select code, meter_id from ingest.resolve_meters(%s, %s)"
# Names the database for good, so that what Redis knows of another one is never mistaken for this one's.
IDENTITY = """
select format('%s-%s', (select system_identifier from pg_control_system()), oid)
from pg_database where datname = current_database()
"""
BEAT = "select ingest.beat('http')"
DATABASE_OID = "select oid::text from pg_database where datname = current_database()"
COPY = f"copy grid.reading ({COLUMNS}) from stdin (format binary)"
INSERT = f"""
insert into grid.reading ({COLUMNS})
select * from unnest($1, $2, $3, $4, $5)
on conflict do nothing
returning meter_id, ts
"""  # noqa: S608 - the column list is a constant
BATCH = """
insert into ingest.batch (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts) values
"""
QUARANTINE = """
insert into ingest.quarantine (tenant_id, source, code, message, reading)
select r.tenant_id, 'http', r.code, r.message, r.reading::jsonb
from unnest(%s::integer[], %s::text[], %s::text[], %s::text[]) as r (tenant_id, code, message, reading)
"""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row of ingest.batch."""

    tenant_id: int
    accepted: int
    duplicates: int
    rejected: int
    first_ts: int | None
    last_ts: int | None

    def values(self) -> str:
        """As SQL: numbers alone."""
        return (
            f"({self.tenant_id:d}, 'http', {self.accepted:d}, {self.duplicates:d}, {self.rejected:d},"
            f" {_instant(self.first_ts)}, {_instant(self.last_ts)})"
        )


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One row of ingest.quarantine; ``reading`` is JSON."""

    tenant_id: int
    code: str
    message: str
    reading: str


async def limits(connection: Connection) -> Limits:
    """The row of ingest.limits."""
    row = await (await connection.execute(LIMITS)).fetchone()
    if row is None:
        raise LookupError("ingest.limits has no row")
    return Limits(*row)


async def beat(connection: Connection) -> None:
    """Say that readings can be received."""
    await connection.execute(BEAT)


async def identity(connection: Connection) -> str:
    """A name of this database that no other has."""
    try:
        row = await (await connection.execute(IDENTITY)).fetchone()
    except InsufficientPrivilege:  # some managed services keep pg_control_system() to themselves
        row = await (await connection.execute(DATABASE_OID)).fetchone()
    return str(row[0]) if row else ""


async def tenant_id(connection: Connection, code: str) -> int | None:
    """The internal key of a tenant."""
    row = await (await connection.execute(TENANT_ID, (code,))).fetchone()
    return row[0] if row else None


async def device(connection: Connection, token_hash: bytes) -> tuple[str, str, list[str] | None] | None:
    """Id, tenant and meters (None: all) of the device with this token; None if there is none."""
    row = await (await connection.execute(DEVICE, (token_hash,))).fetchone()
    return None if row is None else (row[0], row[1], row[2])


async def resolve_meters(connection: Connection, tenant: str, codes: Sequence[str]) -> dict[str, int]:
    """Internal keys by code; unknown ones are absent."""
    cursor = await connection.execute(RESOLVE_METERS, (tenant, list(codes)))
    return dict(await cursor.fetchall())


def name_transaction(label: str) -> str:
    """Says whose transaction this is, until it ends. ``label`` holds nothing that needs quoting."""
    return f"set local application_name = '{label}'"


async def copy_batch(
    connection: Connection,
    label: str,
    rows: Rows,
    log: Iterable[BatchRow],
    committing: Callable[[], None],
) -> None:
    """A whole transaction: log the batch, store packed rows, commit.

    Raises :class:`UniqueViolation` if one of the rows is stored already; then, roll back.
    """
    before = f"{name_transaction(label)}; {_log(log)}"
    await copy_in_transaction(connection, before, COPY, copy_data(rows), committing)


async def copy_rows(connection: Connection, rows: Rows) -> None:
    """Store packed rows. Raises :class:`UniqueViolation` if one of them is stored already."""
    async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        await copy.write(copy_data(rows))


async def insert_rows(connection: Connection, rows: Rows) -> Mask:
    """Store the packed rows that are not stored yet; returns which of them were stored before.

    They must be in order of meter and time, so that two writers of the same rows wait for each other instead
    of deadlocking.
    """
    result = await execute_binary(connection, INSERT, array_data(rows), [kind.array for kind in ARRAYS])
    if result.ntuples == len(rows):
        return np.zeros(len(rows), dtype=np.bool_)
    value = result.get_value
    inserted = {read_key(value(row, 0) or b"", value(row, 1) or b"") for row in range(result.ntuples)}
    keys = zip(rows["meter_id"].tolist(), rows["ts"].tolist(), strict=True)
    return np.array([key not in inserted for key in keys], dtype=np.bool_)


async def log_batches(connection: Connection, rows: Iterable[BatchRow]) -> None:
    """Note what a write brought in."""
    await connection.execute(_log(rows).encode())


async def quarantine(connection: Connection, rows: Sequence[QuarantineRow]) -> None:
    """Keep refused readings for an operator."""
    columns: list[list[Any]] = [
        [row.tenant_id for row in rows],
        [row.code for row in rows],
        [row.message for row in rows],
        [row.reading for row in rows],
    ]
    await connection.execute(QUARANTINE, columns)


def _log(rows: Iterable[BatchRow]) -> str:
    return BATCH + ", ".join([row.values() for row in rows])


def _instant(ts: int | None) -> str:
    return "null" if ts is None else f"timestamptz 'epoch' + {ts:d} * interval '1 microsecond'"
