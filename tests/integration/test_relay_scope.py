"""Who hears what. Every test sends what must not be heard first, and then a mark that must."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiohttp import WSServerHandshakeError

from tests.conftest import StartWorker
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.relay import (
    Client,
    add_meter,
    add_tenant,
    add_user,
    connect,
    emit,
    own,
    tenant_code,
    tenant_id,
)
from tests.support.servers import Redis, TestServer, worker
from tests.support.wait import wait_until_async

ALICES = "SIM-00001"  # in north
BOBS = "SIM-00002"  # in south


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here: none of them minds the others' users, meters and events."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def relay_server(database: Database, redis_session: Redis, keys: Keys) -> Iterator[TestServer]:
    """One relay for those that need no settings of their own."""
    environment = {
        "SEGS_REDIS_URL": redis_session.url_of("relay"),
        "SEGS_JWKS_FILE": str(keys.jwks_file),
        "SEGS_RELAY_DATABASE_URL": database.url("segs_relay"),
    }
    server = worker("relay", "relay-shared", environment)
    server.up()
    yield server
    server.stop()


def meter_id(database: Database, code: str) -> int:
    return int(database.value("select meter_id from grid.meter where code = %s", (code,)))


async def test_a_tenant_never_hears_another(relay_server: TestServer, keys: Keys, database: Database) -> None:
    demo, other = tenant_id(database), add_tenant(database)
    stranger = keys.mint(
        "admin", tenant=tenant_code(database, other), sub=str(add_user(database, other, "admin"))
    )
    foreign = add_meter(database, other, "THEIRS")
    async with (
        connect(relay_server.url, keys.mint("operator")) as ours,
        connect(relay_server.url, stranger) as theirs,
    ):
        begin = (await ours.subscribe())["cursor"]
        await theirs.subscribe()
        for topic in ("price.published", "load.closed", "alert.raised"):
            emit(database, other, topic, meter=foreign, whose="other")
            emit(database, demo, topic, whose="demo")
        for tenant in (demo, other):
            emit(database, tenant, mark="end")
        heard_by_us = await ours.events_until("end")
        heard_by_them = await theirs.events_until("end")
        await ours.subscribe(cursor=begin)
        replayed = await ours.events_until("end")
    assert [event["payload"]["whose"] for event in heard_by_us] == ["demo"] * 3
    assert [event["payload"]["whose"] for event in heard_by_them] == ["other"] * 3
    assert replayed == heard_by_us


async def test_a_tenants_token_does_not_widen_a_foreign_account(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    stranger = add_user(database, add_tenant(database), "operator")
    with pytest.raises(WSServerHandshakeError) as refused:
        async with connect(relay_server.url, keys.mint("operator", tenant="demo", sub=str(stranger))):
            pass
    assert refused.value.status == 403


async def test_a_consumer_hears_own_alerts_and_own_regions_prices(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    mine, bobs = meter_id(database, ALICES), meter_id(database, BOBS)
    async with connect(relay_server.url, keys.mint("consumer")) as client:
        await client.subscribe()
        emit(database, demo, "alert.raised", "south", bobs, n=1)
        emit(database, demo, "load.closed", "north", n=2)
        emit(database, demo, "load.restated", "north", n=3)
        emit(database, demo, "price.published", "south", n=4)
        emit(database, demo, "price.published", "north", n=5)
        emit(database, demo, "alert.raised", "north", mine, n=6)
        emit(database, demo, "alert.raised", "north", None, n=7)
        emit(database, demo, mark="end")
        heard = await client.events_until("end")
    assert [event["payload"]["n"] for event in heard] == [5, 6]


async def test_a_consumer_hears_alerts_only_of_the_ownership_period(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    meter = add_meter(database, demo)
    seller, buyer = add_user(database, demo, "consumer"), add_user(database, demo, "consumer")
    own(database, demo, meter, seller, "[2020-01-01Z,2021-01-01Z)")
    own(database, demo, meter, buyer, "[2021-01-01Z,)")
    async with (
        connect(relay_server.url, keys.mint("consumer", sub=str(seller))) as before,
        connect(relay_server.url, keys.mint("consumer", sub=str(buyer))) as after,
    ):
        await before.subscribe()
        await after.subscribe()
        for year in ("2019", "2020", "2021"):
            emit(database, demo, "alert.raised", meter=meter, happened=quarter(f"{year}-06-01"), year=year)
        for year in ("2020", "2021"):
            emit(database, demo, "alert.raised", meter=meter, happened=quarter(f"{year}-07-01"), mark="end")
        heard_before = await before.events_until("end")
        heard_after = await after.events_until("end")
    assert [event["payload"]["year"] for event in heard_before] == ["2020"]
    assert [event["payload"]["year"] for event in heard_after] == ["2021"]


async def test_a_consumer_hears_prices_of_the_time_they_owned_a_meter_in_the_region(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    meter, other = add_meter(database, demo, region="west"), add_meter(database, demo, region="west")
    seller, buyer = add_user(database, demo, "consumer"), add_user(database, demo, "consumer")
    own(database, demo, meter, seller, "[2020-01-01Z,2021-01-01Z)")
    own(database, demo, other, seller, "[2021-01-01Z,2022-01-01Z)")
    own(database, demo, meter, buyer, "[2021-01-01Z,)")
    async with (
        connect(relay_server.url, keys.mint("consumer", sub=str(seller))) as before,
        connect(relay_server.url, keys.mint("consumer", sub=str(buyer))) as after,
    ):
        await before.subscribe(regions=["west"])
        await after.subscribe(regions=["west"])
        for year in ("2019", "2020", "2021", "2022"):
            emit(database, demo, region="west", happened=quarter(f"{year}-06-01"), year=year)
            emit(database, demo, region="north", happened=quarter(f"{year}-06-01"), year=year)
        for year in ("2021", "2022"):
            emit(database, demo, region="west", happened=quarter(f"{year}-07-01"), mark="end")
        heard_before = await before.events_until("end")
        heard_after = await after.events_until("end")
    assert [event["payload"]["year"] for event in heard_before] == ["2020", "2021"]
    assert [event["payload"]["year"] for event in heard_after] == ["2021", "2022"]


def quarter(day: str) -> str:
    """The first 15 minutes of a day."""
    return f"[{day} 00:00Z,{day} 00:15Z)"


async def test_a_sold_meter_falls_silent_without_reconnecting(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay = start_relay(SEGS_RELAY_SCOPE_INTERVAL="0.1")
    demo = tenant_id(database)
    meter = add_meter(database, demo)
    user = add_user(database, demo, "consumer")
    own(database, demo, meter, user)
    async with connect(relay.url, keys.mint("consumer", sub=str(user))) as client:
        await client.subscribe()
        assert await _hears(database, demo, client, meter) == ["price.published", "alert.raised"]
        database.rows(
            "update grid.meter_ownership set period = tstzrange(lower(period), now()) where meter_id = %s",
            (meter,),
        )

        async def silent() -> bool:
            return await _hears(database, demo, client, meter) == []

        await wait_until_async(silent, "the rights have been read again")


async def _hears(database: Database, tenant: int, client: Client, meter: int) -> list[str]:
    """Which of a price and an alert of now are heard; a mark of when the meter was theirs ends it."""
    emit(database, tenant)
    emit(database, tenant, "alert.raised", meter=meter)
    emit(database, tenant, happened=quarter("2020-06-01"), mark="end")
    return [event["topic"] for event in await client.events_until("end")]


@pytest.mark.parametrize(
    ("account", "token"), [("consumer", "operator"), ("operator", "consumer"), ("consumer", "admin")]
)
async def test_the_lesser_of_account_and_token_counts(
    relay_server: TestServer, keys: Keys, database: Database, account: str, token: str
) -> None:
    demo = tenant_id(database)
    user = add_user(database, demo, account)
    meter = add_meter(database, demo)
    own(database, demo, meter, user)
    async with connect(relay_server.url, keys.mint(token, sub=str(user))) as client:
        await client.subscribe()
        emit(database, demo, "load.closed", "north")
        emit(database, demo, "price.published", "south")
        if account == "consumer":
            emit(database, demo, "price.published", "north", mark="end")
            assert await client.events_until("end") == []
        else:
            await client.send("ping")
            await client.expect("pong")


async def test_foreign_and_unknown_are_refused_in_the_same_words(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    other = add_tenant(database)
    add_meter(database, other, "THEIRS")
    database.rows("insert into grid.region (tenant_id, code, name) values (%s, 'island', 'Island')", (other,))
    async with (
        connect(relay_server.url, keys.mint("operator")) as operator,
        connect(relay_server.url, keys.mint("consumer")) as consumer,
    ):
        foreign = await operator.refused(meters=["THEIRS"])
        unknown = await operator.refused(meters=["NOWHERE"])
        assert _words(foreign) == _words(unknown)
        assert foreign["details"] == "THEIRS"
        assert _words(await operator.refused(regions=["island"])) == _words(
            await operator.refused(regions=["atlantis"])
        )
        assert _words(await consumer.refused(meters=[BOBS])) == _words(
            await consumer.refused(meters=["NOWHERE"])
        )
        assert _words(await consumer.refused(regions=["south"])) == _words(
            await consumer.refused(regions=["atlantis"])
        )
        await consumer.subscribe(regions=["north"], meters=[ALICES])


def _words(frame: dict[str, object]) -> tuple[object, object, object]:
    return frame["code"], frame["message"], frame["hint"]


async def test_a_refused_subscription_leaves_the_one_before(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe(topics=["price"])
        await client.refused(regions=["atlantis"])
        emit(database, tenant_id(database), n=1)
        assert (await client.events(1))[0]["payload"]["n"] == 1


async def test_filters_by_topic_region_and_meter(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    demo = tenant_id(database)
    first, second = meter_id(database, ALICES), meter_id(database, BOBS)

    def emit_all() -> None:
        emit(database, demo, "price.published", "north", n=1)
        emit(database, demo, "price.published", "south", n=2)
        emit(database, demo, "load.closed", "south", n=3)
        emit(database, demo, "alert.raised", "north", first, n=4)
        emit(database, demo, "alert.resolved", "south", second, n=5)

    cases: list[tuple[dict[str, list[str]], list[int]]] = [
        ({}, [1, 2, 3, 4, 5]),
        ({"topics": [], "regions": [], "meters": []}, [1, 2, 3, 4, 5]),
        ({"topics": ["price"]}, [1, 2]),
        ({"topics": ["alert.raised", "load"]}, [3, 4]),
        ({"regions": ["north"]}, [1, 4]),
        ({"meters": [BOBS]}, [5]),
        ({"regions": ["north"], "meters": [BOBS]}, [1, 4, 5]),
        ({"topics": ["alert"], "regions": ["south"]}, [5]),
    ]
    async with connect(relay_server.url, keys.mint("operator")) as client:
        begin = client.welcome["cursor"]
        emit_all()
        for wanted, expected in cases:
            await client.subscribe(cursor=begin, **wanted)
            heard = await client.events(len(expected))
            assert [event["payload"]["n"] for event in heard] == expected, wanted
            await client.send("ping")
            await client.expect("pong")


async def test_an_event_frame_has_everything(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    meter = meter_id(database, ALICES)
    async with connect(relay_server.url, keys.mint("operator")) as client:
        await client.subscribe()
        emit(database, tenant_id(database), "alert.raised", "north", meter, meter_id=ALICES, kind="high")
        (event,) = await client.events(1)
    assert set(event) == {"type", "cursor", "topic", "at", "region", "meter_id", "payload"}
    assert (event["topic"], event["region"], event["meter_id"]) == ("alert.raised", "north", ALICES)
    assert event["at"].endswith("Z")
    assert event["payload"] == {"region": "north", "meter_id": ALICES, "kind": "high"}
    assert event["cursor"] == database.value(
        "select event.cursor(xid, id) from event.log order by xid desc, id desc limit 1"
    )


async def test_an_odd_payload_stops_nobody(relay_server: TestServer, keys: Keys, database: Database) -> None:
    demo = tenant_id(database)
    async with (
        connect(relay_server.url, keys.mint("operator")) as operator,
        connect(relay_server.url, keys.mint("consumer")) as consumer,
    ):
        await operator.subscribe()
        await consumer.subscribe()
        for value in ("yesterday", 7, None, "infinity", "2026-01-01", {"a": 1}):  # nothing is read from it
            emit(database, demo, "alert.raised", meter=meter_id(database, ALICES), raised_at=value)
        emit(database, demo, mark="end")
        assert len(await operator.events_until("end")) == 6
        assert len(await consumer.events_until("end")) == 6
