"""The newest events in memory, so that reconnecting clients seldom need the database."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from workers.relay.cursor import Position
from workers.relay.events import Event

_position = attrgetter("position")


class History:
    """Every event after :attr:`floor`, up to ``limit`` of them (twice that for a moment)."""

    def __init__(self, limit: int, floor: Position) -> None:
        self._limit = limit
        self._events: list[Event] = []
        self.floor = floor
        self.out_of_reach: Position = (-1, -1)
        """Up to here, more events were found before the floor than there is room for."""

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Sequence[Event]) -> None:
        """Append events that follow all those here."""
        self._events.extend(events)
        excess = len(self._events) - self._limit
        if excess > self._limit:
            self.floor = self._events[excess - 1].position
            del self._events[:excess]

    @property
    def room(self) -> int:
        """How many older events may still be put before those here."""
        return max(0, self._limit - len(self._events))

    def put_before(self, start: Position, events: Sequence[Event]) -> None:
        """Put all events after ``start`` up to :attr:`floor` before those here."""
        self._events[:0] = events
        self.floor = start

    def after(self, position: Position) -> list[Event] | None:
        """All events after ``position``; None when some of them are no longer here."""
        if position < self.floor:
            return None
        return self._events[bisect_right(self._events, position, key=_position) :]
