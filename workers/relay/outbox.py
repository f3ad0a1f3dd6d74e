"""The sending half of one connection: a bounded buffer that is never waited for.

Frames are written straight to the transport while the peer keeps up. When it does not, they queue here, and
the hub flushes the queue now and then; a queue that is full ends the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from workers.relay.cursor import Position
from workers.relay.events import Event

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
        self._queue: deque[tuple[bytes, Position | None]] = deque()
        self.position = start
        self.delivered = start

    @property
    def congested(self) -> bool:
        """True while frames queue here, or the transport has more than it should."""
        return bool(self._queue) or self._transport.get_write_buffer_size() > HIGH_WATER

    def offer(self, events: Sequence[Event], joined: bytes) -> int:
        """Take the matching events of one batch (``joined``: all their frames); returns how many are new."""
        if events[0].position <= self.position:
            events = [event for event in events if event.position > self.position]
            if not events:
                return 0
            joined = b"".join(event.frame for event in events)
        self.position = events[-1].position
        if self._transport.is_closing():
            return 0
        if not self._queue and self._transport.get_write_buffer_size() <= HIGH_WATER:
            self._transport.write(joined)
            self.delivered = self.position
        else:
            for event in events:
                self._enqueue(event.frame, event.position)
        return len(events)

    def send(self, frame: bytes) -> None:
        """Take a frame that is not an event; it keeps its place among them."""
        if self._transport.is_closing():
            return
        if self._queue:
            self._enqueue(frame, None)
        else:
            self._transport.write(frame)

    def ping(self, frame: bytes) -> None:
        """Write a control frame at once, ahead of what queues (it belongs to no order)."""
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() <= HIGH_WATER:
            self._transport.write(frame)

    def flush(self) -> bool:
        """Write what the transport will take; True when nothing queues any more."""
        while self._queue and self._transport.get_write_buffer_size() <= HIGH_WATER:
            frame, position = self._queue.popleft()
            self._transport.write(frame)
            if position is not None:
                self.delivered = position
        return not self._queue

    def clear(self) -> None:
        """Forget what queues (the connection is ending)."""
        self._queue.clear()

    async def drained(self) -> None:
        """Wait until the peer's kernel has taken everything (a closing transport still writes)."""
        while self._transport.get_write_buffer_size() > 0:  # noqa: ASYNC110 - transports signal no such event
            await asyncio.sleep(DRAIN_INTERVAL)

    def abort(self) -> None:
        """Cut the connection without sending what is buffered."""
        self._transport.abort()

    def _enqueue(self, frame: bytes, position: Position | None) -> None:
        if len(self._queue) >= self._limit:
            raise Overflow
        self._queue.append((frame, position))
