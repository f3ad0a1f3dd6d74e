"""The database away, slow or refusing; too much at once; and stopping: nothing answered 2xx is lost."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.servers import TestServer
from tests.support.wait import wait_until_async

POISON = """
create function public.poison() returns trigger language plpgsql as $$
begin
    if exists (select from new_rows where energy = 66000000) then
        raise exception 'poisoned';
    end if;
    return null;
end $$;
grant execute on function public.poison() to public;
create trigger poison after insert on grid.reading
    referencing new table as new_rows for each statement execute function public.poison();
"""


def close_database(database: Database) -> None:
    """From the worker's side the server is gone: no connection is left, and none is let in."""
    with database.connect() as connection:
        connection.execute(f"revoke connect on database {database.name} from public, segs_ingest")
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pg_has_role(usename, 'segs_ingest', 'member')"
            " and pid <> pg_backend_pid()"
        )


def open_database(database: Database) -> None:
    """Undo :func:`close_database`."""
    database.rows(f"grant connect on database {database.name} to public")


async def test_the_database_goes_away_and_comes_back(
    gateway: Gateway, database: Database, ingest_server: TestServer
) -> None:
    await gateway.send([reading(1, now())])
    close_database(database)
    try:

        async def refused() -> bool:
            status, error, headers = await gateway.post_readings([reading(2, now())])
            if status != 503:
                return False
            assert error["code"] == "unavailable"
            assert int(headers["Retry-After"]) >= 1
            return True

        await wait_until_async(refused, "answered 503")
        async with gateway.session.get("/health") as response:
            report = await response.json()
            assert (response.status, report["ready"], report["postgresql"]) == (503, False, "away")
    finally:
        open_database(database)
    item = reading(3, now())
    await gateway.until_accepted([item])
    assert (await gateway.send([item]))["duplicates"] == 1


async def test_a_worker_started_without_a_database_waits_for_it(
    start_ingest: Any, keys: Keys, database: Database
) -> None:
    close_database(database)
    try:
        server = start_ingest(wait=False)
        async with Gateway.open(server.url, keys.mint("device")) as gateway:

            async def answered() -> bool:
                return (await gateway.post_readings([reading(1, now())]))[0] == 503

            await wait_until_async(answered, "answered 503", retry_on=(aiohttp.ClientError,))
            open_database(database)
            await gateway.until_accepted([reading(1, now())])
    finally:
        open_database(database)


async def test_sessions_that_are_ended_are_replaced(gateway: Gateway, database: Database) -> None:
    for number in range(1, 6):
        await gateway.until_accepted([reading(number, now())])
        database.terminate_connections()
    await gateway.until_accepted([reading(9, now())])
    assert database.value("select count(*) from grid.reading") == 6


async def test_one_poisoned_request_fails_alone(start_ingest: Any, keys: Keys, database: Database) -> None:
    server = start_ingest(SEGS_INGEST_WRITERS="1")
    database.rows(POISON)
    at = now()
    readings = [reading(number, at, kwh=66 if number == 13 else 1) for number in range(1, 31)]
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        with database.connect(autocommit=False) as lock:
            # Hold the first write, so that the rest gather behind it and share one.
            lock.execute("lock table ingest.batch in exclusive mode")
            sent = [asyncio.create_task(gateway.post_readings([item])) for item in readings]
            await wait_until_async(lambda: _waiting(gateway, 20), "requests gather")
            lock.rollback()
        answers = await asyncio.gather(*sent)
    assert [answer[0] for answer in answers] == [500 if number == 13 else 200 for number in range(1, 31)]
    assert answers[12][1]["code"] == "internal_error"
    assert database.value("select count(*) from grid.reading") == 29


