"""The one reader of the event log: woken by NOTIFY, and polling anyway.

A wake-up says that something was written, not that it can be read: an event becomes readable once no open
transaction could still put one before it. So while written events wait, the reader looks again soon; and
a notification that got lost costs no more than one poll interval.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import psycopg

from workers.lib import db
from workers.relay import queries
from workers.relay.hub import Hub

log = logging.getLogger(__name__)

SOON = (0.005, 0.01, 0.02, 0.02, 0.05)
"""Seconds between looks while written events wait for an older transaction (the last one repeats)."""
PATIENT_AFTER = 200
PATIENT = 0.25
READ_TIMEOUT = 20.0


class LogReader:
    """Reads the log in order and publishes it, over connections of its own."""

    def __init__(self, hub: Hub, url: str, poll_interval: float) -> None:
        self._hub = hub
        self._url = url
        self._poll_interval = poll_interval
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Follow the log; reconnect with back-off whenever PostgreSQL goes away."""
        backoff = db.Backoff(initial=0.1, maximum=3.0)
        while True:
            try:
                await self._follow(backoff)
            except Exception as error:
                if not db.is_transient(error):
                    log.exception("the log reader failed")
                else:
                    log.warning("the event log is away: %s", str(error).strip().partition("\n")[0])
            self._set_connected(False)
            self._hub.metrics.reader_restarts.inc()
            await asyncio.sleep(backoff.next())

    async def _follow(self, backoff: db.Backoff) -> None:
        async with (
            await db.connect(self._url, "segs relay listen") as listener,
            await db.connect(self._url, "segs relay read") as connection,
        ):
            await listener.execute(f"listen {queries.CHANNEL}")
            listening = asyncio.create_task(self._listen(listener))
            try:
                await self._align(connection)
                self._set_connected(True)
                backoff.reset()
                while not listening.done():
                    await self._read_and_rest(connection)
                listening.result()
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError, psycopg.Error):
                    await listening

    async def _listen(self, listener: db.Connection) -> None:
        # One generator, never restarted: between two of them psycopg can lose notifications (psycopg#962).
        try:
            async for _ in listener.notifies():
                self._woken.set()
        finally:
            self._woken.set()

    async def _align(self, connection: db.Connection) -> None:
        """Find where to continue: where we were, unless the log has moved past or begun a new epoch.

        Asked every time before the log is read: an epoch may begin while we are connected.
        """
        if not self._hub.started.is_set():
            self._hub.start(await queries.position(connection))
            return
        horizon = await queries.horizon(connection)
        if horizon.epoch != self._hub.epoch:
            self._hub.restart(await queries.position(connection), "epoch")
        elif horizon.position > self._hub.position:
            self._hub.restart(horizon, "pruned")

    async def _read_and_rest(self, connection: db.Connection) -> None:
        """Read all there is; then wait for a wake-up, or a moment while written events are held back."""
        looks = 0
        while True:
            self._woken.clear()
            await self._align(connection)
            if await self._read_all(connection):
                looks = 0
            async with asyncio.timeout(READ_TIMEOUT):
                waiting = await queries.waiting(connection, self._hub.position)
            self._note_waiting(waiting)
            if not waiting.any:
                break
            pause = PATIENT if looks > PATIENT_AFTER else SOON[min(looks, len(SOON) - 1)]
            looks += 1
            await asyncio.sleep(pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_interval):
                await self._woken.wait()

    async def _read_all(self, connection: db.Connection) -> int:
        total = 0
        while True:
            async with asyncio.timeout(READ_TIMEOUT):
                events = await queries.read_after(connection, self._hub.epoch, self._hub.position)
            if events:
                self._hub.publish(events)
                total += len(events)
            if len(events) < queries.PAGE:
                return total

    def _note_waiting(self, waiting: queries.Waiting) -> None:
        age = (
            (datetime.now(UTC) - waiting.oldest_at).total_seconds()
            if waiting.any and waiting.oldest_at
            else 0.0
        )
        self._hub.metrics.waiting_seconds.set(max(0.0, age))

    def _set_connected(self, connected: bool) -> None:
        self._hub.online = connected
        self._hub.metrics.reader_connected.set(connected)
