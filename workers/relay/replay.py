"""Brings a resuming client from its cursor up to now, from memory or from the database.

There is no moment between replay and live feed: the replay goes on until it has passed what the hub has
handed out, and the session goes live in the same step of the event loop, skipping what it already has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from workers.lib import db
from workers.relay import queries
from workers.relay.accounts import Turns
from workers.relay.cursor import Cursor, Position
from workers.relay.events import Event
from workers.relay.hub import Hub

log = logging.getLogger(__name__)

T = TypeVar("T")

GAP_MESSAGES = {
    "pruned": "events after the cursor are no longer kept; what follows is everything that still is",
    "epoch": "the event log was restored from a backup; what follows starts now",
    "future": "the cursor is ahead of the event log; what follows starts now",
}


@dataclass(frozen=True, slots=True)
class Start:
    """Where a subscription begins, and why not where it was asked to."""

    position: Position
    gap: str | None = None


class Missed(Exception):
    """Events were pruned while they were being replayed."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self.cursor = cursor


class Replay:
    """Reads what a tenant's client missed."""

    def __init__(self, hub: Hub, pool: db.Pool, turns: Turns) -> None:
        self._hub = hub
        self._pool = pool
        self.turns = turns
        self._recalling = asyncio.Lock()

    async def locate(self, cursor: Cursor) -> Start:
        """Where to begin for ``cursor``: there, or at the oldest event kept, or now."""
        return await self._patiently(lambda: self._locate(cursor))

    async def _locate(self, cursor: Cursor) -> Start:
        hub = self._hub
        if cursor.epoch != hub.epoch:
            return Start(hub.position, "epoch")
        await self._recall(cursor.position)
        if hub.history.floor <= cursor.position <= hub.position:
            return Start(cursor.position)
        async with self._pool.connection() as connection:
            if cursor.position > hub.position:
                now = await queries.position(connection)
                if now.epoch != cursor.epoch or cursor.position > now.position:
                    return Start(hub.position, "future")
                return Start(cursor.position)
            horizon = await queries.horizon(connection)
        if horizon.position > cursor.position:
            return Start(horizon.position, "pruned")
        return Start(cursor.position)

    async def _recall(self, position: Position) -> None:
        """Have the history reach back to ``position`` if it can hold that much.

        After a restart it is empty, and everybody comes back at once, from about the same position: the first
        one has the events read for all.
        """
        async with self._recalling:
            history, epoch = self._hub.history, self._hub.epoch
            floor = history.floor
            if not history.out_of_reach < position < floor or not history.room:
                return
            async with self._pool.connection() as connection:
                start = max(position, (await queries.horizon(connection)).position)
                found = await self._between(connection, start, floor, history.room)
                # Asked after the reads: if nothing was pruned by now, nothing was missing then.
                horizon = await queries.horizon(connection)
            if found is None:
                history.out_of_reach = start
            elif horizon.epoch == epoch and horizon.position <= start < floor == history.floor:
                history.put_before(start, found)

    async def _between(
        self, connection: db.Connection, start: Position, end: Position, at_most: int
    ) -> list[Event] | None:
        """Everybody's events after ``start`` up to ``end``; None if there are more than ``at_most``."""
        found: list[Event] = []
        while start < end:
            page = await queries.read_after(connection, self._hub.epoch, start)
            found += (event for event in page if event.position <= end)
            if len(found) > at_most:
                return None
            start = page[-1].position if len(page) >= queries.PAGE else end
        return found

    async def pages(self, tenant_id: int, start: Position) -> AsyncIterator[tuple[Sequence[Event], Position]]:
        """The tenant's events after ``start`` and the position each page reaches, until the hub's is reached.

        After the last page no await separates the caller from the hub's state that ended it. Raises
        :class:`Missed` if retention overtakes the replay.
        """
        position = start
        while position < self._hub.position:
            recent = self._hub.history.after(position)
            if recent is not None:
                position = self._hub.position
                events = [event for event in recent if event.tenant_id == tenant_id]
            else:
                events, position = await self._patiently(partial(self._page, tenant_id, position))
            yield events, position

    async def _page(self, tenant_id: int, position: Position) -> tuple[list[Event], Position]:
        target = self._hub.position
        async with self._pool.connection() as connection:
            events = await queries.read_after(connection, self._hub.epoch, position, tenant_id)
            # Asked after the read: if nothing was pruned by now, nothing was missing then.
            horizon = await queries.horizon(connection)
        if horizon.position > position:
            raise Missed(horizon)
        last = events[-1].position if events else position
        # A short page has everything of this tenant up to what the hub had handed out before the read.
        return events, last if len(events) >= queries.PAGE else max(last, target)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until the database answers: the client waits with us, and misses nothing."""
        backoff = db.Backoff(initial=0.2, maximum=2.0)
        while True:
            try:
                return await attempt()
            except Exception as error:
                if not db.is_transient(error):
                    raise
                log.info("a replay waits for the database: %s", str(error).strip().partition("\n")[0])
                await asyncio.sleep(backoff.next())
