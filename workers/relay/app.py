"""The relay as an aiohttp application."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from aiohttp import web
from redis.asyncio import Redis

from workers.lib import db, request_id
from workers.lib.errors import BadRequest, Unavailable, error_middleware
from workers.lib.health import HEALTH, setup_health
from workers.lib.metrics import setup_metrics
from workers.lib.request_id import follow_requests
from workers.lib.sessions import Sessions
from workers.lib.tickets import Tickets
from workers.lib.tokens import TokenVerifier, bearer_token, require_role
from workers.relay.access import Doorkeeper, check_origin
from workers.relay.accounts import Seats, Turns, account_of
from workers.relay.connection import SLOW_GRACE, Session
from workers.relay.directory import ROLES, Directory
from workers.relay.hub import Hub
from workers.relay.keeper import Keeper
from workers.relay.metrics import relay_metrics
from workers.relay.protocol import SUBPROTOCOL, CloseCode
from workers.relay.reader import LogReader
from workers.relay.replay import Replay
from workers.relay.settings import RelaySettings

POOL_TIMEOUT = 10.0  # a thousand clients that come back at once wait their turn
SEND_BUFFER = 256 * 1024

SETTINGS = web.AppKey("SETTINGS", RelaySettings)
VERIFIER = web.AppKey("VERIFIER", TokenVerifier)
HUB = web.AppKey("HUB", Hub)
SEATS = web.AppKey("SEATS", Seats)
TICKETS = web.AppKey("TICKETS", Tickets)
SESSIONS = web.AppKey("SESSIONS", Sessions)
DOORKEEPER = web.AppKey("DOORKEEPER", Doorkeeper)
DIRECTORY = web.AppKey("DIRECTORY", Directory)
REPLAY = web.AppKey("REPLAY", Replay)


def create_app(settings: RelaySettings) -> web.Application:
    """The application: ``/ws``, ``/ws/ticket``, ``/health``, ``/metrics``."""
    app = web.Application(middlewares=[error_middleware])
    follow_requests(app)
    app[SETTINGS] = settings
    app[VERIFIER] = TokenVerifier(
        settings.jwks_file, issuer=settings.jwt_issuer, audience=settings.jwt_audience
    )
    app[HUB] = Hub(relay_metrics(setup_metrics(app)), settings.relay_history_events)
    app[SEATS] = Seats(settings.relay_account_connections)
    setup_health(app)
    app.router.add_get("/ws", _connect)
    app.router.add_post("/ws/ticket", _ticket)
    app.on_shutdown.append(_say_goodbye)
    app.cleanup_ctx.extend((_database, _tickets, _duties))
    return app


async def _connect(request: web.Request) -> web.StreamResponse:
    app = request.app
    settings, hub = app[SETTINGS], app[HUB]
    ws = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        autoping=False,
        compress=False,
        max_msg_size=settings.relay_max_message_bytes,
        timeout=SLOW_GRACE,
    )
    if not ws.can_prepare(request).ok:
        raise BadRequest("this is a WebSocket: an upgrade request is needed", code="upgrade_required")
    claims = await app[DOORKEEPER].admit(request)
    if len(hub.sessions) >= settings.relay_max_connections:
        raise Unavailable("too many connections", retry_after=5)
    if not hub.online:
        raise Unavailable("the event log is away", retry_after=2)
    with app[SEATS].take(account_of(claims)):
        scope = await app[DIRECTORY].scope_at_door(claims)
        ws.headers[request_id.HEADER] = request_id.current.get()
        await ws.prepare(request)
        transport = request.transport
        _bound_kernel_buffer(transport)
        if transport is None:
            return ws
        session = Session(
            ws, transport, claims, scope, hub, app[DIRECTORY], app[REPLAY], settings.relay_buffer_events
        )
        await session.run()
    return ws


def _bound_kernel_buffer(transport: asyncio.Transport | None) -> None:
    """Keep the kernel from buffering megabytes for a slow peer: what it holds is bounded as ours is."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)


async def _ticket(request: web.Request) -> web.Response:
    app = request.app
    check_origin(request, app[SETTINGS].allowed_origins)
    token = bearer_token(request)
    claims = app[VERIFIER].verify(token)
    require_role(claims, *ROLES)
    await app[SESSIONS].check(claims)
    ticket = await app[TICKETS].issue(token)
    return web.json_response(
        {"ticket": ticket, "expires_in": app[TICKETS].ttl}, headers={"Cache-Control": "no-store"}
    )


async def _tickets(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    url = settings.redis_url
    redis = None
    if url is not None:
        redis = Redis.from_url(url.get_secret_value(), socket_timeout=2, socket_connect_timeout=2)
    app[TICKETS] = Tickets(redis, settings.relay_ticket_ttl)
    app[DOORKEEPER] = Doorkeeper(
        app[VERIFIER],
        app[TICKETS],
        app[SESSIONS],
        settings.allowed_origins,
        settings.query_token_allowed,
    )
    yield
    if redis is not None:
        await redis.aclose()


async def _database(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    url = settings.relay_database_url.get_secret_value()
    async with db.pool(url, "segs relay", size=settings.relay_pool_size, timeout=POOL_TIMEOUT) as pool:
        app[DIRECTORY] = Directory(pool)
        app[REPLAY] = Replay(app[HUB], pool, Turns(settings.relay_account_replays))
        app[SESSIONS] = Sessions(pool, required=not settings.development)
        yield


async def _duties(app: web.Application) -> AsyncIterator[None]:
    """The log reader and the keeper, for as long as the application runs."""
    settings, hub = app[SETTINGS], app[HUB]
    url = settings.relay_database_url.get_secret_value()
    reader = LogReader(hub, url, settings.relay_poll_interval)
    keeper = Keeper(
        hub, app[DIRECTORY], app[SESSIONS], settings.relay_ping_interval, settings.relay_scope_interval
    )
    _add_probes(app)
    tasks = [
        asyncio.create_task(duty)
        for duty in (reader.run(), hub.flush_forever(), keeper.watch(), keeper.refresh(), keeper.sign_out())
    ]
    yield
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _add_probes(app: web.Application) -> None:
    async def postgresql() -> bool:
        return app[HUB].online

    app[HEALTH].add("postgresql", postgresql, required=True)
    app[HEALTH].add("redis", app[TICKETS].reachable, required=False)


async def _say_goodbye(app: web.Application) -> None:
    sessions = list(app[HUB].sessions)
    for session in sessions:
        session.end(CloseCode.GOING_AWAY, "the relay is restarting; resume with your last cursor", "shutdown")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(app[SETTINGS].relay_shutdown_seconds):
            await asyncio.gather(*(session.ended() for session in sessions))
