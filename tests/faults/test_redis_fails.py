"""Redis is flushed, stopped, killed and frozen under load: slower, never wrong."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stack.runtime import Runtime
from tests.faults.load import Load
from tests.support.cluster import Database
from tests.support.ingest import now, reading
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.servers import Redis


@pytest.fixture
def platform(
    runtime: Runtime, database: Database, own_redis: Redis, keys: Keys, tmp_path: Path
) -> Iterator[Platform]:
    """A platform whose Redis is ours to break."""
    with Platform(runtime, tmp_path, keys, database, own_redis).running() as running:
        yield running


@asynccontextmanager
async def load_on(platform: Platform) -> AsyncIterator[Load]:
    load = Load(platform.url, platform.keys)
    async with load.running():
        await load.more(2000)
        yield load
    load.check(platform.database)
    assert not load.unanswered
    assert set(load.answers) == {200}, f"clients noticed: {load.answers}"


async def test_flushed(platform: Platform) -> None:
    async with load_on(platform) as load:
        for _ in range(5):
            platform.redis.flush()
            await load.more(500)


async def test_stopped_and_started(platform: Platform) -> None:
    async with load_on(platform) as load:
        await asyncio.to_thread(platform.redis.stop)
        await load.more(1000, "readings are taken without Redis")
        await platform.redis.up_again()
        await load.more(1000, "readings are taken with Redis again")


async def test_killed_and_started(platform: Platform) -> None:
    async with load_on(platform) as load:
        platform.redis.kill()
        await load.more(1000, "readings are taken without Redis")
        await platform.redis.up_again()
        await load.more(1000, "readings are taken with Redis again")


async def test_frozen(platform: Platform) -> None:
    async with load_on(platform) as load:
        platform.redis.signal(signal.SIGSTOP)
        try:
            await load.more(1000, "readings are taken while Redis does not answer")
        finally:
            platform.redis.signal(signal.SIGCONT)
        await load.more(1000, "readings are taken with Redis again")


async def test_a_retry_after_redis_forgot_counts_once(platform: Platform) -> None:
    batch = [reading(n, now()) for n in range(1, 50)]
    async with platform.gateway() as gateway:
        assert (await gateway.send(batch))["accepted"] == len(batch)
        await asyncio.to_thread(platform.redis.stop)
        await platform.redis.up_again()
        answer = await gateway.send(batch)
    assert (answer["accepted"], answer["duplicates"]) == (0, len(batch))
    assert platform.database.value("select count(*) from grid.reading") == len(batch)
