"""Stored days equal a plain GROUP BY over the readings, in whatever order these come and are stored."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Edition
from tests.support.cluster import Database
from tests.support.intake import INSERT, Intake
from tests.support.wait import wait_until

START = datetime(2026, 3, 27, 10, 0, tzinfo=UTC)
"""Two days before the clocks go forward in Berlin."""
ZONES = ("Europe/Berlin", "Pacific/Auckland", "America/St_Johns")
DIFFERENCE = """
with bucket as (
    select meter_id, grid.window_start(ts) as bucket, count(*) as readings, sum(energy)::bigint as energy
    from grid.reading group by 1, 2
), plain as (
    select (b.bucket at time zone p.time_zone)::date as day, b.meter_id, sum(b.readings)::bigint as readings,
        sum(b.energy)::bigint as energy, max(b.energy) as energy_peak,
        min(b.bucket) as first_bucket, max(b.bucket) as last_bucket
    from bucket as b
    join grid.meter as m using (meter_id)
    join rollup.day_progress as p using (tenant_id)
    where b.bucket >= p.begins_at and b.bucket < p.ends_at
    group by 1, 2
), stored as (
    select day, meter_id, readings, energy, energy_peak, first_bucket, last_bucket from rollup.store_day
)
(select 'missing', p.* from (table plain except all table stored) as p)
union all
(select 'wrong', s.* from (table stored except all table plain) as s)
limit 3
"""
Connection = psycopg.Connection[Any]


def add_tenants(connection: Connection) -> list[tuple[int, list[int]]]:
    """One a zone, with two meters each."""
    tenants = []
    for number, zone in enumerate(ZONES):
        row = connection.execute(
            "insert into grid.tenant (code, name, time_zone, created_at)"
            " values (%s, 'of days', %s, %s) returning tenant_id",
            (f"tenant-{number}", zone, START),
        ).fetchone()
        assert row
        meters = [{"meter_id": f"M-{n}", "region": "north", "installed_at": "2026-01-01Z"} for n in range(2)]
        registered = connection.execute(
            "select meter_id from grid.register_meters(%s, %s)", (row[0], json.dumps(meters))
        ).fetchall()
        tenants.append((row[0], [meter for (meter,) in registered]))
    return tenants


def take_in(
    connection: Connection,
    rng: random.Random,
    tenant: int,
    meters: list[int],
    now: datetime,
    intake: Intake | None = None,
) -> None:
    """Readings, mostly new, some late by hours or days; without ``intake`` by INSERT alone."""
    ages = [
        rng.choice([rng.uniform(0, 600), rng.uniform(0, 40_000), rng.uniform(0, 250_000)])
        for _ in range(rng.randint(1, 40))
    ]
    times = [now - timedelta(seconds=age) for age in ages]
    energies = [rng.randint(-(10**6), 10**6) for _ in ages]
    with connection.transaction():
        keys = [rng.choice(meters) for _ in ages]
        if intake is None:
            connection.execute(INSERT, (times, keys, energies))
        else:
            intake.store(list(zip(times, keys, energies, strict=True)))
        time.sleep(rng.uniform(0, 0.005))
        connection.execute(
            "insert into ingest.batch"
            " (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)"
            " values (%s, %s, 'http', %s, 0, 0, %s, %s)",
            (tenant, now, len(ages), min(times), max(times)),
        )


# Once in WebAssembly, which is slow.
@pytest.mark.parametrize(
    ("edition", "seed"), [("apache", 0), ("apache", 1), ("tsl", 0)], indirect=["edition"]
)
def test_late_readings_reach_stored_days(edition: Edition, seed: int) -> None:
    rng = random.Random(seed)
    now = START
    stored = set()
    with edition.connect() as connection:
        tenants = add_tenants(connection)
        intake = Intake(connection, edition.data)
        for step in range(16):
            now += timedelta(hours=rng.uniform(0.2, 6))
            for tenant, meters in rng.sample(tenants, 2):
                take_in(connection, rng, tenant, meters, now, intake)
            if rng.random() < 0.5:
                connection.execute("call grid.close_windows(%s)", (now,))
            if step == 10:
                connection.execute(
                    "update grid.tenant set time_zone = 'Asia/Kathmandu' where tenant_id = %s",
                    (tenants[0][0],),
                )
            if rng.random() < 0.6:
                connection.execute("call rollup.refresh(%s)", (now,))
                assert not connection.execute(DIFFERENCE).fetchall(), f"seed {seed}, step {step}"
                stored.update(connection.execute("select day from rollup.store_day").fetchall())
        connection.execute("call grid.close_windows(%s)", (now,))
        for _ in range(2):
            connection.execute("call rollup.refresh(%s)", (now,))
            assert not connection.execute(DIFFERENCE).fetchall()
        waiting = connection.execute(
            "select count(*) from rollup.late_day join grid.meter using (meter_id)"
            " join rollup.day_progress as p using (tenant_id) where window_start < p.ends_at"
        ).fetchone()
        assert waiting == (0,), "nothing is left that could be summed"
    assert len(stored) >= 2


class Workers:
    """Threads that insert, refresh and close, in this order of numbers, until told to stop."""

    def __init__(self, database: Database, tenants: list[tuple[int, list[int]]]) -> None:
        self.database = database
        self.tenants = tenants
        self.now = START
        self.stop = threading.Event()
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(7)]

    def run(self, number: int) -> None:
        try:
            with self.database.connect() as connection:
                if number == 3:  # an old snapshot cannot see windows that were sealed meanwhile
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                self.work(connection, random.Random(number), number)
        except psycopg.errors.SerializationFailure:
            pass  # another writer had the same meter and time: the transaction wrote nothing
        except BaseException as error:
            self.errors.append(error)
            self.stop.set()

    def work(self, connection: Connection, rng: random.Random, number: int) -> None:
        while not self.stop.is_set():
            if number < 4:
                take_in(connection, rng, *rng.choice(self.tenants), self.now)
            elif number < 6:
                connection.execute("call rollup.refresh(%s)", (self.now,))
            else:
                connection.execute("call grid.close_windows(%s)", (self.now,))


def test_inserts_while_days_are_stored_twice_at_once(database: Database) -> None:
    with database.connect() as connection:
        workers = Workers(database, add_tenants(connection))
    for thread in workers.threads:
        thread.start()
    try:
        for _ in range(80):
            workers.now += timedelta(minutes=41)
            if workers.stop.wait(0.05):
                break
    finally:
        workers.stop.set()
        for thread in workers.threads:
            thread.join()
    assert not workers.errors
    with database.connect() as connection:
        connection.execute("call grid.close_windows(%s)", (workers.now,))
        for _ in range(2):
            connection.execute("call rollup.refresh(%s)", (workers.now,))
        assert not connection.execute(DIFFERENCE).fetchall()
        assert connection.execute("select count(*) > 10 from rollup.store_day").fetchone() == (True,)


def test_a_day_that_is_sealed_while_rollups_are_refreshed_waits(database: Database) -> None:
    """A reading that came too late for the rollups and before the sealing is in neither's books."""
    with database.connect() as session:
        tenant, (meter, _) = add_tenants(session)[0]
        session.execute("update grid.tenant set time_zone = 'UTC' where tenant_id = %s", (tenant,))
        take = "insert into grid.reading (ts, meter_id, energy) values (%s, %s, 5)"
        for ts in ("2026-03-26 10:00Z", "2026-03-28 06:00Z"):
            session.execute(take, (ts, meter))
        seal = (
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until) values (%s, %s, %s)"
            " on conflict (tenant_id) do update set sealed_until = excluded.sealed_until"
        )
        session.execute(seal, (tenant, "2026-03-27 12:00Z", "2026-03-27 12:00Z"))
        session.execute("call rollup.refresh('2026-03-26 12:00Z')")
        with database.connect() as holder, database.connect() as refresher:
            refreshing = threading.Thread(
                target=refresher.execute, args=("call rollup.refresh('2026-03-28 07:00Z')",)
            )
            waiting = "select count(*) from pg_locks where not granted and pid = %s"
            with holder.transaction():  # the quarters of an hour are stored when it comes to the hours
                holder.execute("select from rollup.definition where name = '1h' for update")
                refreshing.start()
                wait_until(
                    lambda: bool(database.value(waiting, (refresher.info.backend_pid,))), "the refresh waits"
                )
                session.execute(take, ("2026-03-27 13:00Z", meter))
                session.execute(seal, (tenant, "2026-03-28 05:00Z", "2026-03-27 12:00Z"))
            refreshing.join()
        assert not session.execute(DIFFERENCE).fetchall()
        session.execute("call rollup.refresh('2026-03-28 07:00Z')")
        assert not session.execute(DIFFERENCE).fetchall()
        assert session.execute("select max(stored_until)::text from rollup.day_progress").fetchone() == (
            "2026-03-28",
        )
