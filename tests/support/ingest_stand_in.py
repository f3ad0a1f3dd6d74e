"""A small local server that answers like the platform, or fails as told, and remembers what came."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Trouble = Callable[[int], web.Response | str | None]


@dataclass
class StandIn:
    """What arrived.

    ``trouble(n)`` may spoil the n-th batch: with an error response, or with "lost" (stored, but the
    connection closes before the answer).
    """

    trouble: Trouble = lambda _: None
    delay: Callable[[int], float] = lambda _: 0.0
    stored: Counter[tuple[str, str]] = field(default_factory=Counter)
    values: dict[tuple[str, str], float] = field(default_factory=dict)
    order: list[tuple[str, int, set[int]]] = field(default_factory=list)
    registered: dict[str, str] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    async def batch(self, request: web.Request) -> web.StreamResponse:
        number = len(self.sizes)
        readings = (await request.json())["readings"]
        self.sizes.append(len(readings))
        self.tokens.add(request.headers.get("Authorization", ""))
        times = {one["timestamp"] for one in readings}
        windows = {int(datetime.fromisoformat(at).timestamp()) // 900 for at in times}
        self.order.append(("begin", number, windows))
        await asyncio.sleep(self.delay(number))
        trouble = self.trouble(number)
        if isinstance(trouble, web.Response):
            self.order.append(("end", number, windows))
            return trouble
        duplicates = 0
        for one in readings:
            key = (one["meter_id"], one["timestamp"])
            duplicates += key in self.stored
            self.stored[key] += 1
            self.values[key] = one["kwh"]
        self.order.append(("end", number, windows))
        if trouble == "lost" and request.transport is not None:
            request.transport.close()
        return web.json_response(
            {"accepted": len(readings) - duplicates, "duplicates": duplicates, "rejected": []}
        )

    async def register(self, request: web.Request) -> web.Response:
        meters = (await request.json())["meters"]
        answer = [
            {"meter_id": one["meter_id"], "created": one["meter_id"] not in self.registered} for one in meters
        ]
        self.registered.update({one["meter_id"]: one["region"] for one in meters})
        return web.json_response(answer)

    async def latest(self, request: web.Request) -> web.Response:
        wanted = request.query["meter_id"].removeprefix("in.(").removesuffix(")").split(",")
        newest: dict[str, str] = {}
        for code, at in self.stored:
            newest[code] = max(newest.get(code, ""), at)
        return web.json_response(
            [{"meter_id": one, "timestamp": newest[one]} for one in wanted if one in newest]
        )


def error(status: int, code: str, **headers: str) -> web.Response:
    """An error in the one shape."""
    body: dict[str, Any] = {"code": code, "message": code, "details": None, "hint": None}
    return web.Response(
        status=status, text=json.dumps(body), content_type="application/json", headers=headers
    )


@asynccontextmanager
async def serving(stand_in: StandIn) -> AsyncIterator[StandIn]:
    """The stand-in on a free port."""
    app = web.Application(client_max_size=1 << 26)
    handlers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "/telemetry/batch": stand_in.batch,
        "/api/v1/rpc/register_meters": stand_in.register,
    }
    for path, handler in handlers.items():
        app.router.add_post(path, handler)
    app.router.add_get("/api/v1/latest_readings", stand_in.latest)
    async with TestServer(app) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        yield stand_in
