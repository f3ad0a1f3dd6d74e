"""Who is at the door: credentials of a WebSocket request, tickets, and the page it comes from."""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import asdict
from urllib.parse import urlsplit

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.errors import Forbidden, Unauthorized, Unavailable
from workers.relay.directory import ROLES
from workers.relay.protocol import BEARER_PREFIX
from workers.tokens import Claims, TokenVerifier, bearer_token, require_role

log = logging.getLogger(__name__)

TICKET_KEY = "segs:ws-ticket:"
MAX_TICKET_LENGTH = 100


class Tickets:
    """Single-use stand-ins for a token, short-lived, for clients that can only put something into the URL."""

    def __init__(self, redis: Redis | None, ttl: int) -> None:
        self._redis = redis
        self.ttl = ttl

    async def issue(self, claims: Claims) -> str:
        """A ticket that carries these claims once."""
        ticket = secrets.token_urlsafe(32)
        try:
            await self._required().set(TICKET_KEY + ticket, json.dumps(asdict(claims)), ex=self.ttl)
        except (RedisError, OSError) as error:
            raise _away() from error
        return ticket

    async def redeem(self, ticket: str) -> Claims:
        """The claims behind ``ticket``, which is worth nothing afterwards."""
        if len(ticket) > MAX_TICKET_LENGTH:
            raise Unauthorized("the ticket is not valid")
        try:
            stored = await self._required().getdel(TICKET_KEY + ticket)
        except (RedisError, OSError) as error:
            raise _away() from error
        if stored is None:
            raise Unauthorized("the ticket is not valid", hint="a ticket works once, within seconds")
        claims = Claims(**json.loads(stored))
        if claims.expires_at <= time.time():
            raise Unauthorized("the token has expired")
        return claims

    async def reachable(self) -> bool:
        """Whether tickets can be issued."""
        return self._redis is not None and bool(await self._redis.ping())

    def _required(self) -> Redis:
        if self._redis is None:
            raise Unavailable("tickets need Redis, which is not configured")
        return self._redis


class Doorkeeper:
    """Admits requests to ``/ws``."""

    def __init__(
        self, verifier: TokenVerifier, tickets: Tickets, origins: frozenset[str], query_token_allowed: bool
    ) -> None:
        self._verifier = verifier
        self._tickets = tickets
        self._origins = origins
        self._query_token_allowed = query_token_allowed

    async def admit(self, request: web.Request) -> Claims:
        """The claims of whoever asks, from the subprotocol, a ticket, or (if allowed) the URL."""
        check_origin(request, self._origins)
        claims = await self._claims(request)
        require_role(claims, *ROLES)
        return claims

    async def _claims(self, request: web.Request) -> Claims:
        token = subprotocol_token(request)
        if token is not None:
            return self._verifier.verify(token)
        ticket = request.query.get("ticket")
        if ticket is not None:
            return await self._tickets.redeem(ticket)
        token = request.query.get("token")
        if token is not None:
            if not self._query_token_allowed:
                raise Unauthorized(
                    "a token in the URL is not accepted here",
                    hint="use the subprotocol bearer.<token>, or a ticket",
                )
            return self._verifier.verify(token)
        if "Authorization" in request.headers:
            return self._verifier.verify(bearer_token(request))
        raise Unauthorized(
            "a token is required",
            hint="Sec-WebSocket-Protocol: segs.v1, bearer.<token>; or ?ticket= from POST /ws/ticket",
        )


def subprotocol_token(request: web.Request) -> str | None:
    """The token offered as subprotocol ``bearer.<token>``."""
    for header in request.headers.getall("Sec-WebSocket-Protocol", []):
        for offered in header.split(","):
            if offered.strip().startswith(BEARER_PREFIX):
                return offered.strip().removeprefix(BEARER_PREFIX)
    return None


def check_origin(request: web.Request, allowed: frozenset[str]) -> None:
    """Refuse web pages of strangers. Programs send no Origin; the platform's own page has its host."""
    origin = request.headers.get("Origin")
    if origin is None or origin.rstrip("/") in allowed:
        return
    if origin != "null" and urlsplit(origin).netloc.lower() == request.host.lower():
        return
    log.info("refused a connection from a page of %r", origin[:200])
    raise Forbidden("this origin may not connect", hint="see SEGS_RELAY_ALLOWED_ORIGINS")


def _away() -> Unavailable:
    return Unavailable("Redis is away: use the subprotocol bearer.<token>", retry_after=2)
