"""What a device may send, local to the process: a bucket of tokens, and a day's readings."""

from __future__ import annotations

import time
from collections.abc import Hashable

MAX_BUCKETS = 100_000
DAY = 86_400


class RateLimiter:
    """Lets ``rate`` a second through, ``burst`` at once. A rate of 0 lets everything through."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        # Key: the time at which the bucket is full again.
        self._full_at: dict[Hashable, float] = {}

    def delay(self, key: Hashable, cost: int = 1) -> float:
        """0 if what costs so much may pass, else the seconds after which it may.

        What costs more than ``burst`` passes a full bucket, and is paid for afterwards.
        """
        if not self._rate:
            return 0.0
        now = time.monotonic()
        full_at = max(self._full_at.get(key, now), now)
        debt = (full_at - now) * self._rate
        room = self._burst - min(cost, self._burst)
        if debt > room:
            return (debt - room) / self._rate
        if len(self._full_at) >= MAX_BUCKETS and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = full_at + cost / self._rate
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop full buckets; if none is, drop all: better a moment's leniency than growth without bound."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        if len(self._full_at) >= MAX_BUCKETS:
            self._full_at.clear()


class DailyQuota:
    """How many readings of a device are stored or kept in a day of UTC; 0: as many as come."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._day = 0
        self._used: dict[Hashable, int] = {}

    def charge(self, key: Hashable, readings: int) -> None:
        """Note what was stored or kept."""
        self._turn()
        self._used[key] = self._used.get(key, 0) + readings

    def wait(self, key: Hashable, meters: int | None = None) -> float:
        """0 while more may come, else the seconds until the next day. ``meters``: of how many it may send."""
        now = self._turn()
        limit = self._limit if meters is None else min(self._limit, DAY * meters)
        if not self._limit or self._used.get(key, 0) < limit:
            return 0.0
        return (self._day + 1) * DAY - now

    def _turn(self) -> float:
        now = time.time()
        if (day := int(now // DAY)) != self._day:
            self._day, self._used = day, {}
        return now
