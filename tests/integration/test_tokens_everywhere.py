"""The same bad tokens at every component that verifies them: PostgREST, ingest, relay and auth worker.

Each is spoken to directly, without the edge in front of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from stack.runtime import Runtime
from tests.support.accounts import USER
from tests.support.cluster import Cluster, Database
from tests.support.forgery import FORGERIES, Person, now_and, sign_in
from tests.support.ingest import now, reading
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.relay import add_tenant, connect, emit, tenant_id
from tests.support.servers import Redis
from tests.support.wait import wait_until_async

BOB = "00000000-0000-4000-8000-000000000004"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


@dataclass(frozen=True)
class Component:
    """One request that only the bearer of a good token may make. A ticket is used at the relay at once."""

    url: Callable[[Platform], str]
    method: str
    path: str
    good: int
    role: str = "consumer"
    subprotocol: bool = False


COMPONENTS = {
    "rest": Component(lambda platform: platform.postgrest.url, "GET", "/meters", 200),
    "rest function": Component(lambda platform: platform.postgrest.url, "POST", "/rpc/alert_summary", 200),
    "ingest": Component(lambda platform: platform.ingest.url, "POST", "/telemetry/batch", 200, role="device"),
    "relay": Component(lambda platform: platform.relay.url, "GET", "/ws", 101),
    "relay by subprotocol": Component(
        lambda platform: platform.relay.url, "GET", "/ws", 101, subprotocol=True
    ),
    "relay ticket": Component(lambda platform: platform.relay.url, "POST", "/ws/ticket", 101),
    "auth": Component(lambda platform: platform.more[0].url, "GET", f"{USER}/me", 200),
    "auth ticket": Component(lambda platform: platform.more[0].url, "POST", f"{USER}/ws-ticket", 101),
}
FOR_PEOPLE = [name for name, component in COMPONENTS.items() if component.role != "device"]


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def platform(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """Every component, with accounts."""
    directory = tmp_path_factory.mktemp("tokens")
    with Platform(runtime, directory, keys, database, redis_session, accounts=True).running() as running:
        yield running


@pytest.fixture
async def ask(platform: Platform) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession() as http:
        yield Ask(http, platform)


class Ask:
    """Speaks to components with a token."""

    def __init__(self, http: aiohttp.ClientSession, platform: Platform) -> None:
        self._http = http
        self._platform = platform

    async def __call__(self, component: Component, token: str) -> tuple[int, Any]:
        """Status and body."""
        headers = {"Authorization": f"Bearer {token}"}
        body = None
        if component.path == "/ws":
            headers |= UPGRADE
        if component.subprotocol:
            headers["Sec-WebSocket-Protocol"] = f"segs.v1, bearer.{token}"
            del headers["Authorization"]
        if component.method == "POST":
            headers["Content-Type"] = "application/json"
            body = json.dumps([reading(1, now())] if component.role == "device" else {})
        url = component.url(self._platform) + component.path
        status, answer = await self._send(component.method, url, headers, body)
        if status == 200 and component.path.endswith("ticket"):
            url = f"{self._platform.relay.url}/ws?ticket={answer['ticket']}"
            return await self._send("GET", url, UPGRADE)
        return status, answer

    async def _send(
        self, method: str, url: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, Any]:
        async with self._http.request(method, url, data=body, headers=headers) as response:
            if response.status == 101:
                response.close()
                return 101, None
            return response.status, await response.json()

    async def is_accepted(self, component: Component, token: str) -> None:
        status, body = await self(component, token)
        assert status == component.good, body

    async def is_refused(self, component: Component, token: str, *statuses: int) -> None:
        """Refused with one of these statuses (401 if none), in the one error shape, without any data."""
        status, body = await self(component, token)
        assert status in (statuses or (401,)), body
        assert set(body) == {"code", "message", "details", "hint"}
        assert "SIM-" not in json.dumps(body)


@pytest.fixture
def person(keys: Keys, database: Database) -> Callable[[Component], Person]:
    """Who the component is for, signed in."""

    def make(component: Component) -> Person:
        if component.role == "device":
            return Person(keys, "device", "gateway-1")
        subject = keys.users["alice@demo.example"]
        return Person(keys, component.role, subject, sign_in(database, subject))

    return make


Make = Callable[[Component], Person]


@pytest.fixture(params=COMPONENTS)
def component(request: pytest.FixtureRequest) -> Component:
    return COMPONENTS[request.param]


@pytest.fixture(params=FOR_PEOPLE)
def component_for_people(request: pytest.FixtureRequest) -> Component:
    return COMPONENTS[request.param]


async def test_a_good_token_is_accepted(ask: Ask, component: Component, person: Make) -> None:
    """Else the refusals below would prove nothing."""
    await ask.is_accepted(component, person(component).token())
    await ask.is_accepted(component, person(component).token(aud=["elsewhere", "segs"]))


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_bad_token_is_refused(ask: Ask, component: Component, person: Make, forgery: str) -> None:
    await ask.is_refused(component, FORGERIES[forgery](person(component)))


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        ("iat", 1, True), ("iat", 5, True), ("iat", 20, False), ("iat", 60, False), ("iat", 3600, False),
        ("nbf", 1, True), ("nbf", 5, True), ("nbf", 20, False), ("nbf", 3600, False),
        ("exp", 30, True), ("exp", -1, False), ("exp", -25, False), ("exp", -31, False),
        ("iat", -86400, True), ("nbf", -86400, True), ("exp", -3600, False),
    ],
)  # fmt: skip
async def test_times_are_judged_alike(
    ask: Ask, component: Component, person: Make, claim: str, seconds: int, good: bool
) -> None:
    token = person(component).token(**{claim: now_and(seconds)})
    if good:
        await ask.is_accepted(component, token)
    else:
        await ask.is_refused(component, token)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["tomorrow", "1", True, [1], {"at": 1}], ids=str)
async def test_a_time_that_is_no_number_is_refused(
    ask: Ask, component: Component, person: Make, claim: str, value: object
) -> None:
    await ask.is_refused(component, person(component).token(**{claim: value}))


async def test_parts_of_a_second_count_alike(ask: Ask, component: Component, person: Make) -> None:
    await ask.is_accepted(component, person(component).token(exp=time.time() + 30.5))
    await ask.is_refused(component, person(component).token(exp=time.time() - 0.001))


@pytest.mark.parametrize("kid", ["other", "", None])
async def test_a_good_signature_under_another_key_id(
    ask: Ask, component: Component, person: Make, kid: str | None
) -> None:
    """Workers look the key up by its id. PostgREST tries every published key, whatever the id says."""
    token = person(component).token(kid)
    if component.path.startswith(("/ws", "/telemetry", USER)):
        await ask.is_refused(component, token)
    else:
        await ask.is_accepted(component, token)


async def test_a_foreign_tenant_is_refused(
    ask: Ask, component: Component, person: Make, database: Database
) -> None:
    code = database.value("select code from grid.tenant where tenant_id = %s", (add_tenant(database),))
    await ask.is_refused(component, person(component).token(tenant="nobody"), 401, 403)
    if component.role != "device":  # a device is what its signed token says
        await ask.is_refused(component, person(component).token(tenant=code), 401, 403)


@pytest.mark.parametrize("role", ["anon", "authenticator", "segs_owner", "segs_api", "postgres", "Admin", ""])
async def test_a_role_that_is_not_for_tokens_is_refused(
    ask: Ask, component: Component, person: Make, role: str
) -> None:
    # 400 is PostgREST's word for a role that there is not
    await ask.is_refused(component, person(component).token(role=role), 400, 401, 403)


async def test_people_send_no_readings_and_devices_do_nothing_else(
    ask: Ask, component: Component, person: Make
) -> None:
    other = "consumer" if component.role == "device" else "device"
    await ask.is_refused(component, person(component).token(role=other), 403)


@pytest.mark.parametrize("role", ["operator", "admin", "platform_admin"])
@pytest.mark.parametrize("name", ["rest", "rest function"])
async def test_a_role_that_the_account_does_not_have_is_refused(
    ask: Ask, name: str, person: Make, role: str
) -> None:
    await ask.is_refused(COMPONENTS[name], person(COMPONENTS[name]).token(role=role), 403)


@pytest.mark.parametrize("role", ["operator", "admin"])
async def test_a_role_that_the_account_does_not_have_gives_nothing(
    ask: Ask, platform: Platform, person: Make, role: str, database: Database
) -> None:
    """Relay and auth worker go by the account: the token's role is no more than a wish there."""
    token = person(COMPONENTS["relay"]).token(role=role)
    status, me = await ask(COMPONENTS["auth"], token)
    assert (status, me["role"]) == (200, "consumer")
    async with connect(platform.relay.url, token) as client:
        await client.subscribe()
        emit(database, tenant_id(database), region="south", mark="foreign")
        emit(database, tenant_id(database), mark="own")
        assert await client.events_until("own") == []


