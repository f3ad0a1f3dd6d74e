"""Readings through the queue: pgmq.send('raw_readings', {"tenant": ..., "readings": [...]})."""

from __future__ import annotations

import asyncio

import psycopg

from simulator.backoff import Gate
from simulator.errors import ProtocolError
from simulator.stats import Answer, Statistics

QUEUE = "raw_readings"
# A window is begun once fewer messages than this are waiting, so that a back-fill cannot flood the queue.
SHORT_QUEUE = 100
SEND = "select pgmq.send(%s, %s::jsonb)"
LENGTH = "select queue_length from pgmq.metrics(%s)"


class QueueSender:
    """Sends batches as queue messages.

    A message that was sent twice is harmless: its readings are duplicates.
    """

    def __init__(self, url: str, tenant: str, stats: Statistics) -> None:
        self._url, self._tenant, self._stats = url, tenant, stats
        self._connection: psycopg.AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._gate = Gate()

    async def send(self, readings: list[str]) -> Answer:
        """Return once the message is committed to the queue."""
        message = f'{{"tenant":"{self._tenant}","readings":[' + ",".join(readings) + "]}"
        await self._execute(SEND, (QUEUE, message))
        return Answer(queued=len(readings))

    async def ready_for_window(self) -> None:
        """Wait until the platform has nearly emptied the queue."""
        while (waiting := await self._execute(LENGTH, (QUEUE,))) >= SHORT_QUEUE:
            self._stats.waiting = f"{waiting} messages wait in the queue"
            await asyncio.sleep(0.5)
        self._stats.waiting = None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _execute(self, query: str, parameters: tuple[str, ...]) -> int:
        async with self._one_at_a_time:
            while True:
                await self._gate.wait()
                try:
                    if self._connection is None or self._connection.closed:
                        self._connection = await psycopg.AsyncConnection.connect(
                            self._url, autocommit=True, connect_timeout=10, application_name="segs simulator"
                        )
                    row = await (await self._connection.execute(query.encode(), parameters)).fetchone()
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    self._stats.retried(str(error).splitlines()[0] if str(error) else "connection lost")
                    self._gate.failure()
                    continue
                except psycopg.Error as error:
                    raise ProtocolError(f"the database refuses the message: {error}") from error
                self._gate.success()
                return int(row[0]) if row else 0
