"""Fresh readings for the benchmarks: never the same meter and time twice in a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Row = tuple[datetime, int, int, float, float]


@dataclass
class Clock:
    """Hands out reading times. One tick serves every meter once."""

    next_tick: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    step: timedelta = timedelta(seconds=1)

    @classmethod
    def before_now(cls, hours: int) -> Clock:
        """Starts that many hours ago, on the hour: recent enough to be accepted, never ahead."""
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(now - timedelta(hours=hours))

    def take(self, ticks: int) -> datetime:
        """Reserve ``ticks`` times and return the first."""
        first = self.next_tick
        self.next_tick += self.step * ticks
        return first


def batches(meters: Sequence[int], first: datetime, count: int, size: int) -> Iterator[list[Row]]:
    """``count`` batches of ``size`` rows in time order, going round the meters."""
    position = 0
    for _ in range(count):
        batch = []
        for _ in range(size):
            tick, which = divmod(position, len(meters))
            energy = 200_000 + (position * 7919) % 100_000
            batch.append((first + timedelta(seconds=tick), meters[which], energy, 230.1, 1.25))
            position += 1
        yield batch


def ticks_needed(rows: int, meters: int) -> int:
    return -(-rows // meters)
