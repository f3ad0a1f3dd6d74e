"""What two sessions at once may do to windows and rollups: nothing is lost, nobody waits for a stranger."""

from __future__ import annotations

import json
import random
import threading

import psycopg
import pytest

from tests.support.cluster import Database
from tests.support.wait import patient, wait_until

AT = "2026-03-02 14:00:00Z"
METER = '[{"meter_id": "M-1", "region": "north", "installed_at": "2026-01-01T00:00:00Z"}]'

WAITING = """
select count(*) from pg_locks
where not granted and database = (select oid from pg_database where datname = current_database())
"""


def add_meter(database: Database, code: str) -> tuple[int, int]:
    """A tenant with one meter."""
    with database.connect() as session:
        row = session.execute(
            "insert into grid.tenant (code, name) values (%s, %s) returning tenant_id", (code, code)
        ).fetchone()
        assert row
        registered = session.execute(
            "select meter_id from grid.register_meters(%s, %s)", (row[0], METER)
        ).fetchone()
        assert registered
        return row[0], registered[0]


def take_in(session: psycopg.Connection[tuple[object, ...]], tenant: int, meter: int, ts: str) -> None:
    """What the ingest worker does."""
    session.execute("insert into grid.reading (ts, meter_id, energy) values (%s, %s, 1000000)", (ts, meter))
    session.execute(
        "insert into ingest.batch"
        " (tenant_id, received_at, source, accepted, duplicates, rejected, first_ts, last_ts)"
        " values (%s, %s, 'http', 1, 0, 0, %s, %s)",
        (tenant, ts, ts, ts),
    )


def test_a_tenants_first_window_waits_for_readings_in_flight(database: Database) -> None:
    tenant, meter = add_meter(database, "racing")
    with database.connect() as session:  # the one that makes the day's chunk is waited for
        take_in(session, *add_meter(database, "early"), "2026-03-02 09:00:00Z")
    slow = psycopg.connect(database.admin_url)
    take_in(slow, tenant, meter, "2026-03-02 10:00:00Z")
    with database.connect() as session:
        take_in(session, tenant, meter, "2026-03-02 11:00:00Z")
    sealing = threading.Thread(target=lambda: database.rows("select * from grid.seal_windows(%s)", (AT,)))
    sealing.start()
    wait_until(lambda: database.value(WAITING) > 0, "sealing waits for the slow transaction")
    slow.commit()
    slow.close()
    sealing.join()
    database.value("select grid.close_sealed_windows(%s)", (AT,))
    closed = database.rows(
        "select to_char(window_start at time zone 'UTC', 'HH24:MI') from grid.region_load"
        " where tenant_id = %s and readings > 0 order by window_start",
        (tenant,),
    )
    assert closed == [("10:00",), ("11:00",)]


def test_a_window_that_fails_holds_up_its_own_tenant_alone(database: Database) -> None:
    tenants = [add_meter(database, code) for code in ("failing", "healthy")]
    with database.connect() as session:
        for tenant, meter in tenants:
            take_in(session, tenant, meter, "2026-03-02 10:00:00Z")
        session.execute(
            "alter table grid.region_load add constraint trouble"
            f" check (tenant_id <> {tenants[0][0]} or window_start < '2026-03-02 10:30:00Z')"
        )
        session.execute("call grid.close_windows(%s)", (AT,))
    query = "select count(distinct window_start)::int from grid.region_load where tenant_id = %s"
    assert [database.value(query, (tenant,)) for tenant, _ in tenants] == [2, 15]

    with database.connect() as session:
        session.execute("alter table grid.region_load drop constraint trouble")
        session.execute("call grid.close_windows(%s)", (AT,))
    assert [database.value(query, (tenant,)) for tenant, _ in tenants] == [15, 15], "and it catches up"


