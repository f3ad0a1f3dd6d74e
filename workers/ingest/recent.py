"""The time of the newest reading stored of each meter, known to every ingest process.

A reading newer than that is almost surely new, and goes by COPY. Any other is late, or a retry: it goes by
INSERT ... ON CONFLICT DO NOTHING, which finds out, at a price. So this only chooses the way, never the
outcome: what is known may be missing, stale or wrong.

Each process has the times in an array by meter. Redis carries what one has stored to the others (a channel),
and keeps it for those that start later (a hash, one field for :data:`PAGE` meters). Nobody waits for Redis:
it may be empty, flushed, hung or gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable
from typing import Any

import numpy as np
import numpy.typing as npt
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from workers.ingest.rows import Mask, Rows
from workers.lib.db import Backoff

log = logging.getLogger(__name__)

PAGE = 1024
MAX_METERS = 16 * 1024 * PAGE
"""Meters with a higher key are not remembered: their readings always seem new."""
NEVER = np.iinfo(np.int64).min
KEEP_SECONDS = 7 * 86_400
TELL_INTERVAL = 0.2
SAVE_EVERY = 5  # times of telling
LOAD_TIMEOUT = 5.0
LOAD_EVERY = 10.0
"""Seconds from one look at what is kept to the next: what was told while nobody listened is there."""

TOLD = np.dtype([("meter_id", "<i4"), ("ts", "<i8")])
_ERRORS = (RedisError, OSError, TimeoutError)


class RecentTimes:
    """The newest times of one database. A Redis that fails is left alone for a while (circuit breaker)."""

    def __init__(self, url: str | None, *, timeout: float) -> None:
        self._timeout = timeout
        self._redis: Any = url and Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            client_name="segs-ingest",
        )
        self._me = os.urandom(8)
        self._database: str | None = None
        self._bound = asyncio.Event()
        self._latest: npt.NDArray[np.int64] = np.full(PAGE, NEVER, dtype=np.int64)
        self._untold: Mask = np.zeros(PAGE, dtype=np.bool_)
        self._unsaved: set[int] = set()
        self._backoff = Backoff(0.5, 5.0)
        self._closed_until = 0.0

    def bind(self, database: str) -> None:
        """Use what is known of ``database``."""
        if database != self._database:
            self._database = database
            self._latest = np.full(PAGE, NEVER, dtype=np.int64)
            self._forget()
            self._bound.set()

    @property
    def known(self) -> int:
        """Of how many meters a time is known."""
        return int(np.count_nonzero(self._latest != NEVER))

    def suspects(self, rows: Rows, spacing: int) -> Mask:
        """Which of the rows are not newer by ``spacing`` microseconds than what is stored of their meters."""
        meters = rows["meter_id"].astype(np.intp)
        self._hold(meters)
        known = meters < len(self._latest)
        newest = self._latest[np.where(known, meters, 0)]
        return known & ((rows["ts"] <= newest) | (rows["ts"] < newest + spacing))

    def stored(self, rows: Rows) -> None:
        """Remember committed rows."""
        meters = rows["meter_id"].astype(np.intp)
        self._remember(meters, rows["ts"].astype(np.int64))
        if self._redis is not None:
            self._untold[meters[meters < len(self._untold)]] = True

    async def tell(self) -> None:
        """Tell the other processes what is new here since the last time: each meter once."""
        meters = np.flatnonzero(self._untold)
        self._untold[meters] = False
        self._unsaved.update(np.unique(meters // PAGE).tolist())
        if len(meters) and self._usable():
            told = np.empty(len(meters), dtype=TOLD)
            told["meter_id"], told["ts"] = meters, self._latest[meters]
            await self._ask(self._redis.publish(self._channel, self._me + told.tobytes()))

    async def save(self) -> None:
        """Keep what is new for processes that start later."""
        if self._unsaved and self._usable():
            pages = {page: self._latest[page * PAGE : (page + 1) * PAGE].tobytes() for page in self._unsaved}
            self._unsaved.clear()
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hset(self._hash, mapping=pages)
            pipeline.expire(self._hash, KEEP_SECONDS)
            await self._ask(pipeline.execute())

    async def keep_telling(self) -> None:
        """Tell every moment, save now and then: one command serves many writes."""
        while True:
            for _ in range(SAVE_EVERY):
                await asyncio.sleep(TELL_INTERVAL)
                await self.tell()
            await self.save()

    async def keep_listening(self) -> None:
        """Learn what is kept, then what other processes tell; again whenever Redis has been away."""
        backoff = Backoff(0.5, 5.0)
        while self._redis is not None:
            await self._bound.wait()
            with contextlib.suppress(*_ERRORS):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    due = 0.0
                    while True:
                        if time.monotonic() >= due:
                            await self._load()
                            backoff.reset()
                            due = time.monotonic() + LOAD_EVERY
                        message = await channel.get_message(True, timeout=1.0)
                        if message is not None:
                            self._learn(message["data"])
            await asyncio.sleep(backoff.next())

    async def ping(self) -> bool:
        """Whether Redis answers."""
        return self._redis is not None and await self._ask(self._redis.ping()) is not None

    async def close(self) -> None:
        """Tell and save what is left, and disconnect."""
        await self.tell()
        await self.save()
        if self._redis is not None:
            await self._redis.aclose()

    @property
    def _channel(self) -> str:
        return f"segs:ingest:stored:{self._database}"

    @property
    def _hash(self) -> str:
        return f"segs:ingest:latest:{self._database}"

    async def _load(self) -> None:
        async with asyncio.timeout(LOAD_TIMEOUT):
            pages = await self._redis.hgetall(self._hash)
        for page, data in pages.items():
            times = np.frombuffer(data, dtype="<i8")
            first = int(page) * PAGE
            self._remember(np.arange(first, first + len(times)), times)

    def _learn(self, message: bytes) -> None:
        if message[: len(self._me)] != self._me:
            told = np.frombuffer(message, dtype=TOLD, offset=len(self._me))
            self._remember(told["meter_id"].astype(np.intp), told["ts"])

    def _remember(self, meters: npt.NDArray[np.intp], times: npt.NDArray[np.int64]) -> None:
        """Raise the times of these meters, which may come more than once and in any order."""
        self._hold(meters)
        if len(meters) and meters.max() >= len(self._latest):
            known = meters < len(self._latest)
            meters, times = meters[known], times[known]
        np.maximum.at(self._latest, meters, times)

    def _hold(self, meters: npt.NDArray[np.intp]) -> None:
        """Make room for these meters."""
        wanted = min(int(meters.max(initial=0)) + 1, MAX_METERS)
        if wanted > len(self._latest):
            pages = -(-max(wanted, 2 * len(self._latest)) // PAGE)
            grown = np.full(min(pages * PAGE, MAX_METERS), NEVER, dtype=np.int64)
            grown[: len(self._latest)] = self._latest
            self._latest = grown
            self._untold = np.append(self._untold, np.zeros(len(grown) - len(self._untold), dtype=np.bool_))

    def _forget(self) -> None:
        self._untold = np.zeros(len(self._latest), dtype=np.bool_)
        self._unsaved.clear()

    def _usable(self) -> bool:
        return (
            self._redis is not None and self._database is not None and time.monotonic() >= self._closed_until
        )

    async def _ask(self, question: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await question
        except _ERRORS as error:
            if not self._closed_until:
                log.warning("Redis is away (%s); going on without it", str(error) or type(error).__name__)
            self._closed_until = time.monotonic() + self._backoff.next()
            return None
        if self._closed_until:
            log.info("Redis is back")
            self._closed_until = 0.0
            self._backoff.reset()
        return answer
