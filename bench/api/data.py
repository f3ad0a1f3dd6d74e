"""A grid as large as a regional utility's, made inside the database: what the API part asks about.

The last day are real readings, which ``rollup.refresh`` rolls up as it always does. What is older goes
straight into the rollup tables, in the order in which refreshing would have written it. Loads go through
their triggers, so that prices and events are the real ones; half the meters change hands, and of 100,000
alerts 2,000 are open.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from bench.environment import TENANT, Environment

DAYS = 35
PERSON = "00000000-0000-4000-8000-{:012d}"
"""Account and session id of a consumer by number: pgbench makes the same ones up in SQL."""
METER = "M{:07d}"

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Grid:
    """What was loaded. Meters and consumers are numbered from 1."""

    meters: int
    consumers: int
    alerts: int
    newest: datetime
    """Time of the newest reading of every meter."""
    operator: str

    @property
    def readings(self) -> int:
        """How many 5-minute readings the rollups stand for."""
        return self.meters * DAYS * 288


TIME_ZONE = "Europe/Berlin"

# Three readings a quarter of an hour; energy differs from meter to meter and from quarter to quarter.
ENERGY: LiteralString = """
    create or replace function pg_temp.energy(meter_id integer, at timestamptz) returns bigint
    language sql immutable
    return 20000 + (meter_id * 7919::bigint + extract(epoch from at)::bigint / 900 * 104729) % 80000
"""
READINGS: LiteralString = """
    insert into grid.reading (ts, meter_id, energy, voltage, current)
    select s.at, m.meter_id,
        pg_temp.energy(m.meter_id, s.at) + extract(epoch from s.at)::bigint / 300 %% 3 * 1000, 230.1, 1.25
    from generate_series(%(since)s::timestamptz, %(until)s, interval '5 minutes') as s (at)
    cross join grid.meter as m
    order by s.at
"""
QUARTERS: LiteralString = """
    insert into rollup.store_15m (bucket, meter_id, readings, energy, energy_min, energy_max)
    select s.at, m.meter_id, 3, 3 * e.energy + 3000, e.energy, e.energy + 2000
    from generate_series(
        %(since)s::timestamptz, %(until)s - interval '15 minutes', interval '15 minutes') as s (at)
    cross join grid.meter as m
    cross join lateral (select pg_temp.energy(m.meter_id, s.at) as energy offset 0) as e
    order by s.at
"""
HOURS: LiteralString = """
    insert into rollup.store_1h (bucket, meter_id, readings, energy, energy_min, energy_max)
    select
        public.time_bucket(interval '1 hour', s.bucket), s.meter_id, sum(s.readings)::bigint,
        sum(s.energy)::bigint, min(s.energy_min), max(s.energy_max)
    from rollup.store_15m as s
    where s.bucket >= %(since)s and s.bucket < %(until)s
    group by 1, 2
    order by 1
"""

# Consumer k owns meter k for good, and took over meter n/2 + k from its neighbour 20 days ago.
CONSUMERS: LiteralString = """
    insert into auth.user_account (user_id, tenant_id, email, name, role, verified_at)
    select format('00000000-0000-4000-8000-%%s', lpad(k::text, 12, '0'))::uuid, %(tenant)s,
        format('person-%%s@bench.example', k), format('Person %%s', k), 'consumer', now()
    from generate_series(1, %(consumers)s) as k
"""
SESSIONS: LiteralString = """
    insert into auth.session (session_id, tenant_id, user_id, expires_at)
    select user_id, tenant_id, user_id, now() + interval '30 days'
    from auth.user_account where tenant_id = %(tenant)s
