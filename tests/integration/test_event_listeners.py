"""Who hears an event is one rule: REST and the WebSocket tell each person the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from stack import servers as stack
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.ingest import now
from tests.support.keys import Keys
from tests.support.relay import Frame, connect
from tests.support.rest import RestClient
from tests.support.servers import Redis, TestServer, free_port, worker
from tests.support.world import Person, World, build, plans
from workers.relay.cursor import Cursor

START = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
"""Its 150 minutes lie on both sides of now: some have sold their meter, some will only get it."""


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all examples: each brings tenants of its own."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def rest_url(runtime: Runtime, database: Database, keys: Keys) -> Iterator[str]:
    """A PostgREST on that database."""
    spec = stack.postgrest(runtime, database.url("authenticator"), keys.jwks_file, free_port(), free_port())
    server = TestServer(spec)
    server.up()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def relay_url(database: Database, redis_session: Redis, keys: Keys) -> Iterator[str]:
    """A relay on that database."""
    environment = {
        "SEGS_REDIS_URL": redis_session.url_of("relay"),
        "SEGS_JWKS_FILE": str(keys.jwks_file),
        "SEGS_RELAY_DATABASE_URL": database.url("segs_relay"),
    }
    server = worker("relay", "relay-listeners", environment)
    server.up()
    yield server.url
    server.stop()


def headers_of(keys: Keys, person: Person) -> dict[str, str]:
    return keys.headers(person.role, sub=person.user_id, tenant=person.tenant.code)


def told_by_rest(url: str, keys: Keys, person: Person) -> list[Frame]:
    answer = RestClient(url, headers_of(keys, person)).get("/events", limit=1000)
    assert answer.status == 200, answer.text
    return list(answer.json())


async def told_by_websocket(url: str, keys: Keys, person: Person, epoch: int, end: Cursor) -> list[Frame]:
    """All that a replay from the beginning brings, up to ``end``."""
    token = headers_of(keys, person)["Authorization"].removeprefix("Bearer ")
    heard: list[Frame] = []
    async with connect(url, token) as client:
        await client.subscribe(cursor=Cursor(epoch, (0, 0)).encode())
        reached = (0, 0)
        while reached < end.position:
            await client.send("ping")
            while (frame := await client.receive())["type"] == "event":
                heard.append(frame)
            assert frame["type"] == "pong", frame
            reached = Cursor.decode(frame["cursor"]).position
            await asyncio.sleep(0.15)  # the relay takes ten frames a second
    return heard


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to make a failing example smaller would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=plans)
def test_rest_and_websocket_tell_everybody_the_same(
    rest_url: str, relay_url: str, keys: Keys, database: Database, drawn: Any
) -> None:
    with database.connect() as connection:
        world: World = build(connection, drawn, START)
    epoch, xid, event_id = database.rows("select epoch, xid::text, id from event.position()")[0]
    end = Cursor(epoch, (int(xid), event_id))
    for person in world.people:
        listed = told_by_rest(rest_url, keys, person)
        heard = asyncio.run(told_by_websocket(relay_url, keys, person, epoch, end))
        assert [frame["cursor"] for frame in heard] == [event["cursor"] for event in listed]
        for frame, event in zip(heard, listed, strict=True):
            assert {name: frame[name] for name in ("topic", "region", "meter_id", "payload")} == {
                name: event[name] for name in ("topic", "region", "meter_id", "payload")
            }
