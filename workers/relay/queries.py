"""Every SQL statement of the relay. Functions of schema ``event``; nothing else is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import dict_row, tuple_row

from workers.relay.cursor import Cursor, Position
from workers.relay.events import Event, event_text, text_frame

Connection = psycopg.AsyncConnection[Any]

CHANNEL = "segs_event"
PAGE = 1000
"""Events read in one go."""

_READ_AFTER = """
select
    r.xid::text, r.id, r.tenant_id, r.topic, r.region_id, r.meter_id, r.at,
    lower(r.happened), upper(r.happened), r.payload ->> 'region', r.payload ->> 'meter_id', r.payload::text
from event.read_after(%s::text::xid8, %s, %s, %s) as r
order by r.xid, r.id
"""
_POSITION = "select epoch, xid::text, id from event.position()"
_HORIZON = "select epoch, xid::text, id from event.horizon()"
_WAITING = "select waiting, oldest_at from event.waiting(%s::text::xid8, %s)"
_SCOPE = "select tenant_id, role, meters, regions from event.scope(%s, %s)"
_REGION_IDS = "select code, region_id from event.region_ids(%s, %s)"
_METER_IDS = "select code, meter_id from event.meter_ids(%s, %s)"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events already written that cannot be read yet, because an older transaction is still open."""

    any: bool
    oldest_at: datetime | None


async def read_after(
    connection: Connection, epoch: int, position: Position, tenant_id: int | None = None
) -> list[Event]:
    """At most :data:`PAGE` events after ``position``, in log order, none that another could still precede."""
    async with connection.cursor(row_factory=tuple_row) as rows:
        await rows.execute(_READ_AFTER, (str(position[0]), position[1], PAGE, tenant_id), prepare=True)
        return [_event(epoch, row) for row in await rows.fetchall()]


async def position(connection: Connection) -> Cursor:
    """Now: the last event that can be read; nothing can appear before it any more."""
    return await _cursor(connection, _POSITION)


async def horizon(connection: Connection) -> Cursor:
    """The last position that has been pruned; what follows it is all there."""
    return await _cursor(connection, _HORIZON)


async def waiting(connection: Connection, position: Position) -> Waiting:
    """Whether events after ``position`` wait for an older transaction to end."""
    async with connection.cursor(row_factory=tuple_row) as rows:
        await rows.execute(_WAITING, (str(position[0]), position[1]), prepare=True)
        row = await rows.fetchone()
    return Waiting(bool(row[0]), row[1]) if row else Waiting(False, None)


async def scope(connection: Connection, user_id: UUID, tenant: str) -> dict[str, Any] | None:
    """Tenant, role, meters and regions; None for an account unknown, disabled or of another tenant."""
    async with connection.cursor(row_factory=dict_row) as rows:
        await rows.execute(_SCOPE, (user_id, tenant))
        return await rows.fetchone()


async def region_ids(connection: Connection, tenant_id: int, codes: list[str]) -> dict[str, int]:
    """Keys of the tenant's regions by code; unknown and foreign codes are absent."""
    return await _ids(connection, _REGION_IDS, tenant_id, codes)


async def meter_ids(connection: Connection, tenant_id: int, codes: list[str]) -> dict[str, int]:
    """Keys of the tenant's meters by code; unknown and foreign codes are absent."""
    return await _ids(connection, _METER_IDS, tenant_id, codes)


async def _ids(connection: Connection, statement: str, tenant_id: int, codes: list[str]) -> dict[str, int]:
    storable = [code for code in codes if "\0" not in code]
    async with connection.cursor(row_factory=tuple_row) as rows:
        await rows.execute(statement, (tenant_id, storable))
        return dict(cast("list[tuple[str, int]]", await rows.fetchall()))


async def _cursor(connection: Connection, statement: str) -> Cursor:
    async with connection.cursor(row_factory=tuple_row) as rows:
        await rows.execute(statement)
        row = await rows.fetchone()
    if row is None:
        raise LookupError("event.state has no row: the database is not deployed")
    return Cursor(row[0], (int(row[1]), row[2]))


def _event(epoch: int, row: tuple[Any, ...]) -> Event:
    xid, event_id, tenant_id, topic, region_id, meter_id, at, begins, ends, region, meter, payload = row
    where = (int(xid), event_id)
    return Event(
        position=where,
        tenant_id=tenant_id,
        topic=topic,
        region_id=region_id,
        meter_id=meter_id,
        at=at,
        begins=begins,
        ends=ends,
        frame=text_frame(event_text(Cursor(epoch, where), topic, at, region, meter, payload)),
    )
