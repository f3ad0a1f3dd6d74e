"""The auth worker's HTTP application."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Histogram
from redis.asyncio import Redis

from workers.auth.accounts import Accounts
from workers.auth.attempts import Attempts
from workers.auth.endpoints import ACCOUNTS, BASE, SESSIONS, TICKETS, VERIFIER, routes
from workers.auth.passwords import Passwords
from workers.auth.settings import AuthSettings
from workers.auth.signing import Signer
from workers.lib import db
from workers.lib.errors import error_middleware
from workers.lib.health import HEALTH, setup_health
from workers.lib.metrics import setup_metrics
from workers.lib.request_id import follow_requests
from workers.lib.service import serve
from workers.lib.sessions import Sessions
from workers.lib.tickets import Tickets
from workers.lib.tokens import TokenVerifier

REDIS_TIMEOUT = 0.5

SETTINGS = web.AppKey("SETTINGS", AuthSettings)


class AuthMetrics:
    """Requests by endpoint and status, and how long they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "segs_auth_requests",
            "Requests by endpoint and status.",
            ["endpoint", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "segs_auth_seconds", "Seconds to answer, by endpoint.", ["endpoint"], registry=registry
        )


METRICS = web.AppKey("METRICS", AuthMetrics)


def make_app(settings: AuthSettings) -> web.Application:
    """The application: routes, metrics, health; resources are acquired when it starts."""
    app = web.Application(
        middlewares=[_measured, error_middleware], client_max_size=settings.auth_max_body_bytes
    )
    follow_requests(app)
    app[SETTINGS] = settings
    app[METRICS] = AuthMetrics(setup_metrics(app))
    setup_health(app)
    app[VERIFIER] = TokenVerifier(
        settings.jwks_file, issuer=settings.jwt_issuer, audience=settings.jwt_audience
    )
    app.router.add_routes(routes)
    app.cleanup_ctx.append(_resources)
    return app


async def run(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    await serve(make_app(settings), settings.auth_host, settings.auth_port)


@web.middleware
async def _measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, and keep answers that carry secrets out of caches."""
    begun = time.perf_counter()
    response = await handler(request)
    response.headers.setdefault("Cache-Control", "no-store")
    resource = request.match_info.route.resource
    endpoint = resource.canonical.removeprefix(BASE) if resource is not None else "unknown"
    metrics = request.app[METRICS]
    metrics.requests.labels(endpoint, response.status).inc()
    metrics.seconds.labels(endpoint).observe(time.perf_counter() - begun)
    return response


async def _resources(app: web.Application) -> AsyncIterator[None]:
    """The pool, Redis, and the threads that hash."""
    settings = app[SETTINGS]
    redis = None
    if settings.redis_url is not None:
        redis = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
        )
    passwords = Passwords(settings)
    signer = Signer(
        settings.auth_signing_key_file,
        settings.jwks_file,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )
    attempts = Attempts(redis, settings.auth_attempts_window)
    url = settings.auth_database_url.get_secret_value()
    async with db.pool(url, "segs auth", size=settings.auth_pool_size) as pool:
        sessions = app[SESSIONS] = Sessions(pool, required=not settings.development)
        app[TICKETS] = Tickets(redis, settings.auth_ticket_ttl)
        app[ACCOUNTS] = Accounts(settings, pool, attempts, passwords, signer, sessions)

        async def database() -> bool:
            async with pool.connection(timeout=1.0) as connection:
                await connection.execute("select 1")
            return True

        app[HEALTH].add("postgresql", database, required=True)
        app[HEALTH].add("redis", attempts.reachable, required=False)
        app[HEALTH].add("signing_key", signer.ready, required=True)
        yield
    passwords.close()
    if redis is not None:
        await redis.aclose()
