"""An event as it leaves the log, and the one WebSocket frame that every client of it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from workers.relay.cursor import Cursor, Position


@dataclass(frozen=True, slots=True)
class Event:
    """One row of ``event.log``."""

    position: Position
    tenant_id: int
    topic: str
    region_id: int | None
    meter_id: int | None
    at: datetime
    begins: datetime
    """From when on it happened on the grid; ownership is judged by this, not by when it was written."""
    ends: datetime
    """Until when it went on."""
    frame: bytes
    """The whole WebSocket frame, made once for all clients."""


CHUNK = 64 * 1024
"""Bytes after which frames go into another write."""


class Chunk:
    """Events in a row, and all their frames as one write: made once for all clients that hear just these."""

    __slots__ = ("count", "events", "first", "frames", "last")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.frames = b"".join([event.frame for event in events])
        self.count = len(events)
        self.first = events[0].position
        self.last = events[-1].position

    def after(self, position: Position) -> Chunk | None:
        """The part after ``position``; None if there is none."""
        events = [event for event in self.events if event.position > position]
        return Chunk(events) if events else None


def chunks(events: Sequence[Event]) -> Iterator[Chunk]:
    """All of ``events``, in writes of about :data:`CHUNK` bytes."""
    begin = size = 0
    for number, event in enumerate(events):
        size += len(event.frame)
        if size >= CHUNK or number == len(events) - 1:
            yield Chunk(events[begin : number + 1])
            begin, size = number + 1, 0


def event_text(
    cursor: Cursor, topic: str, at: datetime, region: str | None, meter: str | None, payload: str
) -> str:
    """The event as JSON text. ``payload`` is spliced in as PostgreSQL wrote it: decimals stay exact."""
    return (
        f'{{"type":"event","cursor":"{cursor.encode()}","topic":{json.dumps(topic)}'
        f',"at":"{timestamp(at)}","region":{json.dumps(region)},"meter_id":{json.dumps(meter)}'
        f',"payload":{payload}}}'
    )


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def text_frame(text: str) -> bytes:
    """A complete unmasked, uncompressed text frame, server to client (RFC 6455, section 5.2)."""
    body = text.encode()
    size = len(body)
    if size < 126:
        header = bytes((0x81, size))
    elif size < 65536:
        header = b"\x81\x7e" + size.to_bytes(2, "big")
    else:
        header = b"\x81\x7f" + size.to_bytes(8, "big")
    return header + body


PING_FRAME = b"\x89\x00"