async def test_a_full_queue_pushes_back(start_ingest: Any, keys: Keys, database: Database) -> None:
    server = start_ingest(SEGS_INGEST_WRITERS="1", SEGS_INGEST_QUEUE_ROWS="10", SEGS_INGEST_WRITE_ROWS="10")
    at = now()
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        with database.connect(autocommit=False) as lock:
            lock.execute("lock table ingest.batch in exclusive mode")
            sent = [
                asyncio.create_task(gateway.post_readings([reading(number, at)])) for number in range(1, 61)
            ]
            await wait_until_async(lambda: any(task.done() for task in sent), "some are refused")
            lock.rollback()
        answers = await asyncio.gather(*sent)
        statuses = [status for status, _, _ in answers]
        assert set(statuses) == {200, 503}
        assert all("Retry-After" in headers for status, _, headers in answers if status == 503)
        assert database.value("select count(*) from grid.reading") == statuses.count(200)
        await gateway.until_accepted([reading(number, at) for number in range(1, 61)])
    assert database.value("select count(*) from grid.reading") == 60


async def test_a_database_that_does_not_answer_costs_a_bounded_wait(
    start_ingest: Any, keys: Keys, database: Database
) -> None:
    server = start_ingest(SEGS_INGEST_WRITE_TIMEOUT="0.5")
    item = reading(1, now())
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        with database.connect(autocommit=False) as lock:
            lock.execute("lock table ingest.batch in exclusive mode")
            status, error, headers = await gateway.post_readings([item])
            assert (status, error["code"], "Retry-After" in headers) == (503, "unavailable", True)
            lock.rollback()
        await gateway.until_accepted([item])
    assert database.value("select count(*) from grid.reading") == 1


@pytest.mark.parametrize("requests", [40])
async def test_a_stopping_worker_finishes_what_it_took(
    start_ingest: Any, keys: Keys, database: Database, requests: int
) -> None:
    server = start_ingest()
    at = now() - timedelta(hours=1)
    accepted: list[int] = []

    async def sender(gateway: Gateway, number: int) -> None:
        for step in range(1000):
            try:
                status, answer, _ = await gateway.post_readings(
                    [reading(number, at + timedelta(seconds=step))]
                )
            except aiohttp.ClientError:
                return
            if status == 200:
                accepted.append(answer["accepted"])
            else:
                assert status == 503, json.dumps(answer)
                return

    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        senders = [asyncio.create_task(sender(gateway, number)) for number in range(1, requests + 1)]
        await wait_until_async(lambda: len(accepted) > 100, "readings flow")
        await asyncio.to_thread(server.stop)
        await asyncio.gather(*senders)
    # Committed but not answered is possible (the client will retry); answered but not committed is not.
    assert database.value("select count(*) from grid.reading") == sum(accepted)
    assert any("stopped" in line for line in server.log())


async def _waiting(gateway: Gateway, rows: int) -> bool:
    async with gateway.session.get("/metrics") as response:
        text = await response.text()
    (value,) = [line.split()[1] for line in text.splitlines() if line.startswith("segs_ingest_waiting_rows ")]
    return float(value) >= rows


async def test_what_one_writer_gathers_another_may_store(
    start_ingest: Any, keys: Keys, database: Database
) -> None:
    server = start_ingest(SEGS_INGEST_WRITE_INTERVAL="0.1")
    at = now().replace(microsecond=0) - timedelta(hours=1)
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        for second in range(3):
            moment = at + timedelta(minutes=second)
            await gateway.send([reading(1, moment)])
            # one writer waits for more like this; the other is woken by what is worth a write of its own
            small = asyncio.create_task(gateway.send([reading(2, moment)]))
            await asyncio.sleep(0.02)
            large = [
                reading(number, moment + timedelta(seconds=s)) for number in range(3, 53) for s in range(30)
            ]
            assert (await gateway.send(large))["accepted"] == 1500
            assert (await small)["accepted"] == 1
            await asyncio.sleep(0.12)
    assert database.value("select count(*) from grid.reading") == 3 * 1502
    assert [line for line in server.log() if "ERROR" in line] == []
