"""PostgreSQL is killed, as by a power cut."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import psycopg

from tests.faults.load import Load
from tests.support.cluster import Database
from tests.support.ingest import now
from tests.support.platform import Platform
from tests.support.servers import Postgres


async def test_killed_under_load_every_answered_reading_is_there_once(
    durable_platform: Platform, durable_postgres: Postgres
) -> None:
    load = Load(durable_platform.url, durable_platform.keys)
    async with load.running():
        await load.more(4000)
        for _ in range(2):
            durable_postgres.kill()
            await durable_postgres.up_again()
            await load.more(2000, "readings are taken again after the crash")
    load.check(durable_platform.database)
    assert not load.unanswered
    assert load.answers.get(503), "no client saw the crash: was there load?"


async def test_killed_while_windows_close_each_closes_once(
    durable_platform: Platform, durable_postgres: Postgres
) -> None:
    platform, database = durable_platform, durable_platform.database
    platform.simulate("--meters", "40", "--history", "8h", "--iterations", "0", "--interval", "300")
    at = now() + timedelta(minutes=3)
    crashes = 0
    closed = 0
    async with platform.listen() as client:
        while True:
            closing = threading.Thread(target=close_ignoring_the_crash, args=(database, at))
            closing.start()
            # as soon as a few more windows are closed, while it closes the next ones
            while closing.is_alive() and crashes < 3:
                if (seen := windows(database)) > closed + 4:
                    closed = seen
                    durable_postgres.kill()
                    crashes += 1
                    closing.join()
                    durable_postgres.up()
            closing.join()
            if crashes >= 3 or windows(database) == expected_windows(database):
                break
        platform.close_windows(at)
        assert crashes, "the windows were closed before anybody could kill the server"
        heard = await client.events(database.value("select count(*) from event.log"))
    assert windows(database) == expected_windows(database)
    assert database.value("select count(*) from grid.region_load where revision > 1") == 0
    for topic, table in (("load.closed", "grid.region_load"), ("price.published", "tariff.price")):
        told = [(e["region"], e["payload"]["window_start"]) for e in heard if e["topic"] == topic]
        assert len(told) == len(set(told)) == database.value(f"select count(*) from {table}")
    alerts = [e["payload"]["alert_id"] for e in heard if e["topic"] == "alert.raised"]
    assert sorted(alerts) == [row[0] for row in database.rows("select alert_id from alert.alert order by 1")]


def close_ignoring_the_crash(database: Database, at: object) -> None:
    with contextlib.suppress(psycopg.OperationalError):
        database.rows("call grid.close_windows(%s)", (at,))


def windows(database: Database) -> int:
    return int(database.value("select count(distinct window_start) from grid.region_load"))


def expected_windows(database: Database) -> int:
    return int(
        database.value(
            "select extract(epoch from p.closed_until - f.first_window) / 900"
            " from grid.window_progress as p cross join grid.first_window(p.tenant_id) as f (first_window)"
            " where p.closed_until = p.sealed_until"
        )
        or 0
    )
