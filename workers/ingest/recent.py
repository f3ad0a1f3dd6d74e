"""What Redis knows: the last few reading times of each meter.

A reading whose time is among them is probably stored already, and goes by INSERT ... ON CONFLICT DO NOTHING,
which finds out; any other is almost surely new, and goes by COPY, which is far cheaper. So Redis only chooses
the way, never the outcome: it may be empty, stale, wrong, hung or gone. It is told after the commit, and
asked once a write.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import hiredis
from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from workers.db import Backoff
from workers.ingest.rows import TIME, Key

log = logging.getLogger(__name__)

# Times kept of each meter, and the bytes of one.
TIMES = 16
WIDTH = 8
KEEP_SECONDS = 7 * 86_400
FLUSH_INTERVAL = 0.2


class PackedConnection(Connection):
    """Packs commands in C; redis-py does it argument by argument, and ours have hundreds."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """One command as sent."""
        return [hiredis.pack_command(args)]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        """Several commands as sent."""
        return [hiredis.pack_command(tuple(command)) for command in commands]


@dataclass(slots=True)
class Recall:
    """What is known of the meters of one write: their last times, and the rows that are among them."""

    times: dict[int, bytes] = field(default_factory=dict)
    suspects: set[Key] = field(default_factory=set)


class RecentTimes:
    """The times of one database, with a circuit breaker: a Redis that fails is left alone for a while."""

    def __init__(self, url: str | None, *, timeout: float) -> None:
        self._timeout = timeout
        self._redis: Any = url and Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            client_name="segs-ingest",
            connection_class=PackedConnection,
        )
        self._name: str | None = None
        # Times by meter that Redis has not been told yet.
        self._pending: dict[int, bytes] = {}
        self._backoff = Backoff(0.5, 5.0)
        self._closed_until = 0.0

    def bind(self, database: str) -> None:
        """Use what is known of ``database``."""
        self._name = f"segs:ingest:recent:{database}"

    async def recall(self, rows: Mapping[Key, bytes]) -> Recall:
        """Which rows are probably stored already: none of them, when Redis cannot say."""
        if not rows or not self._usable():
            return Recall()
        meters = list({meter for meter, _ in rows})
        answer = await self._ask(self._redis.hmget(self._name, meters))
        if answer is None:
            return Recall()
        pending = self._pending
        times = {meter: pending.get(meter) or told or b"" for meter, told in zip(meters, answer, strict=True)}
        # A match across two times is possible, and harmless.
        return Recall(times, {key for key, row in rows.items() if row[TIME] in times[key[0]]})

    def stored(self, recall: Recall, rows: Mapping[Key, bytes]) -> None:
        """Remember committed rows; :meth:`flush` takes them to Redis."""
        pending, times, suspects = self._pending, recall.times, recall.suspects
        for key, row in rows.items():
            if key not in suspects:
                meter = key[0]
                known = pending.get(meter) or times.get(meter, b"")
                pending[meter] = known[(1 - TIMES) * WIDTH :] + row[TIME]

    async def flush(self) -> None:
        """Tell Redis what is new since the last time."""
        if self._pending and self._usable():
            pending, self._pending = self._pending, {}
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hset(self._name, mapping=pending)
            pipeline.expire(self._name, KEEP_SECONDS)
            await self._ask(pipeline.execute())

    async def keep_flushing(self) -> None:
        """Flush every moment: one command then serves many writes."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            await self.flush()

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
            if not self._closed_until:
                log.warning("Redis is away (%s); going on without it", str(error) or type(error).__name__)
            self._closed_until = time.monotonic() + self._backoff.next()
            return None
        if self._closed_until:
            log.info("Redis is back")
            self._closed_until = 0.0
            self._backoff.reset()
        return answer
