"""The sending half of one connection: a bounded buffer that is never waited for.

Frames are written straight to the transport while the peer keeps up. When it does not, they queue here, and
the hub flushes the queue now and then; a queue that is full ends the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque

from workers.relay.cursor import Position
from workers.relay.events import Chunk

DRAIN_INTERVAL = 0.05
HIGH_WATER = 64 * 1024
"""Bytes in the transport above which frames queue here instead."""


class Overflow(Exception):
    """The buffer is full: the peer reads too slowly."""


class Outbox:
    """Frames on their way to one peer.

    ``position`` is that of the last event taken (earlier ones are skipped, so a replay and the live feed can
    overlap); ``delivered`` is that of the last event handed to the transport: where the peer can resume.
    """

    def __init__(self, transport: asyncio.Transport, limit: int, start: Position) -> None:
        self._transport = transport
        self._limit = limit
        self._queue: deque[tuple[bytes, int, Position | None]] = deque()
        self.queued = 0
        """Frames that queue here."""
        self.position = start
        self.delivered = start

    @property
    def congested(self) -> bool:
        """True while frames queue here, or the transport has more than it should."""
        return bool(self._queue) or self._transport.get_write_buffer_size() > HIGH_WATER

    def offer(self, chunk: Chunk) -> int:
        """Take events; returns how many are new. What queues is shared with all who hear the same."""
        if chunk.first <= self.position:
            new = chunk.after(self.position)
            if new is None:
                return 0
            chunk = new
        self.position = chunk.last
        transport = self._transport
        if transport.is_closing():
            return 0
        if not self.queued and transport.get_write_buffer_size() <= HIGH_WATER:
            transport.write(chunk.frames)
            self.delivered = chunk.last
        else:
            self._enqueue(chunk.frames, chunk.count, chunk.last)
        return chunk.count

    def send(self, frame: bytes) -> None:
        """Take a frame that is not an event; it keeps its place among them."""
        if self._transport.is_closing():
            return
        if self._queue:
            self._enqueue(frame, 1, None)
        else:
            self._transport.write(frame)

    def ping(self, frame: bytes) -> None:
        """Write a control frame at once, ahead of what queues (it belongs to no order)."""
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() <= HIGH_WATER:
            self._transport.write(frame)

    def flush(self) -> bool:
        """Write what the transport will take; True when nothing queues any more."""
        while self._queue and self._transport.get_write_buffer_size() <= HIGH_WATER:
            frames, count, position = self._queue.popleft()
            self.queued -= count
            self._transport.write(frames)
            if position is not None:
                self.delivered = position
        return not self._queue

    def clear(self) -> None:
        """Forget what queues (the connection is ending)."""
        self._queue.clear()
        self.queued = 0

    async def drained(self) -> None:
        """Wait until the peer's kernel has taken everything (a closing transport still writes)."""
        while self._transport.get_write_buffer_size() > 0:  # noqa: ASYNC110 - transports signal no such event
            await asyncio.sleep(DRAIN_INTERVAL)

    def abort(self) -> None:
        """Cut the connection without sending what is buffered."""
        self._transport.abort()

    def _enqueue(self, frames: bytes, count: int, position: Position | None) -> None:
        if self.queued + count > self._limit:
            raise Overflow
        self._queue.append((frames, count, position))
        self.queued += count
