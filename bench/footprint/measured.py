"""Readings that were really measured: households of the UCI record, every 15 minutes.

How small readings become on disk depends on what is in them. Invented ones would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.ingest.rows import Row
from simulator import uci

INTERVAL = timedelta(minutes=15)
ZONE = "Europe/Berlin"


@dataclass(frozen=True)
class Readings:
    """What ``meters`` households sent in some days, in the order in which they send: time by time."""

    meters: int
    days: int

    def __len__(self) -> int:
        return self.meters * self.days * (timedelta(days=1) // INTERVAL)

    def since(self, first: datetime) -> Iterator[list[Row]]:
        """One list a time, from ``first`` on. A row names its meter by a number from 0."""
        seconds = int(INTERVAL.total_seconds())
        replay = uci.Replay(uci.load(), seed=1, interval=seconds, zone=ZONE)
        meters = np.arange(self.meters, dtype=np.int64)
        for step in range(len(self) // self.meters):
            ts = first + step * INTERVAL
            found = replay.measure(int(ts.timestamp()), meters)
            columns = (found.meters, found.energy, found.voltage, found.current)
            yield [(ts, m, e, v, c) for m, e, v, c in zip(*(each.tolist() for each in columns), strict=True)]


def days_ago(days: int) -> datetime:
    """A midnight (UTC) of the past: chunks of a day begin there."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
