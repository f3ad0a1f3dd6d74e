"""Rollups equal a plain GROUP BY over the readings, whatever order the readings came in, on both editions.

At every moment, for anyone who reads them; after a refresh in what is stored. Readings come as in production.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from deploy.deployer.database import repair_rollups
from tests.conftest import Edition
from tests.support.cluster import Database
from tests.support.intake import Intake, Reading

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
METERS = 6
DIFFERENCE = """
with plain as (
    select public.time_bucket({width}, ts) as bucket, meter_id, count(*) as readings,
        sum(energy)::bigint as energy, min(energy) as energy_min, max(energy) as energy_max
    from grid.reading group by 1, 2
    having public.time_bucket({width}, min(ts)) < {until}
), rolled as (
    select bucket, meter_id, readings, energy, energy_min, energy_max from {rollup}
)
(select 'missing', p.* from (table plain except all table rolled) as p)
union all
(select 'wrong', r.* from (table rolled except all table plain) as r)
"""
WIDTHS = {"1m": "interval '1 minute'", "15m": "interval '15 minutes'", "1h": "interval '1 hour'"}
STORE = """
select coalesce(
    (
        select format('%%I.%%I', materialization_hypertable_schema, materialization_hypertable_name)
        from timescaledb_information.continuous_aggregates
        where view_schema = 'rollup' and view_name = 'aggregate_' || %(name)s
    ),
    'rollup.store_' || %(name)s
)
"""
Connection = psycopg.Connection[Any]


def differences(connection: Connection) -> dict[str, list[Any]]:
    """Per rollup, the first rows in which what is read differs from the plain query."""
    found = {}
    for name, width in WIDTHS.items():
        query = (
            DIFFERENCE.format(rollup=f"rollup.reading_{name}", width=width, until="'infinity'") + " limit 3"
        )
        if rows := connection.execute(query).fetchall():
            found[name] = rows
    return found


def stored_differences(connection: Connection) -> dict[str, list[Any]]:
    """The same of what is stored, as far as it should be; and what is late."""
    found = {}
    for name, width in WIDTHS.items():
        row = connection.execute(STORE, {"name": name}).fetchone()
        assert row
        until = f"(select materialised_until from rollup.definition where name = '{name}')"
        query = DIFFERENCE.format(rollup=row[0], width=width, until=until) + " limit 3"
        if rows := connection.execute(query).fetchall():
            found[name] = rows
    late = (
        "select l.* from rollup.late as l join rollup.definition as d using (name)"
        " where l.bucket < d.materialised_until"
    )
    if rows := connection.execute(late).fetchmany(3):
        found["late"] = rows
    return found


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
        intake = Intake(connection, edition.data)
        for step in range(25):
            now += timedelta(seconds=rng.choice([1, 30, 300, 4000]))
            readings = random_readings(rng, now, rng.randint(1, 60))
            intake.store(readings + rng.sample(sent, min(len(sent), 5)))
            sent += readings
            assert not differences(connection), f"seed {seed}, step {step}, before a refresh"
            if rng.random() < 0.6:
                connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
                assert not differences(connection), f"seed {seed}, step {step}"
                assert not stored_differences(connection), f"seed {seed}, step {step}"
        for moment in (now + timedelta(days=1), now):  # a refresh of an earlier moment changes nothing
            connection.execute("call rollup.refresh(%s, 'infinity')", (moment,))
            assert not differences(connection)
            assert not stored_differences(connection)


def test_meters_that_were_away_reach_the_rollups(edition: Edition) -> None:
    """They are newer than anything of theirs, and older than what others sent: production copies them."""
    now = START + timedelta(days=3)
    with edition.connect() as connection:
        intake = Intake(connection, edition.data)
        intake.store([(START + timedelta(minutes=m), 1, 1000) for m in range(0, 3 * 1440, 7)])
        connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
        away = [
            (START + timedelta(minutes=15 * q, seconds=m), m, q - 50) for q in range(150) for m in (2, 3, 4)
        ]
        random.Random(1).shuffle(away)
        for part in range(0, len(away), 100):
            intake.store(away[part : part + 100])
            assert not differences(connection), "before a refresh"
        connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
        assert not differences(connection)
        assert not stored_differences(connection)


def test_intervals_that_are_spread(edition: Edition) -> None:
    """What is late is the share of each window, not what the meter sent."""
    now = START + timedelta(hours=12)
    with edition.connect() as connection:
        row = connection.execute(
            "insert into grid.tenant (code, name, reading_interval, created_at)"
            " values ('hours', 'of hours', '1 hour', %s) returning tenant_id",
            (START,),
        ).fetchone()
        assert row
        meters = '[{"meter_id": "M-1", "region": "north"}, {"meter_id": "M-2", "region": "north"}]'
        one, other = connection.execute(
            "select meter_id from grid.register_meters(%s, %s) order by 1", (row[0], meters)
        ).fetchall()
        intake = Intake(connection, edition.data)
        intake.store([(START + timedelta(hours=h), one[0], 1_000_001) for h in range(12)])
        connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
        intake.store([(START + timedelta(hours=h), other[0], 1_000_001) for h in range(8)])
        assert not differences(connection)
        connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
        assert not differences(connection)
        assert not stored_differences(connection)


def test_a_refresh_does_a_bounded_amount(edition: Edition) -> None:
    """With no time at all it makes one step of each kind; the rollups are right after each."""
    with edition.connect() as connection:
        intake = Intake(connection, edition.data)
        intake.store([(START + timedelta(hours=h), 1, h) for h in range(0, 400, 5)])
        refresh = "call rollup.refresh(%s, '0 s')"
        now = START + timedelta(hours=401)
        progress = "select materialised_until from rollup.definition where name = '1m'"
        connection.execute(refresh, (now,))
        first = connection.execute(progress).fetchone()
        assert first
        assert first[0] < START + timedelta(hours=5), "one step of 60 buckets"
        behind = "select count(*) from rollup.definition where materialised_until < %s"
        for _ in range(200):
            connection.execute(refresh, (now,))
            if connection.execute(behind, (START + timedelta(hours=394),)).fetchone() == (0,):
                break
        intake.store([(START + timedelta(hours=h, seconds=1), 2, h) for h in range(0, 300, 5)])
        late = "select count(*) from rollup.late"
        seen = [connection.execute(late).fetchone()]
        for _ in range(400):
            connection.execute(refresh, (now,))
            seen.append(connection.execute(late).fetchone())
            assert not differences(connection)
            if seen[-1] == (0,):
                break
        assert seen[-1] == (0,)
        if edition.name == "tsl":  # the other takes 20,000 entries a step
            assert len(seen) > 20, "a range of 60 buckets at a time"
        assert not stored_differences(connection)


def test_what_a_broken_refresh_had_taken_is_taken_again(edition: Edition) -> None:
    with edition.connect() as connection:
        intake = Intake(connection, edition.data)
        intake.store([(START + timedelta(minutes=m), 1, 1000) for m in range(300)])
        connection.execute("call rollup.refresh(%s, 'infinity')", (START + timedelta(hours=5),))
        intake.store([(START + timedelta(minutes=61, seconds=5), 2, 9)])
        connection.execute("update rollup.late set taken = true")
        intake.store([(START + timedelta(minutes=61, seconds=7), 2, 9)])
        connection.execute("call rollup.refresh(%s, 'infinity')", (START + timedelta(hours=5),))
        assert not differences(connection)
        assert not stored_differences(connection)


@pytest.mark.parametrize(
    ("spoil", "fewer"),
    [
        ("delete from {store} where meter_id = 2", False),
        ("update {store} set energy = energy - 1, energy_max = 0 where meter_id = 3", False),
        ("update {store} set readings = readings + 1 where meter_id = 1", True),
        ("update {store} set meter_id = 9 where meter_id = 0", True),
    ],
)
@pytest.mark.parametrize("name", WIDTHS)
def test_repair(edition: Edition, name: str, spoil: str, fewer: bool) -> None:
    """What has more readings than its source is left, unless told otherwise: some may have been dropped."""
    now = START + timedelta(days=2)
    with edition.connect() as connection:
        Intake(connection, edition.data).store(
            [(START + timedelta(minutes=7 * n), n % 4, n) for n in range(400)]
        )
        connection.execute("call rollup.refresh(%s, 'infinity')", (now,))
        row = connection.execute(STORE, {"name": name}).fetchone()
        assert row
        connection.execute(spoil.format(store=row[0]).encode())
        assert list(stored_differences(connection)) == [name]
    said = repair_rollups(edition.url, "-infinity", "infinity", even_if_fewer=False)
    with edition.connect() as connection:
        assert bool(stored_differences(connection)) == fewer, "left as it is"
        assert any(line.startswith(f"rollup {name} is left as it is") for line in said) == fewer
    repair_rollups(edition.url, "-infinity", "infinity", even_if_fewer=True)
    with edition.connect() as connection:
        assert not differences(connection)
        assert not stored_differences(connection)


def test_one_session_refreshes_continuous_aggregates(database: Database) -> None:
    """The lock alone: PGlite has one session, the Apache edition has no continuous aggregates."""
    begin, end = "select rollup.begin_refresh()", "select rollup.end_refresh()"
    with database.connect() as one, database.connect() as other:
        for _ in range(2):  # the second time as if the first had failed
            assert one.execute(begin).fetchone() == (True,)
            assert other.execute(begin).fetchone() == (False,)
        one.execute(end)
        assert other.execute(begin).fetchone() == (True,)
        assert one.execute(begin).fetchone() == (False,)


def test_one_late_meter_costs_one_meter(database: Database) -> None:
    with database.connect() as connection:
        intake = Intake(connection)
        intake.store([(START + timedelta(minutes=m), n, m) for m in range(300) for n in range(1, METERS)])
        connection.execute("call rollup.refresh(%s, 'infinity')", (START + timedelta(hours=5),))
        intake.store([(START + timedelta(minutes=61, seconds=5), 3, 9)])
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
                intake = Intake(connection)
                own = 100 * (
                    number + 1
                )  # some have meters of their own, whose newest readings they know, and copy
                if number % 2:
                    own = 0
                    intake.newest = dict.fromkeys(range(1, METERS + 1), datetime.max.replace(tzinfo=UTC))
                while not self.stop.is_set():
                    with connection.transaction():
                        connection.execute("select 1")
                        time.sleep(rng.uniform(0, 0.02))
                        readings = random_readings(rng, self.now, rng.randint(1, 30))
                        intake.store([(ts, meter + own, energy) for ts, meter, energy in readings])
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
