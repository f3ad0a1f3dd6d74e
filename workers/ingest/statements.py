"""Every SQL statement of the ingest worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import InsufficientPrivilege, UniqueViolation

from workers.db import Connection
from workers.ingest.readings import Limits
from workers.ingest.rows import COLUMNS, Key, copy_data, unpack_row

__all__ = ["BatchRow", "QuarantineRow", "UniqueViolation"]

LIMITS = "select max_ahead, max_age, max_energy from ingest.limits"
TENANT_ID = "select ingest.tenant_id(%s)"
RESOLVE_METERS = "select code, meter_id from ingest.resolve_meters(%s, %s)"
# Names the database for good, so that what Redis knows of another one is never mistaken for this one's.
IDENTITY = """
select format('%s-%s', (select system_identifier from pg_control_system()), oid)
from pg_database where datname = current_database()
"""
DATABASE_OID = "select oid::text from pg_database where datname = current_database()"
COPY = f"copy grid.reading ({COLUMNS}) from stdin (format binary)"
INSERT = f"""
insert into grid.reading ({COLUMNS})
select timestamptz 'epoch' + r.ts * interval '1 microsecond', r.meter_id, r.energy, r.voltage, r.current
from unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::real[], %s::real[])
    as r (ts, meter_id, energy, voltage, current)
on conflict do nothing
returning meter_id, (extract(epoch from ts) * 1000000)::bigint
"""  # noqa: S608 - the column list is a constant
BATCH = """
insert into ingest.batch (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts)
values (%s, 'http', %s, %s, %s, %s, %s)
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
    first_ts: datetime | None
    last_ts: datetime | None


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


async def resolve_meters(connection: Connection, tenant: str, codes: Sequence[str]) -> dict[str, int]:
    """Internal keys by code; unknown ones are absent."""
    cursor = await connection.execute(RESOLVE_METERS, (tenant, list(codes)))
    return dict(await cursor.fetchall())


async def copy_rows(connection: Connection, rows: Iterable[bytes]) -> None:
    """Store packed rows. Raises :class:`UniqueViolation` if one of them is stored already."""
    async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        await copy.write(copy_data(rows))


async def insert_rows(connection: Connection, rows: Iterable[bytes]) -> set[Key]:
    """Store the packed rows that are not stored yet; returns the keys of those."""
    # In key order, so that two writers of the same rows wait for each other instead of deadlocking.
    unpacked = sorted((unpack_row(row) for row in rows), key=lambda row: (row.meter_id, row.ts))
    cursor = await connection.execute(INSERT, [_array(column) for column in zip(*unpacked, strict=True)])
    return set(await cursor.fetchall())


async def log_batches(connection: Connection, rows: Iterable[BatchRow]) -> None:
    """Note what a write brought in."""
    for row in rows:
        await connection.execute(
            BATCH, (row.tenant_id, row.accepted, row.duplicates, row.rejected, row.first_ts, row.last_ts)
        )


async def quarantine(connection: Connection, rows: Sequence[QuarantineRow]) -> None:
    """Keep refused readings for an operator."""
    columns: list[list[Any]] = [
        [row.tenant_id for row in rows],
        [row.code for row in rows],
        [row.message for row in rows],
        [row.reading for row in rows],
    ]
    await connection.execute(QUARANTINE, columns)


def _array(values: Iterable[float | None]) -> str:
    """An array literal of numbers: far cheaper to make than a Python list is to adapt."""
    return "{" + ",".join(["null" if value is None else repr(value) for value in values]) + "}"
