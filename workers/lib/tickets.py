"""Single-use stand-ins for a token, for clients that can only put something into a WebSocket's URL."""

from __future__ import annotations

import secrets

from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.lib.errors import Unauthorized, Unavailable

TICKET_KEY = "segs:ws-ticket:"
MAX_TICKET_LENGTH = 100


class Tickets:
    """Single-use stand-ins for a token, short-lived, for clients that can only put something into the URL."""

    def __init__(self, redis: Redis | None, ttl: int) -> None:
        self._redis = redis
        self.ttl = ttl

    async def issue(self, token: str) -> str:
        """A ticket that stands for this token once."""
        ticket = secrets.token_urlsafe(32)
        try:
            await self._required().set(TICKET_KEY + ticket, token, ex=self.ttl)
        except (RedisError, OSError) as error:
            raise _away() from error
        return ticket

    async def redeem(self, ticket: str) -> str:
        """The token behind ``ticket``, which is worth nothing afterwards.

        To be verified again: anyone who can write to Redis shall not be able to make up claims.
        """
        if len(ticket) > MAX_TICKET_LENGTH:
            raise Unauthorized("the ticket is not valid")
        try:
            stored = await self._required().getdel(TICKET_KEY + ticket)
        except (RedisError, OSError) as error:
            raise _away() from error
        if stored is None:
            raise Unauthorized("the ticket is not valid", hint="a ticket works once, within seconds")
        return stored.decode("ascii", "replace") if isinstance(stored, bytes) else stored

    async def reachable(self) -> bool:
        """Whether tickets can be issued."""
        return self._redis is not None and bool(await self._redis.ping())

    def _required(self) -> Redis:
        if self._redis is None:
            raise Unavailable("tickets need Redis, which is not configured")
        return self._redis


def _away() -> Unavailable:
    return Unavailable("Redis is away: use the subprotocol bearer.<token>", retry_after=2)
