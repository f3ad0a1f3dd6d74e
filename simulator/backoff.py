"""When to try again.

One gate is shared by all requests of a run, so that a platform in trouble is not asked by each.
"""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_DELAY, LONGEST_DELAY = 0.25, 5.0


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header (a number, or a date)."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


class Gate:
    """Closed for a while after each failure.

    As long as the platform asked for, else exponentially, always with jitter.
    """

    def __init__(self, *, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> None:
        self._first, self._longest = first, longest
        self._failures = 0
        self._opens = 0.0

    async def wait(self) -> None:
        """Return when a request may be made.

        Those who waited together do not all start at the same moment.
        """
        waited = False
        while (left := self._opens - time.monotonic()) > 0:
            waited = True
            await asyncio.sleep(left)
        if waited and self._failures:
            await asyncio.sleep(random.uniform(0, min(self._delay() / 2, 1.0)))

    def success(self) -> None:
        """A request was answered."""
        self._failures = 0

    def failure(self, asked: float | None = None) -> None:
        """A request failed; `asked` is what Retry-After says."""
        now = time.monotonic()
        if now < self._opens:
            return  # of the same trouble as the failure before
        self._failures += 1
        delay = self._delay() if asked is None else min(asked, 300.0)
        self._opens = now + delay * random.uniform(1.0, 1.25)

    def _delay(self) -> float:
        return min(self._longest, self._first * 2.0 ** min(self._failures - 1, 16))