async def test_a_session_that_does_not_stand_is_refused(
    ask: Ask, component_for_people: Component, person: Make
) -> None:
    someone = person(component_for_people)
    await ask.is_refused(component_for_people, someone.token(sid=str(uuid4())))
    await ask.is_refused(component_for_people, someone.token(sid="a session"))


@pytest.mark.parametrize("name", ["rest", "rest function"])
async def test_a_session_of_somebody_else_is_refused(
    ask: Ask, name: str, person: Make, database: Database
) -> None:
    token = person(COMPONENTS[name]).token(sid=sign_in(database, BOB))
    await ask.is_refused(COMPONENTS[name], token)


async def test_an_ended_session_is_refused_within_seconds(ask: Ask, person: Make, database: Database) -> None:
    """Everywhere at once, because workers remember a session for up to five seconds."""
    endings = [
        "revoked_at = now()",
        "created_at = now() - interval '2 days', expires_at = now() - interval '1 second'",
    ]
    people = [person(COMPONENTS["rest"]) for _ in endings]
    doors = [(COMPONENTS[name], someone.token()) for name in FOR_PEOPLE for someone in people]
    for component, token in doors:
        await ask.is_accepted(component, token)
    for ending, someone in zip(endings, people, strict=True):
        changed = "update auth.session set " + ending + " where session_id = %s returning 1"
        assert database.value(changed, (someone.session,)) == 1

    async def refused() -> bool:
        return {(await ask(component, token))[0] for component, token in doors} == {401}

    await wait_until_async(refused, "the tokens are refused", timeout=8)
    for component, token in doors:
        await ask.is_refused(component, token)


async def test_a_refreshed_token_does_not_outlive_the_old_ones_session(
    ask: Ask, person: Make, database: Database
) -> None:
    """Every token of a session ends with it, whenever it was made."""
    rest = COMPONENTS["rest"]
    someone = person(rest)
    tokens = [someone.token(), someone.token(exp=now_and(7200))]
    for token in tokens:
        await ask.is_accepted(rest, token)
    database.rows("update auth.session set revoked_at = now() where session_id = %s", (someone.session,))
    for token in tokens:
        await ask.is_refused(rest, token)
    await ask.is_accepted(rest, replace(someone, session=sign_in(database, someone.subject)).token())
