"""A token bucket per device, local to the process."""

from __future__ import annotations

import time
from collections.abc import Hashable

MAX_BUCKETS = 100_000


class RateLimiter:
    """Lets ``rate`` requests a second through, ``burst`` at once. A rate of 0 lets everything through."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        # Key: the time at which the bucket is full again.
        self._full_at: dict[Hashable, float] = {}

    def delay(self, key: Hashable) -> float:
        """0 if the request may pass, else the seconds after which the next one may."""
        if not self._rate:
            return 0.0
        now = time.monotonic()
        full_at = max(self._full_at.get(key, now), now)
        debt = (full_at - now) * self._rate
        if debt > self._burst - 1:
            return (debt - self._burst + 1) / self._rate
        if len(self._full_at) >= MAX_BUCKETS and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = full_at + 1 / self._rate
        return 0.0

    def _forget(self, now: float) -> None:
        """Drop full buckets; if none is, drop all: better a moment's leniency than growth without bound."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        if len(self._full_at) >= MAX_BUCKETS:
            self._full_at.clear()
