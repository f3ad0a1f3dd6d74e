from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from workers.lib.errors import Forbidden, RateLimited, Unauthorized, Unavailable, error_middleware

SHAPE = {"code", "message", "details", "hint"}


async def forbidden(request: web.Request) -> web.Response:
    raise Forbidden("not you", details="a", hint="b")


async def unauthorized(request: web.Request) -> web.Response:
    raise Unauthorized("who are you")


async def limited(request: web.Request) -> web.Response:
    raise RateLimited("slow down", retry_after=0.2)


async def unavailable(request: web.Request) -> web.Response:
    raise Unavailable("away", retry_after=2.5, code="special")


async def broken(request: web.Request) -> web.Response:
    raise RuntimeError("secret detail")


async def read(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[error_middleware], client_max_size=10)
    for handler in (forbidden, unauthorized, limited, unavailable, broken):
        app.router.add_get(f"/{handler.__name__}", handler)
    app.router.add_post("/read", read)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/forbidden", 403, "forbidden"),
        ("/unauthorized", 401, "unauthorized"),
        ("/limited", 429, "rate_limited"),
        ("/unavailable", 503, "special"),
        ("/broken", 500, "internal_error"),
        ("/nowhere", 404, "not_found"),
        ("/read", 405, "method_not_allowed"),
    ],
)
async def test_every_failure_has_the_one_shape(
    client: TestClient[web.Request, web.Application], path: str, status: int, code: str
) -> None:
    response = await client.get(path)
    body = await response.json()
    assert response.status == status
    assert body.keys() == SHAPE
    assert body["code"] == code
    assert "secret" not in str(body)


async def test_headers_that_belong_to_the_error(client: TestClient[web.Request, web.Application]) -> None:
    assert (await client.get("/limited")).headers["Retry-After"] == "1"
    assert (await client.get("/unavailable")).headers["Retry-After"] == "3"
    assert (await client.get("/unauthorized")).headers["WWW-Authenticate"] == "Bearer"
    assert (await client.get("/read")).headers["Allow"] == "POST"


async def test_a_body_over_the_servers_size_is_413(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.post("/read", data=b"x" * 11)
    assert response.status == 413
    assert (await response.json())["code"] == "body_too_large"
