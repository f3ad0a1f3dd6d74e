"""What Redis knows: the time of the newest stored reading of each meter.

A reading newer than its meter's mark is almost surely new, and goes by COPY. Any other may be a duplicate,
and goes by INSERT ... ON CONFLICT DO NOTHING, which finds out. So Redis only chooses the way, never the
outcome: it may be empty, stale, wrong, hung or gone. Marks are set after the commit; asked once a write.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from workers.db import Backoff
from workers.ingest.rows import Key

log = logging.getLogger(__name__)

KEEP_SECONDS = 7 * 86_400


class Marks:
    """The marks of one database, with a circuit breaker: a Redis that fails is left alone for a while."""

    def __init__(self, url: str | None, *, timeout: float) -> None:
        self._timeout = timeout
        self._redis: Any = url and Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            client_name="segs-ingest",
        )
        self._name: str | None = None
        self._pending: dict[int, int] = {}
        self._backoff = Backoff(0.5, 5.0)
        self._closed_until = 0.0

    def bind(self, database: str) -> None:
        """Use the marks of ``database``."""
        self._name = f"segs:ingest:marks:{database}"

    async def suspects(self, keys: Iterable[Key]) -> set[Key]:
        """The keys that are not newer than their meter's mark. Empty when Redis cannot say."""
        if not self._usable():
            return set()
        keys = list(keys)
        meters = list({meter for meter, _ in keys})
        pending, self._pending = self._pending, {}
        pipeline = self._redis.pipeline(transaction=False)
        if pending:
            pipeline.hset(self._name, mapping=pending)
            pipeline.expire(self._name, KEEP_SECONDS)
        pipeline.hmget(self._name, meters)
        answers = await self._ask(pipeline.execute())
        if answers is None:
            return set()
        marks = {
            meter: int(mark) for meter, mark in zip(meters, answers[-1], strict=True) if mark is not None
        }
        if not marks:
            return set()
        return {key for key in keys if key[1] <= marks.get(key[0], key[1] - 1)}

    def stored(self, keys: Iterable[Key]) -> None:
        """Remember committed readings; they reach Redis with the next question, or by :meth:`flush`."""
        pending = self._pending
        for meter, ts in keys:
            if ts > pending.get(meter, ts - 1):
                pending[meter] = ts

    async def flush(self) -> None:
        """Tell Redis what is still pending."""
        if self._pending and self._usable():
            pending, self._pending = self._pending, {}
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hset(self._name, mapping=pending)
            pipeline.expire(self._name, KEEP_SECONDS)
            await self._ask(pipeline.execute())

    async def ping(self) -> bool:
        """Whether Redis answers."""
        return self._redis is not None and await self._ask(self._redis.ping()) is not None

    async def close(self) -> None:
        """Flush and disconnect."""
        await self.flush()
        if self._redis is not None:
            await self._redis.aclose()

    def _usable(self) -> bool:
        if self._redis is None or self._name is None or time.monotonic() < self._closed_until:
            self._pending.clear()
            return False
        return True

    async def _ask(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await question
        except (RedisError, OSError, TimeoutError) as error:
            delay = self._backoff.next()
            if time.monotonic() >= self._closed_until:
                log.warning("Redis is away (%s); going on without it", str(error) or type(error).__name__)
            self._closed_until = time.monotonic() + delay
            return None
        if self._closed_until:
            log.info("Redis is back")
            self._closed_until = 0.0
            self._backoff.reset()
        return answer
