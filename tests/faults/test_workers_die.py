"""The ingest worker and the relay are killed."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

from aiohttp import WSMsgType

from tests.faults.load import Load
from tests.support.ingest import now, reading
from tests.support.platform import Platform
from tests.support.relay import Frame
from tests.support.wait import patient, wait_until_async


async def test_ingest_killed_under_load_loses_and_repeats_nothing(platform: Platform) -> None:
    load = Load(platform.url, platform.keys)
    async with load.running():
        await load.more(3000)
        for _ in range(3):
            platform.ingest.kill()
            await platform.ingest.up_again()
            await load.more(1500, "readings are taken again")
    load.check(platform.database)
    assert not load.unanswered


async def test_ingest_stopped_under_load_answers_what_it_took(platform: Platform) -> None:
    load = Load(platform.url, platform.keys)
    async with load.running():
        await load.more(3000)
        await asyncio.to_thread(platform.ingest.stop)
        await platform.ingest.up_again()
        await load.more(1500, "readings are taken again")
    load.check(platform.database)


async def test_relay_killed_while_windows_close_leaves_no_gap(platform: Platform) -> None:
    """Clients reconnect with their last cursor: nothing is missing, nothing comes twice, in order."""
    platform.simulate("--meters", "40", "--history", "6h", "--iterations", "0", "--interval", "300")
    heard: list[Frame] = []
    async with platform.listen() as client:
        closing = asyncio.create_task(asyncio.to_thread(platform.close_windows, now() - timedelta(hours=3)))
        heard += await client.events(5)
        platform.relay.kill()
        while (message := await client.ws.receive(timeout=patient(20))).type is WSMsgType.TEXT:
            heard.append(message.json())  # what was on its way still arrives
    await closing
    closing = asyncio.create_task(asyncio.to_thread(platform.close_windows))  # while it starts
    await platform.relay.up_again()
    await closing
    cursors = platform.database.rows("select event.cursor(xid, id) from event.log order by xid, id")
    expected = [row[0] for row in cursors]
    assert 5 <= len(heard) < len(expected)
    async with platform.listen(cursor=heard[-1]["cursor"]) as client:
        heard += await client.events(len(expected) - len(heard))
        await client.send("ping")
        assert (await client.receive())["type"] == "pong", "and nothing after that"
    assert [event["cursor"] for event in heard] == expected


async def test_frozen_ingest_costs_time_alone(platform: Platform) -> None:
    load = Load(platform.url, platform.keys)
    async with load.running():
        await load.more(2000)
        platform.ingest.signal(signal.SIGSTOP)
        answered = len(load.answered)
        stored = platform.database.value("select count(*) from grid.reading")
        assert stored >= answered
        platform.ingest.signal(signal.SIGCONT)
        await load.more(1000, "readings are taken again")
    load.check(platform.database)


async def test_windows_wait_for_a_slow_insert(platform: Platform) -> None:
    """Readings of a transaction that is open while windows are sealed are part of the load in the end."""
    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    database = platform.database
    async with platform.gateway() as gateway:
        await gateway.send([reading(1, start + timedelta(minutes=m)) for m in range(30)])
    with database.connect("segs_ingest", autocommit=False) as slow:
        meter = database.value("select meter_id from grid.meter where code = 'SIM-00006'")
        slow.execute(
            "insert into grid.reading (ts, meter_id, energy) values (%s, %s, 5000000)",
            (start + timedelta(minutes=5), meter),
        )
        closing = asyncio.create_task(asyncio.to_thread(platform.close_windows))
        await wait_until_async(
            lambda: (
                closing.done()
                or database.value("select count(*) from pg_locks where not granted and locktype = 'advisory'")
            ),
            "closing waits for the insert",
        )
        slow.commit()
    await closing
    platform.close_windows()
    total = database.value(
        "select energy from grid.region_load join grid.region using (region_id)"
        " where code = 'north' and window_start = %s order by revision desc limit 1",
        (start,),
    )
    assert total == database.value(
        "select sum(energy) from grid.reading where ts >= %s and ts < %s",
        (start, start + timedelta(minutes=15)),
    )
