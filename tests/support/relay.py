"""A WebSocket client of the relay for tests, and ways to make events."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from tests.support.cluster import Database
from tests.support.wait import patient

TIMEOUT = patient(20)
Frame = dict[str, Any]


class Client:
    """One connection; the welcome frame has been read."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.welcome: Frame = {}

    async def send(self, kind: str, **fields: Any) -> None:
        await self.ws.send_json({"type": kind, **fields})

    async def receive(self) -> Frame:
        """The next frame; fails if the connection ends instead."""
        message = await self.ws.receive(timeout=TIMEOUT)
        assert message.type is aiohttp.WSMsgType.TEXT, f"{message.type!r} {message.data!r} {message.extra!r}"
        frame: Frame = json.loads(message.data)
        return frame

    async def expect(self, kind: str) -> Frame:
        frame = await self.receive()
        assert frame["type"] == kind, frame
        return frame

    async def subscribe(self, **fields: Any) -> Frame:
        """Subscribe, and return the answer."""
        await self.send("subscribe", **fields)
        return await self.expect("subscribed")

    async def refused(self, **fields: Any) -> Frame:
        """Send a subscription that must be answered with an error frame."""
        await self.send("subscribe", **fields)
        return await self.expect("error")

    async def events(self, count: int) -> list[Frame]:
        """The next frames, which must be events."""
        return [await self.expect("event") for _ in range(count)]

    async def events_until(self, mark: str) -> list[Frame]:
        """Events up to and without the one whose payload says ``{"mark": mark}``."""
        found: list[Frame] = []
        while True:
            frame = await self.expect("event")
            if frame["payload"].get("mark") == mark:
                return found
            found.append(frame)

    async def closed(self) -> tuple[int | None, str]:
        """Read until the connection ends: close code and reason."""
        while True:
            message = await self.ws.receive(timeout=TIMEOUT)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data, message.extra or ""
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return self.ws.close_code, ""


@asynccontextmanager
async def connect(
    url: str,
    token: str | None = None,
    query: str = "",
    headers: dict[str, str] | None = None,
    receive_buffer: int | None = None,
    **options: Any,
) -> AsyncIterator[Client]:
    """A connection to the relay at ``url`` (its base URL), with the token as subprotocol."""

    def small_socket(address: Any) -> socket.socket:
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        return made

    protocols = ("segs.v1", f"bearer.{token}") if token else ("segs.v1",)
    connector = aiohttp.TCPConnector(socket_factory=small_socket, limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.ws_connect(f"{url}/ws{query}", protocols=protocols, headers=headers, **options) as ws,
    ):
        client = Client(ws)
        client.welcome = await client.expect("welcome")
        yield client


def tenant_id(database: Database, code: str = "demo") -> int:
    return int(database.value("select tenant_id from grid.tenant where code = %s", (code,)))


def tenant_code(database: Database, tenant: int) -> str:
    """What tokens call a tenant."""
    return str(database.value("select code from grid.tenant where tenant_id = %s", (tenant,)))


def add_tenant(database: Database) -> int:
    """Another utility company."""
    code = f"other-{uuid4().hex[:12]}"
    return int(
        database.value(
            "insert into grid.tenant (code, name) values (%s, %s) returning tenant_id", (code, code)
        )
    )


def add_user(database: Database, tenant: int, role: str) -> UUID:
    user = uuid4()
    database.rows(
        "insert into auth.user_account (user_id, tenant_id, email, name, role) values (%s, %s, %s, %s, %s)",
        (user, tenant, f"{user}@example.org", "Someone", role),
    )
    return user


def add_meter(database: Database, tenant: int, code: str | None = None, region: str = "north") -> int:
    """A new meter, of any code unless one is named."""
    code = code or f"M-{uuid4().hex[:12]}"
    meters = json.dumps([{"meter_id": code, "region": region}])
    return int(database.value("select meter_id from grid.register_meters(%s, %s)", (tenant, meters)))


def own(database: Database, tenant: int, meter: int, user: UUID, period: str = "[2020-01-01,)") -> None:
    database.rows(
        "insert into grid.meter_ownership (meter_id, tenant_id, user_id, period) values (%s, %s, %s, %s)",
        (meter, tenant, user, period),
    )


def region_id(database: Database, tenant: int, code: str) -> int:
    return int(
        database.value("select region_id from grid.region where tenant_id = %s and code = %s", (tenant, code))
    )


def emit(
    database: Database,
    tenant: int,
    topic: str = "price.published",
    region: str | None = "north",
    meter: int | None = None,
    happened: str | None = None,
    **payload: Any,
) -> None:
    """Write one event as the triggers do; ``happened`` is a range of the grid's time (default: now)."""
    database.rows(
        "select event.emit(%s, %s, %s, %s, %s, coalesce(%s::tstzrange, tstzrange(now(), now(), '[]')))",
        (
            tenant,
            topic,
            None if region is None else region_id(database, tenant, region),
            meter,
            json.dumps({"region": region, **payload}),
            happened,
        ),
    )


def emit_many(
    database: Database, tenant: int, numbers: Sequence[int], size: int = 0, topic: str = "price.published"
) -> None:
    """One event a transaction, numbered; ``size`` pads the payload."""
    with database.connect() as connection:
        for number in numbers:
            connection.execute(
                "select event.emit(%s, %s, null, null, %s)",
                (tenant, topic, json.dumps({"n": number, "pad": "x" * size})),
            )


def numbers(events: Sequence[Frame]) -> list[int]:
    """The numbers of events made by :func:`emit_many`."""
    return [event["payload"]["n"] for event in events]
