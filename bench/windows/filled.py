"""Tenants with many meters and readings, made inside the database, so that no generator runs meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

WINDOW = timedelta(minutes=15)
GRACE = timedelta(minutes=2)
"""How far a tenant's newest reading must be past the end of a window, and a little more, to close it."""

METERS: LiteralString = """
    insert into grid.meter (tenant_id, region_id, code, installed_at, begins_at)
    select %(tenant)s, r.ids[1 + n %% cardinality(r.ids)], 'W' || lpad(n::text, 7, '0'), '2020-01-01Z',
        '2020-01-01Z'
    from generate_series(1, %(meters)s::int) as n,
        (select array_agg(region_id) as ids from grid.region where tenant_id = %(tenant)s) as r
"""
# The meter's number decides what it sends, and moves from window to window: of 10,000 meters ten are high,
# one sends nothing but zeros, one feeds in though it must not, one is silent.
READINGS: LiteralString = """
    insert into grid.reading (ts, meter_id, energy, voltage, current)
    select %(ts)s + (n.number %% 60) * interval '1 second', m.meter_id,
        case
            when n.number %% 1000 = 7 then 50000000
            when n.number %% 10000 = 1 then 0
            when n.number %% 10000 = 2 then -1000
            else 200000 + n.number %% 100000
        end,
        230.1, 1.25
    from grid.meter as m
    cross join lateral (select m.meter_id + %(shift)s as number) as n
    where m.tenant_id = %(tenant)s and n.number %% 10000 <> 3
    order by m.meter_id
"""
PROGRESS: LiteralString = """
    insert into ingest.batch (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts)
    values (%(tenant)s, 'http', 1, 0, 0, %(first)s, %(last)s)
"""
WRONG_LOADS: LiteralString = """
    with wanted as (
        select m.region_id, sum(r.energy)::bigint as energy, count(*) as readings,
            count(distinct r.meter_id) as meters
        from grid.reading as r join grid.meter as m using (meter_id)
        where m.tenant_id = %(tenant)s and r.ts >= %(start)s and r.ts < %(start)s + interval '15 minutes'
        group by m.region_id
    ),

    found as (
        select distinct on (l.region_id) l.region_id, l.energy, l.readings, l.meters::bigint as meters
        from grid.region_load as l
        where l.tenant_id = %(tenant)s and l.window_start = %(start)s
        order by l.region_id, l.revision desc
    )

    select count(*)
    from grid.region as g
    left join wanted as w using (region_id)
    left join found as f using (region_id)
    where g.tenant_id = %(tenant)s
      and (f.energy, f.readings, f.meters)
          is distinct from (coalesce(w.energy, 0), coalesce(w.readings, 0), coalesce(w.meters, 0))
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class WrongError(Exception):
    """What was measured did not do what it is for."""


@dataclass
class Filled:
    """A tenant of its own, through a connection of its own."""

    connection: Connection
    tenant_id: int
    meters: int

    @classmethod
    def create(cls, connection: Connection, code: str, meters: int) -> Filled:
        made = connection.execute(
            "insert into grid.tenant (code, name) values (%s, 'Benchmark') returning tenant_id", (code,)
        ).fetchone()
        assert made is not None
        tenant = cls(connection, int(made[0]), meters)
        connection.execute(METERS, {"tenant": tenant.tenant_id, "meters": meters})
        connection.execute("vacuum analyze grid.meter")
        return tenant

    def send(self, ts: datetime, shift: int = 0) -> int:
        """One reading a meter, within a minute from ``ts``; how many."""
        return self.connection.execute(
            READINGS, {"tenant": self.tenant_id, "ts": ts, "shift": shift}
        ).rowcount

    def send_one(self, ts: datetime) -> None:
        """One reading of one meter."""
        self.connection.execute(
            "insert into grid.reading (ts, meter_id, energy)"
            " select %(ts)s + interval '1 ms', max(meter_id), 1 from grid.meter where tenant_id = %(tenant)s",
            {"ts": ts, "tenant": self.tenant_id},
        )

    def send_window(self, start: datetime, readings: int = 3, shift: int = 0) -> int:
        """As many readings a meter, spread over a window."""
        return sum(self.send(start + WINDOW * number / readings, shift) for number in range(readings))

    def progress(self, until: datetime, first: datetime | None = None) -> None:
        """As the ingest worker logs it: readings up to a moment have come."""
        self.connection.execute(
            PROGRESS, {"tenant": self.tenant_id, "first": first or until, "last": until + GRACE}
        )

    def check_loads(self, start: datetime) -> None:
        """The newest loads of a window are exactly the sums of its readings."""
        row = self.connection.execute(WRONG_LOADS, {"tenant": self.tenant_id, "start": start}).fetchone()
        if row is None or row[0] != 0:
            raise WrongError(f"the loads of {start} are not the sums of its readings")

    def count(self, query: LiteralString, **given: object) -> int:
        """A number that a query says, of this tenant (%(tenant)s)."""
        row = self.connection.execute(query, {"tenant": self.tenant_id, **given}).fetchone()
        assert row is not None
        return int(row[0])


def milliseconds(connection: Connection, statement: LiteralString) -> float:
    """How long the database takes for a statement, seen from a connection beside it."""
    before = time.perf_counter()
    connection.execute(statement)
    return (time.perf_counter() - before) * 1000


def hours_ago(hours: int) -> datetime:
    """A full hour in the past."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
