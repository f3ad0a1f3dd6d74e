"""Counts attempts: in Redis for all processes, here while Redis is away.

An attacker must not spend the owner's attempts. So failures of an account are counted by where they come
from; over all places together many more are allowed, and who has signed in from a place before is let past
that limit.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.lib.errors import RateLimited

log = logging.getLogger(__name__)

PREFIX = "segs:attempts:"
AWAY_SECONDS = 2.0
"""How long Redis is left alone after it failed."""
MAX_LOCAL = 50_000


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted: at most ``most`` in a window, from the first one on."""

    kind: str
    of: str
    most: int
    everywhere: bool = False
    """Of all places together: counted last, and only what the others let pass."""
    forget: bool = False
    """One good attempt forgets it; else that attempt alone is taken back."""

    @property
    def key(self) -> str:
        """The name in Redis, which holds nobody's address."""
        return f"{PREFIX}{self.kind}:{hashlib.sha256(self.of.encode()).hexdigest()[:32]}"


class Attempts:
    """Counts before the attempt is made, so that attempts made at once do not slip through together."""

    def __init__(self, redis: Redis | None, window: int) -> None:
        self._redis = redis
        self._window = window
        self._away_until = 0.0
        self._local: dict[str, tuple[int, float]] = {}

    async def take(
        self, counters: Sequence[Counter], known_here: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """Count one attempt. Raises :class:`RateLimited` if that is one too many of any counter.

        ``known_here``: whether the account has been used from this place before, asked when the limit of all
        places together is reached.
        """
        await self._take([counter for counter in counters if not counter.everywhere])
        try:
            await self._take([counter for counter in counters if counter.everywhere])
        except RateLimited:
            if known_here is None or not await known_here():
                raise

    async def _take(self, counters: Sequence[Counter]) -> None:
        counted = await self._in_redis(counters)
        if counted is None:
            counted = [self._here(counter) for counter in counters]
        waits = [
            left for counter, (count, left) in zip(counters, counted, strict=True) if count > counter.most
        ]
        if waits:
            raise RateLimited(
                "too many attempts",
                code="too_many_attempts",
                retry_after=max(waits),
                hint="wait, then try again",
            )

    async def forgive(self, counters: Sequence[Counter]) -> None:
        """The attempt was a good one: forget what it ends, take it back from the rest."""
        for counter in counters:
            count, until = self._local.get(counter.key, (0, 0.0))
            if counter.forget or count <= 1:
                self._local.pop(counter.key, None)
            else:
                self._local[counter.key] = (count - 1, until)
        if self._redis is None or time.monotonic() < self._away_until:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for counter in counters:
                    if counter.forget:
                        pipe.delete(counter.key)
                    else:
                        pipe.decr(counter.key)
                        pipe.expire(counter.key, self._window, nx=True)
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    async def reachable(self) -> bool:
        """Whether counts are shared between processes."""
        return self._redis is not None and bool(await self._redis.ping())

    async def _in_redis(self, counters: Sequence[Counter]) -> list[tuple[int, float]] | None:
        if self._redis is None or not counters or time.monotonic() < self._away_until:
            return None
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for counter in counters:
                    pipe.incr(counter.key)
                    pipe.expire(counter.key, self._window, nx=True)
                    pipe.ttl(counter.key)
                results = await pipe.execute()
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return None
        return [(int(results[i]), float(max(results[i + 2], 1))) for i in range(0, len(results), 3)]

    def _here(self, counter: Counter) -> tuple[int, float]:
        now = time.monotonic()
        count, until = self._local.get(counter.key, (0, 0.0))
        if until <= now:
            count, until = 0, now + self._window
        if len(self._local) >= MAX_LOCAL and counter.key not in self._local:
            self._forget(now)
        self._local[counter.key] = (count + 1, until)
        return count + 1, until - now

    def _forget(self, now: float) -> None:
        self._local = {key: entry for key, entry in self._local.items() if entry[1] > now}
        if len(self._local) >= MAX_LOCAL:
            self._local.clear()

    def _leave_alone(self, error: Exception) -> None:
        log.warning("attempts are counted in this process alone: %s", error)
        self._away_until = time.monotonic() + AWAY_SECONDS
