"""Nothing missed, nothing twice, in order: across disconnects, crashes, slow transactions and retention."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import aiohttp

from tests.conftest import StartWorker
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.relay import Frame, add_tenant, connect, emit, emit_many, numbers, tenant_id
from tests.support.servers import TestServer
from tests.support.wait import wait_until_async
from workers.relay.cursor import Cursor


def logged(database: Database, tenant: int) -> list[int]:
    """Numbers of the tenant's events in log order."""
    rows = database.rows(
        "select (payload ->> 'n')::int from event.log where tenant_id = %s order by xid, id", (tenant,)
    )
    return [row[0] for row in rows]


@contextmanager
def writers(database: Database, tenant: int, count: int = 3, pause: float = 0.004) -> Iterator[None]:
    """Sessions that write events at the same time, some of whose transactions take a while."""
    stop = threading.Event()

    def write(first: int) -> None:
        with database.connect(autocommit=False) as connection:
            number = first
            while not stop.is_set():
                payload = json.dumps({"n": number})
                connection.execute(
                    "select event.emit(%s, 'price.published', null, null, %s)", (tenant, payload)
                )
                time.sleep(pause * (1 + number % 7))
                connection.commit()
                number += 1

    threads = [threading.Thread(target=write, args=(1_000_000 * n,)) for n in range(1, count + 1)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


async def test_resume_gives_exactly_what_was_missed(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    token = keys.mint("operator")
    async with connect(relay_server.url, token) as client:
        await client.subscribe()
        emit_many(database, demo, range(5))
        cursor = (await client.events(5))[2]["cursor"]
    emit_many(database, demo, range(5, 8))
    async with connect(relay_server.url, token) as client:
        answer = await client.subscribe(cursor=cursor)
        assert answer["cursor"] == cursor
        emit_many(database, demo, range(8, 10))
        assert numbers(await client.events(7)) == [3, 4, 5, 6, 7, 8, 9]


async def test_a_new_subscription_starts_now(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as first:
        await first.subscribe()
        emit_many(database, demo, [1])
        await first.events(1)
        async with connect(relay_server.url, keys.mint("operator")) as second:
            await second.subscribe()
            emit_many(database, demo, [2])
            assert numbers(await second.events(1)) == [2]


async def test_the_welcome_cursor_misses_nothing(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        emit_many(database, tenant_id(database), range(3))
        await client.subscribe(cursor=client.welcome["cursor"])
        assert numbers(await client.events(3)) == [0, 1, 2]


async def test_events_within_a_transaction_keep_their_order(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        with database.connect(autocommit=False) as connection:
            for number in range(50):
                payload = json.dumps({"n": number})
                connection.execute("select event.emit(%s, 'load.closed', null, null, %s)", (demo, payload))
            connection.commit()
        assert numbers(await client.events(50)) == list(range(50))


async def test_a_slow_writing_transaction_is_never_skipped(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    """An event written early and committed late comes first, and holds the later ones back."""
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        with database.connect(autocommit=False) as slow:
            slow.execute("select event.emit(%s, 'price.published', null, null, '{\"n\": 1}')", (demo,))
            emit_many(database, demo, [2, 3])
            await client.send("ping")
            await client.expect("pong")  # and not an event
            async with aiohttp.ClientSession() as http:

                async def seen_waiting() -> bool:
                    async with http.get(f"{relay_server.url}/metrics") as answer:
                        lines = (await answer.text()).splitlines()
                    return any(
                        line.startswith("segs_relay_waiting_seconds ") and float(line.split()[1]) > 0
                        for line in lines
                    )

                await wait_until_async(seen_waiting, "the metric shows events held back")
            await client.send("ping")
            await client.expect("pong")
            slow.commit()
        assert numbers(await client.events(3)) == [1, 2, 3]


async def test_a_rolled_back_transaction_leaves_no_trace(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        with database.connect(autocommit=False) as slow:
            slow.execute("select event.emit(%s, 'price.published', null, null, '{\"n\": 1}')", (demo,))
            emit_many(database, demo, [2])
            slow.rollback()
        assert numbers(await client.events(1)) == [2]


async def follow(relay: TestServer, token: str, heard: list[Frame], done: asyncio.Event) -> None:
    """A client that reconnects with its last cursor for as long as the test runs."""
    cursor: str | None = None
    while not done.is_set():
        try:
            async with connect(relay.url, token) as client:
                fields = {} if cursor is None else {"cursor": cursor}
                cursor = (await client.subscribe(**fields))["cursor"]
                while True:
                    frame = await client.receive()
                    assert frame["type"] == "event", frame
                    heard.append(frame)
                    cursor = frame["cursor"]
        except (aiohttp.ClientError, AssertionError, TimeoutError, OSError) as error:
            if isinstance(error, AssertionError) and "'type'" in str(error):
                raise
            await asyncio.sleep(0.05)


def all_have_more(heard: list[list[Frame]], before: list[int]) -> bool:
    return all(len(frames) > count for frames, count in zip(heard, before, strict=True))


async def test_a_killed_relay_costs_nothing(relay_server: TestServer, keys: Keys, database: Database) -> None:
    demo = tenant_id(database)
    heard: list[list[Frame]] = [[] for _ in range(5)]
    done = asyncio.Event()
    followers = [
        asyncio.create_task(follow(relay_server, keys.mint("operator"), frames, done)) for frames in heard
    ]
    with writers(database, demo):
        await wait_until_async(lambda: all(heard), "all hear something")
        for _ in range(2):
            before = [len(frames) for frames in heard]
            await asyncio.to_thread(relay_server.kill)
            await relay_server.up_again()
            await wait_until_async(partial(all_have_more, heard, before), "all hear again")
    expected = logged(database, demo)
    await wait_until_async(
        lambda: all(numbers(frames)[-1:] == expected[-1:] for frames in heard), "all have caught up"
    )
    done.set()
    for task in followers:
        task.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    for frames in heard:
        got = numbers(frames)
        assert got == expected[expected.index(got[0]) :]


async def test_clients_stay_while_postgresql_is_away(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit_many(database, demo, range(3))
        database.terminate_connections()
        emit_many(database, demo, range(3, 6))
        assert numbers(await client.events(6)) == list(range(6))
        database.terminate_connections()
        emit_many(database, demo, range(6, 9))
        assert numbers(await client.events(3)) == [6, 7, 8]


async def test_a_long_replay_comes_from_the_database_page_by_page(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay = start_relay(SEGS_RELAY_HISTORY_EVENTS="10")
    demo, other = tenant_id(database), add_tenant(database)
    async with connect(relay.url, keys.mint("operator")) as client:
        begin = client.welcome["cursor"]
        with database.connect() as connection:
            connection.execute(
                "insert into event.log (tenant_id, topic, happened, payload)"
                " select case when n %% 3 = 0 then %s else %s end, 'load.closed',"
                " tstzrange(now(), now(), '[]'), jsonb_build_object('n', n)"
                " from generate_series(1, 6000) as n",
                (other, demo),
            )
        expected = [n for n in range(1, 6001) if n % 3]
        await client.subscribe(cursor=begin)
        emit_many(database, demo, [7000])
        assert numbers(await client.events(len(expected) + 1)) == [*expected, 7000]


async def test_replay_while_others_write(start_relay: StartWorker, keys: Keys, database: Database) -> None:
    """Clients that resume again and again, from memory and from the database, see one unbroken order."""
    relay = start_relay(SEGS_RELAY_HISTORY_EVENTS="20")
    demo = tenant_id(database)
    token = keys.mint("operator")
    got: list[int] = []
    async with connect(relay.url, token) as client:
        cursor = client.welcome["cursor"]
    with writers(database, demo, pause=0.001):
        for count in (1, 40, 3, 80, 7, 120):
            async with connect(relay.url, token) as client:
                await client.subscribe(cursor=cursor)
                events = await client.events(count)
                got += numbers(events)
                cursor = events[-1]["cursor"]
    expected = logged(database, demo)
    assert got == expected[: len(got)]


async def test_subscribing_again_on_the_same_connection(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit_many(database, demo, range(10))
        cursor = (await client.events(10))[4]["cursor"]
        for _ in range(5):
            await client.subscribe(cursor=cursor)
            assert numbers(await client.events(5)) == [5, 6, 7, 8, 9]
        await client.send("unsubscribe")
        await client.expect("unsubscribed")
        emit_many(database, demo, [10])
        await client.send("ping")
        pong = await client.expect("pong")
        emit_many(database, demo, [11])
        await client.subscribe(cursor=pong["cursor"])
        assert numbers(await client.events(1))[0] in (10, 11)


async def test_a_cursor_older_than_retention_gives_a_gap_and_the_rest(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay = start_relay(SEGS_RELAY_HISTORY_EVENTS="0")
    demo = tenant_id(database)
    async with connect(relay.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit_many(database, demo, range(10))
        events = await client.events(10)
        database.rows("update event.log set at = now() - interval '1 year' where (payload ->> 'n')::int < 6")
        assert database.value("select event.prune(now() - interval '1 day', 1000)") == 6
        emit_many(database, demo, [10])
        await client.events(1)
        answer = await client.subscribe(cursor=events[2]["cursor"])
        gap = await client.expect("gap")
        assert gap["reason"] == "pruned"
        assert gap["cursor"] == answer["cursor"] == events[5]["cursor"]
        assert numbers(await client.events(5)) == [6, 7, 8, 9, 10]
        # at the horizon nothing is missing
        await client.subscribe(cursor=events[5]["cursor"])
        assert numbers(await client.events(5)) == [6, 7, 8, 9, 10]


def cursor_of(epoch: int, xid: int, event: int) -> str:
    return base64.urlsafe_b64encode(f"{epoch}.{xid}.{event}".encode()).decode()


async def test_a_cursor_of_another_log_gives_a_gap_and_starts_now(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    emit_many(database, demo, [1])
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit_many(database, demo, [2])
        await client.events(1)
        epoch = database.value("select epoch from event.state")
        for cursor, reason in ((cursor_of(7, 1, 1), "epoch"), (cursor_of(epoch, 2**62, 1), "future")):
            answer = await client.subscribe(cursor=cursor)
            gap = await client.expect("gap")
            assert (gap["reason"], gap["cursor"]) == (reason, answer["cursor"])
            emit_many(database, demo, [3])
            assert numbers(await client.events(1)) == [3]


async def test_a_malformed_cursor_is_an_error_frame(relay_server: TestServer, keys: Keys) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        for cursor in ("", "x", "%%%", "MS4x", cursor_of(1, 2**64, 1), "A" * 500, "é"):
            assert (await client.refused(cursor=cursor))["code"] == "malformed_cursor"
        await client.subscribe()


async def test_a_restored_database_tells_connected_clients(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit_many(database, demo, [1])
        (first,) = await client.events(1)
        for n in (2, 3):  # noticed without a new connection
            database.rows("select event.begin_epoch()")
            gap = await client.expect("gap")
            assert gap["reason"] == "epoch"
            emit(database, demo, n=n)
            assert numbers(await client.events(1)) == [n]
        await client.subscribe(cursor=first["cursor"])
        assert (await client.expect("gap"))["reason"] == "epoch"


async def test_a_cursor_never_names_a_transaction_id_that_may_be_given_out_again(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    """What a crash forgets is given out again: events of then must come after every cursor of before."""
    demo = tenant_id(database)
    emit_many(database, demo, [1])
    newest = database.value("select event.cursor(xid, id) from event.log order by xid desc, id desc limit 1")
    async with connect(relay_server.url, keys.mint("operator")) as client:
        for _ in range(3):  # ids that leave nothing behind
            database.rows("select pg_current_xact_id()")
        given = [client.welcome["cursor"], (await client.subscribe())["cursor"]]
        await client.send("ping")
        given.append((await client.expect("pong"))["cursor"])
        await client.send("unsubscribe")
        given.append((await client.expect("unsubscribed"))["cursor"])
    assert set(given) == {newest}


async def test_two_relays_hand_out_the_same_cursors(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    one, two = start_relay(), start_relay()
    demo = tenant_id(database)
    token = keys.mint("operator")
    async with connect(one.url, token) as here, connect(two.url, token) as there:
        await here.subscribe()
        await there.subscribe()
        emit_many(database, demo, range(5))
        events = await here.events(5)
        assert await there.events(5) == events
        await there.subscribe(cursor=events[1]["cursor"])
        assert numbers(await there.events(3)) == [2, 3, 4]


def test_the_database_spells_cursors_as_the_relay_does(database: Database) -> None:
    epoch = database.value("select epoch from event.state")
    for xid, event in ((0, 0), (1, 1), (2**64 - 1, 2**63 - 1), (123456789, 42)):
        text = database.value("select event.cursor(%s::text::xid8, %s)", (str(xid), event))
        assert text == Cursor(epoch, (xid, event)).encode()
        assert Cursor.decode(text) == Cursor(epoch, (xid, event))
