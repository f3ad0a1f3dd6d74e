"""Peers that are slow, silent, rude or many; and the end of the relay itself."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
import pytest

from tests.conftest import StartWorker
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.relay import (
    add_tenant,
    add_user,
    connect,
    emit,
    emit_many,
    numbers,
    tenant_code,
    tenant_id,
)
from tests.support.servers import TestServer
from tests.support.wait import patient, wait_until_async
from workers.relay.cursor import Cursor


async def metric(relay: TestServer, name: str) -> float:
    """The value of a metric, 0 if it has not been counted yet."""
    async with aiohttp.ClientSession() as http, http.get(f"{relay.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


async def test_a_slow_client_is_dropped_with_a_reason_and_resumes(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay = start_relay(SEGS_RELAY_BUFFER_EVENTS="50")
    demo = tenant_id(database)
    token = keys.mint("operator")
    count = 600
    async with (
        connect(relay.url, token, receive_buffer=16 * 1024) as slow,
        connect(relay.url, token) as quick,
    ):
        await slow.subscribe()
        await quick.subscribe()
        for first in range(0, count, 20):  # as fast as the quick client reads
            emit_many(database, demo, range(first, first + 20), size=10_000)
            assert numbers(await quick.events(20)) == list(range(first, first + 20))

        async def dropped() -> bool:
            return await metric(relay, 'segs_relay_drops_total{reason="slow"}') == 1

        await wait_until_async(dropped, "the slow client is dropped")
        got, cursor = [], ""
        while True:
            message = await slow.ws.receive(timeout=patient(20))
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            frame = message.json()
            got.append(frame["payload"]["n"])
            cursor = frame["cursor"]
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1013
        assert message.extra == f"too slow; resume with cursor {cursor}"
    assert 0 < len(got) < count
    async with connect(relay.url, token) as again:
        await again.subscribe(cursor=cursor)
        got += numbers(await again.events(count - len(got)))
    assert got == list(range(count))


async def test_a_slow_replay_waits_for_its_reader(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    """What a resuming client missed may be far more than its buffer: it is read as fast as it can take it."""
    relay = start_relay(SEGS_RELAY_BUFFER_EVENTS="50", SEGS_RELAY_HISTORY_EVENTS="10")
    demo = tenant_id(database)
    async with connect(relay.url, keys.mint("operator"), receive_buffer=16 * 1024) as client:
        begin = client.welcome["cursor"]
        emit_many(database, demo, range(400), size=10_000)
        await client.subscribe(cursor=begin)
        assert numbers(await client.events(400)) == list(range(400))


async def test_a_silent_peer_is_dropped(start_relay: StartWorker, keys: Keys) -> None:
    relay = start_relay(SEGS_RELAY_PING_INTERVAL="0.2")
    token = keys.mint("operator")
    async with (
        connect(relay.url, token, autoping=False) as silent,
        connect(relay.url, token) as answering,
    ):
        heard = asyncio.create_task(answering.receive())  # answers pings, and hears nothing else
        pings = 0
        while True:
            message = await silent.ws.receive(timeout=patient(20))
            if message.type is not aiohttp.WSMsgType.PING:
                break
            pings += 1
        assert pings == 2
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert (message.data, message.extra) == (4408, "no answer to pings")
        await answering.send("ping")
        assert (await heard)["type"] == "pong"


async def test_protocol_errors_are_frames_and_the_socket_stays(relay_server: TestServer, keys: Keys) -> None:
    bad = {
        "{": "malformed_json",
        "[" * 2000: "malformed_json",
        "[]": "invalid_frame",
        "{}": "unknown_type",
        '{"type":"sing"}': "unknown_type",
        '{"type":"subscribe","topics":"alert"}': "invalid_frame",
        '{"type":"subscribe","topics":["weather"]}': "invalid_frame",
        '{"type":"subscribe","meters":[1]}': "invalid_frame",
        '{"type":"subscribe","colour":"red"}': "invalid_frame",
        '{"type":"subscribe","regions":["\\u0000"]}': "unknown_region",
    }
    async with connect(relay_server.url, keys.mint("operator")) as client:
        for text, code in bad.items():
            await client.ws.send_str(text)
            frame = await client.expect("error")
            assert set(frame) == {"type", "code", "message", "details", "hint"}
            assert frame["code"] == code, (text, frame)
        await client.ws.send_bytes(b"\x00\xff")
        assert (await client.expect("error"))["code"] == "binary_frame"
        await client.subscribe()


async def test_a_frame_too_large_ends_the_connection(relay_server: TestServer, keys: Keys) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.ws.send_str("x" * 100_000)
        code, _ = await client.closed()
    assert code == 1009


async def test_a_flood_ends_the_connection(relay_server: TestServer, keys: Keys) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                await client.send("ping")
        code, reason = await client.closed()
    assert (code, reason) == (4429, "too many frames")


async def test_a_graceful_stop_says_goodbye_and_clients_resume(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    token = keys.mint("operator")
    async with connect(relay_server.url, token) as client:
        await client.subscribe()
        emit_many(database, demo, range(3))
        cursor = (await client.events(3))[-1]["cursor"]
        stopping = asyncio.create_task(asyncio.to_thread(relay_server.stop))
        code, reason = await client.closed()
        assert code == 1001
        assert "resume" in reason
        await stopping
    emit_many(database, demo, range(3, 6))
    await relay_server.up_again()
    async with connect(relay_server.url, token) as client:
        await client.subscribe(cursor=cursor)
        assert numbers(await client.events(3)) == [3, 4, 5]


async def test_two_hundred_clients_each_hear_their_own(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay_server = start_relay(SEGS_RELAY_ACCOUNT_CONNECTIONS="100")
    demo, other = tenant_id(database), add_tenant(database)
    account = add_user(database, other, "operator")
    theirs = keys.mint("operator", tenant=tenant_code(database, other), sub=str(account))
    ours = keys.mint("operator")
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connect(relay_server.url, ours if n % 2 else theirs))
            for n in range(200)
        ]
        await asyncio.gather(*(client.subscribe() for client in clients))
        assert await metric(relay_server, "segs_relay_connections") == 200
        for number in range(20):
            emit(database, demo, n=number)
            emit(database, other, n=100 + number)
        heard = await asyncio.gather(*(client.events(20) for client in clients))
        assert await metric(relay_server, "segs_relay_events_total") == 200 * 20
    for n, events in enumerate(heard):
        assert numbers(events) == list(range(20) if n % 2 else range(100, 120))

    async def all_gone() -> bool:
        return await metric(relay_server, "segs_relay_connections") == 0

    await wait_until_async(all_gone, "all are counted out")


async def test_health_and_metrics(relay_server: TestServer, keys: Keys, database: Database) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{relay_server.url}/health") as answer:
        assert answer.status == 200
        assert await answer.json() == {"live": True, "ready": True, "postgresql": "ok", "redis": "ok"}
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        started = time.time()
        emit(database, tenant_id(database))
        event = (await client.events(1))[0]
        Cursor.decode(event["cursor"])
        assert await metric(relay_server, "segs_relay_lag_seconds_count") == 1
        assert await metric(relay_server, "segs_relay_lag_seconds_sum") <= time.time() - started + 1
        assert await metric(relay_server, "segs_relay_reader_connected") == 1


async def test_an_account_has_so_many_connections(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    """However many tokens it has; a place is free again when a connection ends, however it ends."""
    relay = start_relay(SEGS_RELAY_ACCOUNT_CONNECTIONS="3")
    now = int(time.time())
    tokens = [keys.mint("operator", exp=now + 3000 + n) for n in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(relay.url, token)) for token in tokens[:3]]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stack.enter_async_context(connect(relay.url, tokens[3]))
        assert refused.value.status == 429
        assert refused.value.headers is not None
        assert refused.value.headers["Retry-After"]
        async with connect(relay.url, keys.mint("consumer")) as other:
            await other.subscribe()
        clients[0].ws._response.close()

        async def admitted() -> bool:
            with contextlib.suppress(aiohttp.WSServerHandshakeError):
                async with connect(relay.url, tokens[3]):
                    return True
            return False

        await wait_until_async(admitted, "its place is free")


async def test_an_accounts_replays_wait_for_each_other_and_for_nobody_elses(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    """Readers that do not read keep their account's turns; others resume beside them."""
    relay = start_relay(SEGS_RELAY_ACCOUNT_REPLAYS="2", SEGS_RELAY_HISTORY_EVENTS="0")
    demo, other = tenant_id(database), add_tenant(database)
    theirs = keys.mint(
        "operator", tenant=tenant_code(database, other), sub=str(add_user(database, other, "operator"))
    )
    async with contextlib.AsyncExitStack() as stack:
        begin = (await stack.enter_async_context(connect(relay.url, theirs))).welcome["cursor"]
        emit_many(database, demo, range(300), size=20_000)
        emit(database, other, mark="theirs")
        emit(database, demo, mark="end")
        stuck = [
            await stack.enter_async_context(connect(relay.url, keys.mint("operator"), receive_buffer=4096))
            for _ in range(2)
        ]
        for client in stuck:
            await client.subscribe(cursor=begin)
        third = await stack.enter_async_context(connect(relay.url, keys.mint("operator")))
        await third.send("subscribe", cursor=begin)
        waiting = asyncio.create_task(third.expect("subscribed"))

        resumed = await stack.enter_async_context(connect(relay.url, theirs))
        await resumed.subscribe(cursor=begin)
        assert await resumed.events_until("theirs") == []
        assert not waiting.done()
        for client in stuck:
            await client.events_until("end")
        await waiting
        assert len(await third.events_until("end")) == 300
