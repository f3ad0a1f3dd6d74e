"""A bounded number of batches on their way at once."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from simulator.stats import Answer, Statistics


class Sender(Protocol):
    """A way into the platform."""

    async def send(self, readings: list[str]) -> Answer:
        """Send until answered."""
        ...

    async def ready_for_window(self) -> None:
        """Return when the platform can take the readings of the next window."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Pipeline:
    """Takes readings, cuts them into batches and keeps at most `concurrency` batches unanswered."""

    def __init__(self, sender: Sender, stats: Statistics, *, batch: int, concurrency: int) -> None:
        self._sender, self._stats, self._batch = sender, stats, batch
        self._slots = asyncio.Semaphore(concurrency)
        self._flying: set[asyncio.Task[None]] = set()
        self._buffer: list[str] = []
        self._failure: BaseException | None = None

    async def put(self, readings: list[str]) -> None:
        """Send full batches; keep the rest for the next call, or for `flush`."""
        self._buffer.extend(readings)
        while len(self._buffer) >= self._batch:
            full, self._buffer = self._buffer[: self._batch], self._buffer[self._batch :]
            await self._submit(full)

    async def flush(self) -> None:
        """Send what is left over, without waiting for the answers."""
        if self._buffer:
            rest, self._buffer = self._buffer, []
            await self._submit(rest)

    async def drain(self) -> None:
        """Send everything and wait for every answer."""
        await self.flush()
        while self._flying:
            await asyncio.wait(self._flying)
        self.check()

    async def settle(self, seconds: float) -> None:
        """Wait for answers, but not for long."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=seconds)

    async def abandon(self) -> None:
        """Give up on the batches that are still unanswered."""
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)

    async def _submit(self, readings: list[str]) -> None:
        await self._slots.acquire()
        if self._failure is not None:
            self._slots.release()
            self.check()
        self._stats.sent += len(readings)
        task = asyncio.create_task(self._send(readings))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _send(self, readings: list[str]) -> None:
        started = time.monotonic()
        try:
            answer = await self._sender.send(readings)
            self._stats.record(answer, time.monotonic() - started)
        except Exception as error:  # kept for the producer, which ends the run with it
            self._failure = self._failure or error
        finally:
            self._slots.release()

    def check(self) -> None:
        """Raise what ended a batch for good, if anything did."""
        if self._failure is not None:
            raise self._failure
