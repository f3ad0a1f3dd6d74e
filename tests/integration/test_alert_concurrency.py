"""The same meter violates a rule many times at once: one alert, and every occurrence counted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg

from tests.support.cluster import Database
from tests.support.wait import wait_until

RAISE = """
select alert.raise(m.tenant_id, m.meter_id, 'high', 'warning', '2026-01-01 10:15Z', %s, 1)
from grid.meter as m where m.code = 'SIM-00001'
"""
BLOCKERS = "select cardinality(pg_blocking_pids(%s))"
ALERTS = "select count(*), sum(occurrences) from alert.alert"


def wait_until_blocked(watcher: psycopg.Connection[Any], connection: psycopg.Connection[Any]) -> None:
    """Until ``connection``'s statement waits for someone else's transaction."""
    pid = connection.info.backend_pid
    wait_until(lambda: watcher.execute(BLOCKERS, (pid,)).fetchone() == (1,), "one to wait for the other")


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in ``count`` threads that begin together; any error is raised here."""
    barrier = Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))


def test_200_concurrent_violations_are_one_alert(database: Database) -> None:
    def violate(number: int) -> None:
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            for repeat in range(10):
                connection.execute(RAISE, (number * 10 + repeat,))

    at_once(20, violate)

    with psycopg.connect(database.admin_url) as connection:
        assert connection.execute(ALERTS).fetchall() == [(1, 200)]
        topics = connection.execute("select topic, count(*) from event.log group by 1 order by 1").fetchall()
        assert topics == [("alert.raised", 1), ("alert.repeated", 199)]


def test_who_comes_second_waits_and_counts(database: Database) -> None:
    with (
        psycopg.connect(database.admin_url) as first,
        psycopg.connect(database.admin_url, autocommit=True) as second,
        psycopg.connect(database.admin_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        first.execute(RAISE, (2,))
        later = pool.submit(lambda: second.execute(RAISE, (3,)).fetchone())
        wait_until_blocked(watcher, second)
        first.commit()
        later.result()
        assert watcher.execute(ALERTS).fetchall() == [(1, 2)]


def test_who_comes_second_raises_when_the_first_gives_up(database: Database) -> None:
    with (
        psycopg.connect(database.admin_url) as first,
        psycopg.connect(database.admin_url, autocommit=True) as second,
        psycopg.connect(database.admin_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        first.execute(RAISE, (2,))
        later = pool.submit(lambda: second.execute(RAISE, (3,)).fetchone())
        wait_until_blocked(watcher, second)
        first.rollback()
        later.result()
        assert watcher.execute(ALERTS).fetchall() == [(1, 1)]


def test_detection_counts_on_an_alert_raised_at_the_same_moment(database: Database) -> None:
    """Detection has looked already when the other transaction commits its alert."""
    with (
        psycopg.connect(database.admin_url) as first,
        psycopg.connect(database.admin_url, autocommit=True) as second,
        psycopg.connect(database.admin_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        watcher.execute(
            "insert into grid.reading (ts, meter_id, energy)"
            " select '2026-01-01 10:05Z', meter_id, case when code = 'SIM-00001' then 3000000 else 1000 end"
            " from grid.meter"
        )
        first.execute(RAISE, (2,))
        tenant = watcher.execute("select tenant_id from grid.tenant where code = 'demo'").fetchone()
        assert tenant is not None
        detect = "select alert.detect(%s, '2026-01-01 10:00Z')"
        later = pool.submit(lambda: second.execute(detect, tenant).fetchone())
        wait_until_blocked(watcher, second)
        first.commit()
        assert later.result() == (0,)
        assert watcher.execute(ALERTS).fetchall() == [(1, 2)]
