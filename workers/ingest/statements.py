"""Every SQL statement of the ingest worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from psycopg.errors import InsufficientPrivilege, UniqueViolation

from workers.ingest.exchange import copy_in_transaction, execute_binary
from workers.ingest.readings import FOREVER, Limits, Meter
from workers.ingest.rows import ARRAYS, BIGINT, COLUMNS, Mask, Rows, array_data, copy_data, read_key
from workers.lib.db import Connection

__all__ = ["BatchRow", "QuarantineRow", "Stored", "UniqueViolation"]

# No reading has this energy: nothing is stored for the meter and time.
ABSENT = np.iinfo(np.int64).min

LIMITS = "select max_ahead, max_age, max_energy, min_spacing from ingest.limits"
TENANT_ID = "select ingest.tenant_id(%s)"
DEVICE = "select device_id::text, tenant, meter_codes, stamped = 'end' from ingest.device(%s)"
RESOLVE_METERS = """
select code, meter_id, highest, feeds_in, (extract(epoch from reading_interval) * 1000000)::bigint,
    stamped = 'end', (extract(epoch from retired_at) * 1000000)::bigint,
    array(select (extract(epoch from u.until) * 1000000)::bigint from unnest(past_until) as u (until)),
    past_feeds_in,
    array(select (extract(epoch from u.until) * 1000000)::bigint from unnest(interval_until) as u (until)),
    array(select (extract(epoch from u.length) * 1000000)::bigint from unnest(past_interval) as u (length))
from ingest.resolve_meters(%s, %s)
"""
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
select n.*
from unnest($1, $2, $3, $4, $5) as n (ts, meter_id, energy, voltage, current)
where coalesce((
    select false from grid.reading as o
    where o.meter_id = n.meter_id
      and o.ts > n.ts - $6 * interval '1 microsecond' and o.ts < n.ts + $6 * interval '1 microsecond'
      and o.part_of is null
    limit 1
), true)
on conflict do nothing
returning meter_id, ts
"""  # noqa: S608 - the column list is a constant
# A statement of its own, after the INSERT: its snapshot sees what another writer stored meanwhile. One look
# into the index a reading, whatever the planner thinks of their number.
STORED = """
select w.place::integer, r.energy
from unnest($1::integer[], $2::timestamptz[]) with ordinality as w (meter_id, ts, place)
cross join lateral (
    select coalesce(o.whole, o.energy) as energy from grid.reading as o
    where o.meter_id = w.meter_id and o.ts = w.ts limit 1
) as r
"""
BATCH = """
insert into ingest.batch (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts) values
"""
QUARANTINE = """
select ingest.keep_refused('http', %s::integer[], %s::text[], %s::text[], %s::jsonb[], %s::text[])
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
    """One row of ingest.quarantine; ``reading`` is JSON, ``end`` as the device says (see :func:`screen`)."""

    tenant_id: int
    code: str
    message: str
    reading: str
    end: bool | None = None


class Stored(NamedTuple):
    """Which rows of a write it did not store, and the energy that is stored for each (or :data:`ABSENT`)."""

    before: Mask
    energy: npt.NDArray[np.int64]


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


async def device(
    connection: Connection, token_hash: bytes
) -> tuple[str, str, list[str] | None, bool | None] | None:
    """Id, tenant, meters (None: all) and way to stamp of the device with this token; None: no such token."""
    row = await (await connection.execute(DEVICE, (token_hash,))).fetchone()
    return None if row is None else (row[0], row[1], row[2], row[3])


async def resolve_meters(connection: Connection, tenant: str, codes: Sequence[str]) -> dict[str, Meter]:
    """Meters by code; unknown ones are absent."""
    cursor = await connection.execute(RESOLVE_METERS, (tenant, list(codes)))
    meters = {}
    for code, key, highest, feeds_in, interval, end, until, *past in await cursor.fetchall():
        kinds, intervals = (tuple(zip(*pair, strict=True)) for pair in (past[:2], past[2:]))
        meters[code] = Meter(key, highest, feeds_in, interval, end, until or FOREVER, kinds, intervals)
    return meters


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


async def insert_rows(connection: Connection, rows: Rows, spacing: int) -> Mask:
    """Store the packed rows that have no other within ``spacing`` microseconds; returns which are not stored.

    They must be in order of meter and time, so that two writers of the same rows wait for each other instead
    of deadlocking.
    """
    types = [*(kind.array for kind in ARRAYS), BIGINT]
    parameters = [*array_data(rows), spacing.to_bytes(8, "big")]
    result = await execute_binary(connection, INSERT, parameters, types)
    if result.ntuples == len(rows):
        return np.zeros(len(rows), dtype=np.bool_)
    value = result.get_value
    inserted = {read_key(value(row, 0) or b"", value(row, 1) or b"") for row in range(result.ntuples)}
    keys = zip(rows["meter_id"].tolist(), rows["ts"].tolist(), strict=True)
    return np.array([key not in inserted for key in keys], dtype=np.bool_)


async def stored_energies(connection: Connection, rows: Rows) -> npt.NDArray[np.int64]:
    """The energy that is stored for the meter and time of each row, or :data:`ABSENT`."""
    ts, meter_id, *_ = array_data(rows)
    types = [ARRAYS[1].array, ARRAYS[0].array]
    result = await execute_binary(connection, STORED, [meter_id, ts], types)
    energies = np.full(len(rows), ABSENT, dtype=np.int64)
    for row in range(result.ntuples):
        place, energy = (result.get_value(row, column) or b"" for column in (0, 1))
        energies[int.from_bytes(place, "big") - 1] = int.from_bytes(energy, "big", signed=True)
    return energies


async def log_batches(connection: Connection, rows: Iterable[BatchRow]) -> None:
    """Note what a write brought in."""
    await connection.execute(_log(rows).encode())


async def quarantine(connection: Connection, rows: Sequence[QuarantineRow]) -> None:
    """Keep refused readings for an operator, each once however often it comes."""
    columns: list[list[Any]] = [
        [row.tenant_id for row in rows],
        [row.code for row in rows],
        [row.message for row in rows],
        [row.reading for row in rows],
        [None if row.end is None else "end" if row.end else "start" for row in rows],
    ]
    await connection.execute(QUARANTINE, columns)


def _log(rows: Iterable[BatchRow]) -> str:
    return BATCH + ", ".join([row.values() for row in rows])


def _instant(ts: int | None) -> str:
    return "null" if ts is None else f"timestamptz 'epoch' + {ts:d} * interval '1 microsecond'"
