"""Rollups equal a plain GROUP BY over the readings, whatever order the readings came in, on both editions."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Edition
from tests.support.cluster import Database

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
METERS = 6
INSERT = (
    "insert into grid.reading (ts, meter_id, energy)"
    " select * from unnest(%s::timestamptz[], %s::integer[], %s::bigint[]) on conflict do nothing"
)
DIFFERENCE = """
with plain as (
    select public.time_bucket({width}, ts) as bucket, meter_id, count(*) as readings,
        sum(energy)::bigint as energy, min(energy) as energy_min, max(energy) as energy_max
    from grid.reading group by 1, 2
), rolled as (
    select bucket, meter_id, readings, energy, energy_min, energy_max from rollup.reading_{name}
)
(select 'missing', p.* from (table plain except all table rolled) as p)
union all
(select 'wrong', r.* from (table rolled except all table plain) as r)
"""
WIDTHS = {"1m": "interval '1 minute'", "15m": "interval '15 minutes'", "1h": "interval '1 hour'"}
Reading = tuple[datetime, int, int]


def differences(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """Per rollup, the first rows in which it differs from the plain query."""
    found = {}
    for name, width in WIDTHS.items():
        query = DIFFERENCE.format(name=name, width=width) + " limit 3"
        if rows := connection.execute(query).fetchall():
            found[name] = rows
    return found


def insert(connection: psycopg.Connection[Any], readings: list[Reading]) -> None:
    connection.execute(INSERT, [list(column) for column in zip(*readings, strict=True)])


def random_readings(rng: random.Random, now: datetime, count: int) -> list[Reading]:
    """Mostly of the last minutes, some hours late, some ahead, some of exact bucket starts, some repeated."""
    readings: list[Reading] = []
    for _ in range(count):
        if readings and rng.random() < 0.1:
            readings.append(rng.choice(readings))
            continue
        age = rng.choice(
            [rng.uniform(0, 120), rng.uniform(0, 120), rng.uniform(0, 20000), -rng.uniform(0, 250)]
        )
        ts = now - timedelta(seconds=age)
        if rng.random() < 0.2:
            ts = ts.replace(second=0, microsecond=0)
        readings.append((ts, rng.randint(1, METERS), rng.randint(-(10**10), 10**10)))
    return readings


@pytest.mark.parametrize("seed", range(3))
def test_random_inserts_and_refreshes(edition: Edition, seed: int) -> None:
    rng = random.Random(seed)
    now = START
    sent: list[Reading] = []
    with edition.connect() as connection:
        for step in range(25):
            now += timedelta(seconds=rng.choice([1, 30, 300, 4000]))
            readings = random_readings(rng, now, rng.randint(1, 60))
            insert(connection, readings + rng.sample(sent, min(len(sent), 5)))
            sent += readings
            if rng.random() < 0.6:
                connection.execute("call rollup.refresh(%s)", (now,))
                assert not differences(connection), f"seed {seed}, step {step}"
        connection.execute("call rollup.refresh(%s)", (now + timedelta(days=1),))
        assert not differences(connection)
        connection.execute("call rollup.refresh(%s)", (now,))
        assert not differences(connection), "a refresh of an earlier moment changes nothing"


def test_a_reading_below_the_rollups_appears_with_the_next_refresh(edition: Edition) -> None:
    with edition.connect() as connection:
        insert(connection, [(START + timedelta(minutes=m), 1, 1000) for m in range(0, 300, 7)])
        connection.execute("call rollup.refresh(%s)", (START + timedelta(hours=5),))
        insert(connection, [(START + timedelta(minutes=1, days=-days), 2, 5) for days in range(3)])
        connection.execute("call rollup.refresh(%s)", (START + timedelta(hours=5),))
        assert not differences(connection)


def test_one_late_meter_costs_one_meter(database: Database) -> None:
    with database.connect() as connection:
        insert(
            connection, [(START + timedelta(minutes=m), n, m) for m in range(300) for n in range(1, METERS)]
        )
        connection.execute("call rollup.refresh(%s)", (START + timedelta(hours=5),))
        insert(connection, [(START + timedelta(minutes=61, seconds=5), 3, 9)])
        with connection.transaction():
            recomputed = [
                connection.execute("select rollup.recompute(%s)", (name,)).fetchone() for name in WIDTHS
            ]
        assert recomputed == [(1,), (1,), (1,)]
        assert connection.execute("select count(*) from rollup.late").fetchone() == (0,)
        assert not differences(connection)


class Writers:
    """Threads that insert readings in transactions of random length until told to stop."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], count: int) -> None:
        self.connect = connect
        self.now = START
        self.stop = threading.Event()
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(count)]

    def run(self, number: int) -> None:
        rng = random.Random(number)
        try:
            with self.connect() as connection:
                if number % 4 == 3:  # an old snapshot cannot see a threshold that moved meanwhile
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                while not self.stop.is_set():
                    with connection.transaction():
                        connection.execute("select 1")
                        time.sleep(rng.uniform(0, 0.02))
                        insert(connection, random_readings(rng, self.now, rng.randint(1, 30)))
                        time.sleep(rng.uniform(0, 0.02))
        except psycopg.errors.SerializationFailure:
            pass  # another writer had the same meter and time: the transaction wrote nothing
        except BaseException as error:
            self.errors.append(error)


def test_inserts_during_refreshes(database: Database) -> None:
    writers = Writers(database.connect, 6)
    for thread in writers.threads:
        thread.start()
    try:
        with database.connect() as one, database.connect() as other:
            for step in range(60):
                writers.now += timedelta(seconds=45)
                refresher = threading.Thread(
                    target=other.execute, args=("call rollup.refresh(%s)", (writers.now,))
                )
                refresher.start()
                one.execute("call rollup.refresh(%s)", (writers.now,))
                refresher.join()
                assert not writers.errors, f"step {step}"
    finally:
        writers.stop.set()
        for thread in writers.threads:
            thread.join()
    assert not writers.errors
    with database.connect() as connection:
        connection.execute("call rollup.refresh(%s)", (writers.now + timedelta(hours=2),))
        assert not differences(connection)
        assert connection.execute("select count(*) > 500 from grid.reading").fetchone() == (True,)
