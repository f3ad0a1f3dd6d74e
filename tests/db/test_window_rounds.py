"""Closing by the clock, round by round: what is due now does not wait for what is left of the past."""

from __future__ import annotations

import threading
from datetime import datetime

from tests.db.test_window_races import add_meter
from tests.support.cluster import Database
from tests.support.wait import patient, wait_until

# A reading in each window of the last weeks, all of which are sealed.
BEHIND = """
with sent as (
    insert into grid.reading (ts, meter_id, energy)
    select grid.window_start(now()) - n * interval '15 minutes', m, 1000
    from unnest(%(meters)s::int[]) as m, generate_series(1, 3000) as n
)
insert into grid.window_progress (tenant_id, sealed_until, closed_until)
select t, grid.window_start(now()), grid.window_start(now()) - interval '45000 minutes'
from unnest(%(tenants)s::int[]) as t
"""
LEFT = "select count(*)::int from grid.window_progress where closed_until < sealed_until and tenant_id <> %s"
LOADS = "select count(*)::int from grid.region_load"
LOAD = "select min(closed_at) from grid.region_load where tenant_id = %s and readings > 0"


def test_a_window_that_becomes_due_during_a_run_closes_in_it(database: Database) -> None:
    behind = [add_meter(database, f"behind-{n}") for n in range(13)]
    live, meter = add_meter(database, "live")
    with database.connect() as session:
        session.execute("update ingest.limits set window_grace = '0'")
        session.execute(BEHIND, {"tenants": [t for t, _ in behind], "meters": [m for _, m in behind]})
    began: datetime = database.value("select clock_timestamp()")
    with database.connect() as session:
        run = threading.Thread(target=session.execute, args=("call grid.close_windows()",))
        run.start()
        try:
            wait_until(lambda: database.value(LOADS) > 100, "the run is on")
            # Its first reading comes now, and its window is over: the same run seals and closes it.
            with database.connect() as other:
                other.execute(
                    "insert into grid.reading (ts, meter_id, energy)"
                    " values (grid.window_start(now()) - interval '5 minutes', %s, 1000)",
                    (meter,),
                )
            wait_until(lambda: database.value(LOAD, (live,)), "the live window closes", timeout=60)
            assert database.value(LEFT, (live,)) > 0, "while others have weeks to go"
        finally:
            run.join(patient(60))
    assert not run.is_alive(), "a run leaves what is left to the next one"
    assert database.value(LEFT, (live,)) > 0
    closed: datetime = database.value(LOAD, (live,))
    assert closed > began, "it bears its own time"
    times = database.value("select count(distinct closed_at)::int from grid.region_load")
    assert times > 100, "as the others do, each its own"


def test_closing_does_not_wait_for_what_the_queue_holds(database: Database) -> None:
    """Both say that the queue is looked after; draining may wait long for another's insert."""
    meter = database.value(
        "select m.meter_id from grid.meter as m join grid.tenant as t using (tenant_id)"
        " where t.code = 'demo' and m.code = 'SIM-00001'"
    )
    stamp = database.value("select date_trunc('minute', now())")
    with database.connect() as session, database.connect(autocommit=False) as other:
        other.execute("insert into grid.reading (ts, meter_id, energy) values (%s, %s, 1000)", (stamp, meter))
        session.execute(
            "select pgmq.send('raw_readings', jsonb_build_object('tenant', 'demo',"
            " 'readings', jsonb_build_array("
            "jsonb_build_object('meter_id', 'SIM-00001', 'timestamp', to_json(%s::timestamptz), 'kwh', 0.001)"
            ")))",
            (stamp,),
        )
        drain = threading.Thread(target=session.execute, args=("call ingest.drain()",))
        drain.start()
        try:
            pid = session.info.backend_pid
            wait_until(
                lambda: database.value("select cardinality(pg_blocking_pids(%s))", (pid,)) > 0,
                "draining waits for the other",
            )
            with database.connect() as closing:
                closing.execute("select set_config('statement_timeout', %s, false)", (f"{patient(30):g}s",))
                closing.execute("call grid.close_windows()")
            assert drain.is_alive(), "all the while"
        finally:
            other.rollback()
            drain.join(patient(60))
    assert database.value("select count(*)::int from grid.reading where meter_id = %s", (meter,)) == 1


def test_windows_that_stay_as_they_are_hold_up_none_behind_them(database: Database) -> None:
    tenant, meter = add_meter(database, "same")
    with database.connect() as session:
        session.execute(
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until)"
            " values (%s, '2026-03-02 12:00Z', '2026-03-02 12:00Z')",
            (tenant,),
        )
        for _ in range(2):  # the second time nothing has changed
            session.execute(
                "insert into grid.late_window (tenant_id, meter_id, window_start)"
                " select %s, %s, '2026-03-02 10:00Z'::timestamptz - n * interval '15 minutes'"
                " from generate_series(1, 30) as n",
                (tenant, meter),
            )
            session.execute("call grid.close_windows('2026-03-02 12:01Z')")
            assert database.value("select count(*)::int from grid.late_window") == 0
