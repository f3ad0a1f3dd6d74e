"""The simulator against the real way in: what it says it sent is what the database has."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp

from simulator import uci
from simulator.display import Display
from simulator.faults import FaultModel, Faults
from simulator.fleet import Fleet
from simulator.http_sender import HttpSender
from simulator.options import Options
from simulator.pipeline import Sender
from simulator.profiles import Profiles
from simulator.queue_sender import QueueSender
from simulator.rest import Platform
from simulator.run import Run
from simulator.stats import Statistics
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.servers import TestServer

OF_THE_FLEET = "from grid.reading as r join grid.meter as m using (meter_id) where m.code like 'SIM-%%'"


def make_fleet(options: Options) -> Fleet:
    model = FaultModel(options.faults, seed=options.seed, interval=options.interval)
    profiles = Profiles(
        seed=options.seed, meters=options.meters, interval=options.interval, mix="mix", zone="Europe/Berlin"
    )
    return Fleet(profiles, model, meters=options.meters, regions=options.regions)


async def play(
    options: Options, fleet: Fleet, sender: Sender, stats: Statistics, newest: int | None = None
) -> Run:
    run = Run(options, fleet, sender, stats, Display(stats, stream=io.StringIO()))
    if newest:
        run.resume(newest)
    await run.play()
    return run


async def test_a_back_fill_with_faults_is_stored_to_the_milliwatt_hour(
    database: Database, ingest_server: TestServer, keys: Keys
) -> None:
    options = Options(
        meters=100,
        history=3600,
        iterations=0,
        faults=Faults(duplicate=0.05, late=0.05, negative=0.01, spike=0.01),
    )
    fleet, stats = make_fleet(options), Statistics()
    database.rows("update grid.meter set kind = 'two_way'")  # else what is negative would be refused
    async with aiohttp.ClientSession() as http:
        run = await play(
            options, fleet, HttpSender(http, ingest_server.url, keys.mint("device"), stats), stats
        )
    assert not stats.rejected
    assert stats.duplicates == stats.repeats > 0
    assert stats.accepted == stats.sent - stats.repeats
    assert database.value(f"select count(*) {OF_THE_FLEET}") == stats.accepted
    first, last = database.rows(f"select min(r.ts), max(r.ts) {OF_THE_FLEET}")[0]
    assert first == datetime.fromtimestamp(run.first, UTC)
    ticks = range(run.first, int(last.timestamp()) + 1, options.interval)
    expected = sum(int(fleet.readings(tick, fleet.everyone).energy.sum()) for tick in ticks)
    assert database.value(f"select sum(r.energy) {OF_THE_FLEET}") == expected


async def test_meters_are_registered_and_a_restart_is_found(
    database: Database, ingest_server: TestServer, postgrest: str, keys: Keys
) -> None:
    options = Options(meters=130, history=2700, iterations=0, regions=("north", "central"))
    fleet, stats = make_fleet(options), Statistics()
    async with aiohttp.ClientSession() as http:
        platform = Platform(http, postgrest, keys.mint("operator"), print)
        assert (
            await platform.register(fleet, int(time.time()) - 86_400) == 30
        )  # the seed has the first hundred
        assert await platform.register(fleet, int(time.time()) - 86_400) == 0
        assert await platform.newest(fleet) is None
        sender = HttpSender(http, ingest_server.url, keys.mint("device"), stats)
        await play(options, fleet, sender, stats)
        assert not stats.rejected
        newest = await platform.newest(fleet)
        assert newest == int(database.value(f"select max(r.ts) {OF_THE_FLEET}").timestamp())
        again = Statistics()
        resumed = await play(
            options, fleet, HttpSender(http, ingest_server.url, keys.mint("device"), again), again, newest
        )
    assert again.sent < stats.sent
    assert resumed.first <= newest
    assert again.accepted + again.duplicates == again.sent


async def test_a_worker_that_dies_costs_nothing(
    database: Database, ingest_server: TestServer, keys: Keys
) -> None:
    options = Options(meters=100, history=4 * 3600, iterations=0, batch=200, concurrency=4)
    fleet, stats = make_fleet(options), Statistics()
    async with aiohttp.ClientSession() as http:
        sender = HttpSender(http, ingest_server.url, keys.mint("device"), stats)
        playing = asyncio.create_task(play(options, fleet, sender, stats))
        while stats.batches < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(ingest_server.kill)
        while not stats.retries:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await ingest_server.up_again()
        await playing
    assert stats.accepted + stats.duplicates == stats.sent
    assert database.value(f"select count(*) {OF_THE_FLEET}") == stats.sent


async def test_a_rate_limit_is_kept_and_costs_nothing(
    database: Database, start_ingest: Callable[..., TestServer], keys: Keys
) -> None:
    server = start_ingest(SEGS_INGEST_RATE_LIMIT="20", SEGS_INGEST_RATE_BURST="15")
    options = Options(meters=20, history=1800, iterations=0, batch=10, concurrency=8)
    fleet, stats = make_fleet(options), Statistics()
    async with aiohttp.ClientSession() as http:
        await play(options, fleet, HttpSender(http, server.url, keys.mint("device"), stats), stats)
    assert stats.retries > 0
    assert set(stats.retry_reasons) == {"429 rate_limited"}
    assert stats.accepted == stats.sent == database.value(f"select count(*) {OF_THE_FLEET}")


async def test_the_queue_takes_the_same_readings(database: Database) -> None:
    options = Options(meters=50, history=1800, iterations=0, mode="queue")
    fleet, stats = make_fleet(options), Statistics()
    sender = QueueSender(database.admin_url, "demo", stats)
    run = await play(options, fleet, sender, stats)
    await run.close()
    assert stats.queued == stats.sent > 0
    accepted, rejected = database.rows("select sum(accepted), sum(rejected) from ingest.drain_queue(500)")[0]
    assert (accepted, rejected) == (stats.sent, 0)


async def test_measured_days_arrive_as_measured(
    database: Database, ingest_server: TestServer, keys: Keys
) -> None:
    options = Options(meters=100, history=1800, iterations=0, replay="uci")
    player = uci.Replay(uci.load(), seed=options.seed, interval=60, zone="Europe/Berlin")
    fleet = Fleet(player, FaultModel(Faults(), seed=1, interval=60), meters=100, regions=options.regions)
    stats = Statistics()
    async with aiohttp.ClientSession() as http:
        run = await play(
            options, fleet, HttpSender(http, ingest_server.url, keys.mint("device"), stats), stats
        )
    assert stats.accepted == stats.sent
    stored: dict[Any, Any] = dict(
        database.rows(
            f"select m.code, r.energy {OF_THE_FLEET} and r.ts = %s", [datetime.fromtimestamp(run.first, UTC)]
        )
    )
    measured = player.measure(run.first, fleet.everyone)
    assert stored == dict(zip(fleet.codes, measured.energy.tolist(), strict=True))