"""
OWNERSHIPS: LiteralString = """
    insert into grid.meter_ownership (meter_id, tenant_id, user_id, period)
    select m.meter_id, m.tenant_id, u.user_id, o.period
    from generate_series(1, %(consumers)s) as k
    cross join lateral (
        values
            (k, k, tstzrange(%(newest)s - interval '2 years', null)),
            (k + %(consumers)s, k, tstzrange(%(newest)s - interval '20 days', null)),
            (k + %(consumers)s, k %% %(consumers)s + 1,
                tstzrange(%(newest)s - interval '1 year', %(newest)s - interval '20 days'))
    ) as o (meter, person, period)
    join grid.meter as m on m.tenant_id = %(tenant)s and m.code = 'M' || lpad(o.meter::text, 7, '0')
    join auth.user_account as u
        on u.tenant_id = %(tenant)s and u.email = format('person-%%s@bench.example', o.person)
"""
PEOPLE: tuple[LiteralString, ...] = (CONSUMERS, SESSIONS, OWNERSHIPS)
LOADS: LiteralString = """
    insert into grid.region_load (tenant_id, region_id, window_start, energy, meters, readings)
    select r.tenant_id, r.region_id, w.at,
        200000000 + (extract(epoch from w.at)::bigint / 900 * 7919 + r.region_id) %% 700 * 1000000,
        %(meters)s / 5, %(meters)s / 5 * 3
    from grid.region as r
    cross join generate_series(
        %(newest)s - interval '35 days', %(newest)s - interval '15 minutes', interval '15 minutes') as w (at)
    where r.tenant_id = %(tenant)s
    order by w.at
"""
# A plan has every chunk in it: as many as there are when readings are kept for 90 days, quarters of an hour
# for three years and hours for ten; with one row each.
OLD_READINGS: LiteralString = """
    insert into grid.reading (ts, meter_id, energy)
    select %(newest)s - interval '36 days' - n * interval '7 days', min(m.meter_id), 1
    from grid.meter as m
    cross join generate_series(1, 8) as n
    group by n
"""
OLD_QUARTERS: LiteralString = """
    insert into rollup.store_15m (bucket, meter_id, readings, energy, energy_min, energy_max)
    select %(newest)s - n * interval '112 days', min(m.meter_id), 1, 1, 1, 1
    from grid.meter as m
    cross join generate_series(1, 10) as n
    group by n
"""
OLD_HOURS: LiteralString = """
    insert into rollup.store_1h (bucket, meter_id, readings, energy, energy_min, energy_max)
    select date_trunc('hour', %(newest)s) - n * interval '364 days', min(m.meter_id), 1, 1, 1, 1
    from grid.meter as m
    cross join generate_series(1, 10) as n
    group by n
"""
# What makes finished days be stored.
SEALED: LiteralString = """
    insert into grid.window_progress (tenant_id, sealed_until, closed_until)
    values (%(tenant)s, %(newest)s, %(newest)s)
"""
# Ten a meter in a month and a half; one in fifty is still open, and half of those someone looks into.
ALERTS: LiteralString = """
    insert into alert.alert (
        tenant_id, region_id, meter_id, meter_code, kind, severity, status, raised_at, quiet_period,
        last_seen_at, occurrences, value, threshold, acknowledged_at, acknowledged_by, resolved_at,
        resolved_by)
    select m.tenant_id, m.region_id, m.meter_id, m.code, k.kind, k.severity, s.status, t.raised_at,
        tstzrange(t.raised_at, t.raised_at + interval '1 hour'), t.raised_at + interval '30 minutes', 3,
        case when k.kind = 'high' then 120000000 else 0 end, case when k.kind = 'high' then 100000000 end,
        case when s.status <> 'active' then t.raised_at + interval '40 minutes' end,
        case when s.status <> 'active' then %(operator)s::uuid end,
        case when s.status = 'resolved' then t.raised_at + interval '2 hours' end,
        case when s.status = 'resolved' then %(operator)s::uuid end
    from generate_series(1, 10) as n
    cross join grid.meter as m
    cross join lateral (select (m.meter_id * 31 + n * 17) %% 100 as chance) as c
    cross join lateral (
        select case c.chance when 0 then 'active' when 1 then 'acknowledged' else 'resolved' end as status
    ) as s
    cross join lateral (
        select
            (array['high', 'zero', 'silent'])[1 + c.chance %% 3] as kind,
            (array['critical', 'info', 'warning'])[1 + c.chance %% 3] as severity
    ) as k
    cross join lateral (
        select %(newest)s - n * interval '3 days' - m.meter_id * 7 %% 200 * interval '15 minutes' as raised_at
    ) as t
    where m.tenant_id = %(tenant)s
    order by t.raised_at
