"""Who gets in to /ws, by which credential, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import aiohttp
import pytest

from tests.conftest import StartWorker
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.relay import add_user, connect, tenant_id
from tests.support.servers import Redis, TestServer, worker
from tests.support.wait import wait_until_async


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


async def handshake_status(url: str, token: str | None = None, query: str = "", **headers: str) -> int:
    """The HTTP status with which a connection is refused."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        async with connect(url, token, query, headers=headers):
            pass
    return refusal.value.status


async def ticket_for(url: str, token: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/ws/ticket", headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        body = await answer.json()
        assert body["expires_in"] > 0
        return str(body["ticket"])


async def test_bad_tokens_are_refused_before_the_upgrade(relay_server: TestServer, keys: Keys) -> None:
    past = int(time.time()) - 10
    url = relay_server.url
    assert await handshake_status(url) == 401
    assert await handshake_status(url, "not-a-token") == 401
    assert await handshake_status(url, keys.mint("operator", exp=past)) == 401
    assert await handshake_status(url, keys.mint("operator", aud="elsewhere")) == 401
    assert await handshake_status(url, keys.mint("operator", exp=None)) == 401
    forged = keys.mint("operator")[:-6] + "AAAAAA"
    assert await handshake_status(url, forged) == 401


async def test_roles_and_accounts_that_may_not_listen(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    url = relay_server.url
    assert await handshake_status(url, keys.mint("device")) == 403
    assert await handshake_status(url, keys.mint("operator", sub=str(uuid4()))) == 403
    assert await handshake_status(url, keys.mint("operator", sub="not a uuid")) == 403
    assert await handshake_status(url, keys.mint("operator", tenant="elsewhere")) == 403
    gone = add_user(database, tenant_id(database), "operator")
    database.rows("update auth.user_account set disabled_at = now() where user_id = %s", (gone,))
    assert await handshake_status(url, keys.mint("operator", sub=str(gone))) == 403


async def test_refusals_have_the_one_error_shape(relay_server: TestServer) -> None:
    async with aiohttp.ClientSession() as http:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
        }
        async with http.get(f"{relay_server.url}/ws", headers=upgrade) as answer:
            assert answer.status == 401
            body = await answer.json()
            assert set(body) == {"code", "message", "details", "hint"}
            assert body["code"] == "unauthorized"
        async with http.get(f"{relay_server.url}/ws") as answer:
            assert (await answer.json())["code"] == "upgrade_required"


async def test_the_subprotocol_is_agreed(relay_server: TestServer, keys: Keys) -> None:
    async with connect(relay_server.url, keys.mint("operator")) as client:
        assert client.ws.protocol == "segs.v1"
        assert client.welcome["cursor"]


async def test_pages_of_other_origins_are_refused(start_relay: StartWorker, keys: Keys) -> None:
    relay = start_relay(SEGS_RELAY_ALLOWED_ORIGINS="https://grid.example, https://two.example")
    token = keys.mint("operator")
    assert await handshake_status(relay.url, token, Origin="https://evil.example") == 403
    assert await handshake_status(relay.url, token, Origin="null") == 403
    assert await handshake_status(relay.url, token, Origin="https://grid.example.evil.example") == 403
    for origin in ("https://grid.example", "https://two.example", relay.url):
        async with connect(relay.url, token, headers={"Origin": origin}) as client:
            assert client.welcome["cursor"]


async def test_a_ticket_works_once(relay_server: TestServer, keys: Keys) -> None:
    ticket = await ticket_for(relay_server.url, keys.mint("operator"))
    async with connect(relay_server.url, query=f"?ticket={ticket}") as client:
        await client.subscribe()
    assert await handshake_status(relay_server.url, query=f"?ticket={ticket}") == 401
    assert await handshake_status(relay_server.url, query="?ticket=invented") == 401


async def test_a_ticket_expires(start_relay: StartWorker, keys: Keys, redis_server: Redis) -> None:
    relay = start_relay(SEGS_RELAY_TICKET_TTL="1")
    ticket = await ticket_for(relay.url, keys.mint("operator"))
    with redis_server.administrator() as redis:
        await wait_until_async(lambda: not redis.keys("segs:ws-ticket:*"), "the ticket expires")
    assert await handshake_status(relay.url, query=f"?ticket={ticket}") == 401


async def test_a_ticket_needs_a_good_token(relay_server: TestServer, keys: Keys) -> None:
    async with aiohttp.ClientSession() as http:
        for token, status in (("nonsense", 401), (keys.mint("device"), 403)):
            headers = {"Authorization": f"Bearer {token}"}
            async with http.post(f"{relay_server.url}/ws/ticket", headers=headers) as answer:
                assert answer.status == status
        async with http.post(f"{relay_server.url}/ws/ticket") as answer:
            assert answer.status == 401


async def test_without_redis_only_tickets_fail(start_relay: StartWorker, keys: Keys) -> None:
    relay = start_relay(SEGS_REDIS_URL="redis://127.0.0.1:1/0")
    async with connect(relay.url, keys.mint("operator")) as client:
        await client.subscribe()
    assert await handshake_status(relay.url, query="?ticket=any") == 503
    async with aiohttp.ClientSession() as http, http.get(f"{relay.url}/health") as answer:
        assert answer.status == 200
        assert (await answer.json())["redis"] == "away"


async def test_a_token_in_the_url_only_where_allowed(start_relay: StartWorker, keys: Keys) -> None:
    query = f"?token={keys.mint('operator')}"
    closed = start_relay(SEGS_RELAY_ALLOW_QUERY_TOKEN="false")
    assert await handshake_status(closed.url, query=query) == 401
    development = start_relay()
    async with connect(development.url, query=query) as client:
        await client.subscribe()


async def test_the_connection_ends_with_the_token(relay_server: TestServer, keys: Keys) -> None:
    token = keys.mint("operator", exp=int(time.time()) + 2)
    async with connect(relay_server.url, token) as client:
        await client.subscribe()
        code, reason = await client.closed()
    assert code == 4401
    assert "expired" in reason


async def test_the_connection_ends_when_the_account_is_disabled(
    start_relay: StartWorker, keys: Keys, database: Database
) -> None:
    relay = start_relay(SEGS_RELAY_SCOPE_INTERVAL="0.2")
    user = add_user(database, tenant_id(database), "operator")
    async with connect(relay.url, keys.mint("operator", sub=str(user))) as client:
        await client.subscribe()
        database.rows("update auth.user_account set disabled_at = now() where user_id = %s", (user,))
        code, reason = await client.closed()
    assert code == 4403
    assert "disabled" in reason


async def test_the_connection_ends_when_its_session_does(
    relay_server: TestServer, keys: Keys, database: Database
) -> None:
    user = add_user(database, tenant_id(database), "operator")
    sid = database.value(
        "insert into auth.session (tenant_id, user_id, expires_at)"
        " select tenant_id, user_id, now() + interval '1 day' from auth.user_account where user_id = %s"
        " returning session_id::text",
        (user,),
    )
    token = keys.mint("operator", sub=str(user), sid=sid)
    async with connect(relay_server.url, token) as client:
        await client.subscribe()
        database.rows("update auth.session set revoked_at = now() where session_id = %s", (sid,))
        code, reason = await client.closed()
    assert code == 4403
    assert "signed out" in reason
    assert await handshake_status(relay_server.url, token) == 401
    assert (
        await handshake_status(relay_server.url, keys.mint("operator", sub=str(user), sid=str(uuid4())))
        == 401
    )


async def test_a_full_relay_says_try_later(start_relay: StartWorker, keys: Keys) -> None:
    relay = start_relay(SEGS_RELAY_MAX_CONNECTIONS="1")
    token = keys.mint("operator")
    async with connect(relay.url, token):
        assert await handshake_status(relay.url, token) == 503

    async def free() -> bool:
        async with connect(relay.url, token):
            return True

    assert await wait_until_async(free, "the place is free", retry_on=(aiohttp.WSServerHandshakeError,))
