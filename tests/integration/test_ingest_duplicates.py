"""A reading counts once, no matter who sends it how often, and whatever Redis knows, forgets or does."""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.servers import Redis
from tests.support.wait import patient, wait_until_async

COUNT = "select count(*), sum(energy) from grid.reading"


def batch(numbers: range, seconds: int = 0) -> list[dict[str, Any]]:
    at = now().replace(microsecond=0) - timedelta(hours=1) + timedelta(seconds=seconds)
    return [reading(number, at, kwh=number / 1000) for number in numbers]


async def test_a_retry_counts_once(gateway: Gateway, database: Database) -> None:
    readings = batch(range(1, 51))
    assert (await gateway.send(readings))["accepted"] == 50
    before = database.rows(COUNT)
    for _ in range(3):
        assert await gateway.send(readings) == {"accepted": 0, "duplicates": 50, "rejected": []}
    assert database.rows(COUNT) == before


async def test_only_the_new_readings_of_an_overlapping_batch_count(
    gateway: Gateway, database: Database
) -> None:
    readings = batch(range(1, 31))
    await gateway.send(readings[:20])
    assert await gateway.send(readings[10:]) == {"accepted": 10, "duplicates": 10, "rejected": []}
    assert database.value("select count(*) from grid.reading") == 30


async def test_late_readings_are_not_taken_for_duplicates(gateway: Gateway, database: Database) -> None:
    middle, early, late = (batch(range(1, 11), seconds) for seconds in (100, 50, 150))
    await gateway.send(middle)
    assert (await gateway.send(early))["accepted"] == 10
    assert await gateway.send(early + late) == {"accepted": 10, "duplicates": 10, "rejected": []}
    assert database.value("select count(*) from grid.reading") == 30


async def test_redis_flushed_between_retries(
    gateway: Gateway, database: Database, redis_server: Redis
) -> None:
    readings = batch(range(1, 21))
    await gateway.send(readings)
    redis_server.flush()
    fresh = batch(range(1, 21), 10)
    assert await gateway.send(readings + fresh) == {"accepted": 20, "duplicates": 20, "rejected": []}
    assert database.value("select count(*) from grid.reading") == 40


async def test_times_that_claim_too_much_lose_nothing(gateway: Gateway, database: Database) -> None:
    readings = batch(range(1, 21))
    await gateway.send(readings)
    # The readings are gone from the table, as after a restore.
    database.rows("delete from grid.reading")
    assert (await gateway.send(readings))["accepted"] == 20
    assert database.value("select count(*) from grid.reading") == 20


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=patient(5)) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def conflicts(url: str) -> float:
    """How often a write of this worker has met a duplicate that it did not expect."""
    return metric(url, "segs_ingest_copy_conflicts_total")


async def knows(url: str, meters: int) -> None:
    await wait_until_async(
        lambda: metric(url, "segs_ingest_known_meters") == meters, f"it knows of {meters} meters"
    )


async def test_what_one_process_stores_the_others_expect(
    start_ingest: Any, keys: Keys, database: Database
) -> None:
    first, second = start_ingest(), start_ingest()
    readings = batch(range(1, 21))
    async with Gateway.open(first.url, keys.mint("device")) as gateway:
        await gateway.send(readings)
    await knows(second.url, 20)
    async with Gateway.open(second.url, keys.mint("device")) as gateway:
        assert (await gateway.send(readings))["duplicates"] == 20
    assert conflicts(second.url) == 0
    assert database.value("select count(*) from grid.reading") == 20


async def test_a_process_that_starts_later_knows_what_was_stored(
    start_ingest: Any, keys: Keys, redis_server: Redis, database: Database
) -> None:
    readings = batch(range(1, 21))
    first = start_ingest()
    async with Gateway.open(first.url, keys.mint("device")) as gateway:
        await gateway.send(readings)
    first.stop()
    second = start_ingest()
    await knows(second.url, 20)
    async with Gateway.open(second.url, keys.mint("device")) as gateway:
        assert (await gateway.send(readings))["duplicates"] == 20
    assert conflicts(second.url) == 0
    second.stop()

    redis_server.flush()
    third = start_ingest()
    async with Gateway.open(third.url, keys.mint("device")) as gateway:
        assert (await gateway.send(readings))["duplicates"] == 20
        assert (await gateway.send(readings))["duplicates"] == 20
    assert conflicts(third.url) == 1
    assert database.value("select count(*) from grid.reading") == 20


async def test_the_same_batch_many_times_at_once(start_ingest: Any, keys: Keys, database: Database) -> None:
    servers = [start_ingest(SEGS_INGEST_WRITERS="3") for _ in range(2)]
    readings = batch(range(1, 41))
    async with (
        Gateway.open(servers[0].url, keys.mint("device")) as first,
        Gateway.open(servers[1].url, keys.mint("device")) as second,
    ):
        sent = [gateway.send(readings[::step]) for gateway in (first, second) for step in [1, -1] * 8]
        answers = await asyncio.gather(*sent)
    assert sum(answer["accepted"] for answer in answers) == 40
    assert all(answer["accepted"] + answer["duplicates"] == 40 for answer in answers)
    assert database.value("select count(*) from grid.reading") == 40
    assert database.rows("select sum(accepted), sum(duplicates) from ingest.batch") == [(40, 31 * 40)]


async def test_many_small_requests_share_writes(gateway: Gateway, database: Database) -> None:
    readings = [item for second in range(5) for item in batch(range(1, 101), second)]
    answers = await asyncio.gather(*(gateway.send([item]) for item in readings))
    assert all(answer["accepted"] == 1 for answer in answers)
    assert database.value("select count(*) from grid.reading") == 500
    assert database.value("select count(*) from ingest.batch") < 500
    assert database.value("select sum(accepted) from ingest.batch") == 500


@pytest.mark.parametrize("fault", ["stopped", "hung", "absent"])
async def test_without_redis_all_works(
    start_ingest: Any, keys: Keys, database: Database, redis_server: Redis, fault: str
) -> None:
    settings = {"SEGS_REDIS_URL": "redis://:nobody@127.0.0.1:9/0"} if fault == "absent" else {}
    server = start_ingest(**settings)
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        readings = batch(range(1, 21))
        await gateway.send(readings)
        pid = redis_server.pid
        assert pid is not None
        if fault == "stopped":
            redis_server.stop()
        elif fault == "hung":
            os.kill(pid, signal.SIGSTOP)
        try:
            assert (await gateway.send(readings))["duplicates"] == 20
            assert (await gateway.send(batch(range(1, 21), 10)))["accepted"] == 20
            async with gateway.session.get("/health") as response:
                report = await response.json()
                assert (response.status, report["ready"], report["redis"]) == (200, True, "away")
        finally:
            if fault == "stopped":
                redis_server.up()
            elif fault == "hung":
                os.kill(pid, signal.SIGCONT)
        assert (await gateway.send(readings))["duplicates"] == 20
    assert database.value("select count(*) from grid.reading") == 40