"""


def load(environment: Environment, meters: int, consumers: int) -> Grid:
    """Fill the database of the environment, unless it is filled."""
    now = datetime.now(UTC)
    newest = now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)
    operator = environment.user("operator")
    with environment.connect() as connection:
        found = connection.execute("select max(ts) from grid.reading").fetchone()
        if found is not None and found[0] is not None:
            return _grid(connection, operator, found[0])
    environment.register("M", meters)
    given = {
        "tenant": environment.tenant_id, "meters": meters, "consumers": consumers,
        "operator": operator, "newest": newest.replace(minute=newest.minute // 15 * 15),
    }  # fmt: skip
    with environment.connect() as connection:
        connection.execute("update grid.tenant set time_zone = %s where code = %s", (TIME_ZONE, TENANT))
        for statement in (*PEOPLE, LOADS, ALERTS, OLD_READINGS, OLD_QUARTERS, OLD_HOURS):
            connection.execute(statement, given)
        recent = newest.replace(minute=0) - timedelta(hours=25)
        connection.execute(ENERGY)
        connection.execute(READINGS, {"since": recent, "until": newest})
        connection.execute("call rollup.refresh(%s, 'infinity')", (newest + timedelta(minutes=4),))
        _load_rollups(environment, connection, recent)
        connection.execute(SEALED, given)
        connection.execute("call rollup.refresh(%s, 'infinity')", (newest + timedelta(minutes=4),))
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
        return _grid(connection, operator, newest)


def _load_rollups(environment: Environment, connection: Connection, until: datetime) -> None:
    """Buckets older than the readings: without their index, which is made again from what is there."""
    since = until - timedelta(days=DAYS)
    keys = {name: _drop_key(connection, name) for name in ("store_15m", "store_1h")}
    days = [since + timedelta(days=day) for day in range(DAYS)]
    with ThreadPoolExecutor(2) as pool:
        # two at work, on neighbouring days: the rows keep the order of time
        list(pool.map(lambda day: _load_day(environment, day), days))
        list(pool.map(lambda item: _add_key(environment, *item), keys.items()))


def _load_day(environment: Environment, day: datetime) -> None:
    with environment.connect() as connection:
        given = {"since": day, "until": day + timedelta(days=1)}
        connection.execute(ENERGY)
        connection.execute("set work_mem = '512MB'")
        connection.execute(QUARTERS, given)
        connection.execute(HOURS, given)


def _drop_key(connection: Connection, table: str) -> str:
    row = connection.execute(
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and contype = 'p'",
        (f"rollup.{table}",),
    ).fetchone()
    assert row is not None
    connection.execute(f'alter table rollup.{table} drop constraint "{row[0]}"'.encode())
    return str(row[1])


def _add_key(environment: Environment, table: str, definition: str) -> None:
    with environment.connect() as connection:
        connection.execute(f"alter table rollup.{table} add {definition}".encode())


def _grid(connection: Connection, operator: str, newest: datetime) -> Grid:
    row = connection.execute(
        "select (select count(*) from grid.meter),"
        " (select count(*) from auth.user_account where role = 'consumer'),"
        " (select count(*) from alert.alert)"
    ).fetchone()
    assert row is not None
    meters, consumers, alerts = row
    return Grid(meters, consumers, alerts, newest, operator)