def test_restating_one_tenant_does_not_hold_up_another(database: Database) -> None:
    tenants = [add_meter(database, code) for code in ("failing", "healthy")]
    with database.connect() as session:
        for tenant, meter in tenants:
            take_in(session, tenant, meter, "2026-03-02 10:00:00Z")
        session.execute("call grid.close_windows(%s)", (AT,))
        for _, meter in tenants:
            for second in range(3):
                session.execute(
                    "insert into grid.reading (ts, meter_id, energy) values (%s, %s, 1)",
                    (f"2026-03-02 10:01:0{second}Z", meter),
                )
        session.execute(
            "alter table grid.region_load add constraint trouble"
            f" check (tenant_id <> {tenants[0][0]} or revision = 1)"
        )
        session.execute("call grid.close_windows(%s)", (AT,))
    query = "select sum(readings)::int from grid.region_load where tenant_id = %s and revision = 2"
    assert [database.value(query, (tenant,)) for tenant, _ in tenants] == [None, 4]

    with database.connect() as session:
        session.execute("alter table grid.region_load drop constraint trouble")
        session.execute("call grid.close_windows(%s)", (AT,))
    assert [database.value(query, (tenant,)) for tenant, _ in tenants] == [4, 4], "nothing was forgotten"


def test_late_readings_are_counted_once_while_windows_close_and_are_restated(database: Database) -> None:
    tenant, _ = add_meter(database, "racing")
    many = [
        {"meter_id": f"R-{n}", "region": "south", "installed_at": "2026-01-01T00:00:00Z"} for n in range(20)
    ]
    database.rows("select grid.register_meters(%s, %s)", (tenant, json.dumps(many)))
    meters = [
        row[0] for row in database.rows("select meter_id from grid.meter where tenant_id = %s", (tenant,))
    ]
    with database.connect() as session:
        for meter in meters:
            take_in(session, tenant, meter, "2026-03-02 10:00:00Z")

    def send(seed: int) -> None:
        chance = random.Random(seed)
        with database.connect() as session:
            for number in range(60):
                ts = f"2026-03-02 {10 + chance.randrange(2)}:{chance.randrange(60):02}:{seed:02}.{number:03}Z"
                session.execute(
                    "insert into grid.reading (ts, meter_id, energy)"
                    " select %s, m, m from unnest(%s::int[]) as m",
                    (ts, chance.sample(meters, chance.randrange(1, 4))),
                )

    senders = [threading.Thread(target=send, args=(seed,)) for seed in range(1, 4)]
    for sender in senders:
        sender.start()
    with database.connect() as session:
        while any(sender.is_alive() for sender in senders):
            session.execute("call grid.close_windows(%s)", (AT,))
        session.execute("call grid.close_windows(%s)", (AT,))
    wrong = database.rows(
        """
        select w.start, l.energy, l.readings, l.meters, s.*
        from (select distinct window_start as start from grid.region_load where tenant_id = %(tenant)s) as w
        cross join lateral (
            select sum(r.energy)::bigint, count(*), count(distinct r.meter_id)
            from grid.reading as r join grid.meter as m using (meter_id)
            where m.tenant_id = %(tenant)s and grid.window_start(r.ts) = w.start
        ) as s (energy, readings, meters)
        cross join lateral (
            select sum(o.energy), sum(o.readings), sum(o.meters)
            from (
                select distinct on (region_id) energy, readings, meters
                from grid.region_load
                where tenant_id = %(tenant)s and window_start = w.start
                order by region_id, revision desc
            ) as o
        ) as l (energy, readings, meters)
        where (coalesce(s.energy, 0), s.readings, s.meters) is distinct from (l.energy, l.readings, l.meters)
        """,
        {"tenant": tenant},
    )
    assert wrong == []
    assert database.value("select count(*)::int from grid.late_window") == 0


def test_inserts_do_not_wait_for_a_second_refresh(database: Database) -> None:
    if database.value("select rollup.driver()") != "incremental":
        pytest.skip("continuous aggregates keep their own threshold")
    _, meter = add_meter(database, "waiting")
    insert = "insert into grid.reading (ts, meter_id, energy) values (%s, %s, 1)"
    with database.connect() as session:
        session.execute(insert, ("2026-03-02 10:00:00Z", meter))
        refreshing = psycopg.connect(database.admin_url)
        refreshing.execute("select pg_advisory_xact_lock('rollup.definition'::regclass::oid::bigint)")
        refreshing.execute("select from rollup.definition for update")
        # Whoever waits for the first one waits for ever: the deadline ends it.
        session.execute("select set_config('statement_timeout', %s, false)", (f"{patient(2):g}s",))
        session.execute("select rollup.advance(%s)", (AT,))
        session.execute(insert, ("2026-03-02 10:01:00Z", meter))
        refreshing.close()
