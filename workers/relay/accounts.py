"""What one account may take of this process: so many connections, so many replays at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from workers.lib.errors import RateLimited
from workers.lib.tokens import Claims

Account = tuple[str, str]


def account_of(claims: Claims) -> Account:
    """Whose token it is, however many tokens they have."""
    return claims.tenant, claims.subject


class Seats:
    """Connections of an account, counted from the door on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[Account] = Counter()

    @contextmanager
    def take(self, account: Account) -> Iterator[None]:
        """A place for as long as a connection lasts. Raises :class:`RateLimited` when all are taken."""
        if self._taken[account] >= self._limit:
            raise RateLimited(
                f"this account has {self._limit} connections already",
                retry_after=10,
                hint="one connection can hear everything; see SEGS_RELAY_ACCOUNT_CONNECTIONS",
            )
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]


class Turns:
    """Replays of an account: some at once, the others wait for each other, and for nobody else's."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._known: dict[Account, asyncio.Semaphore] = {}
        self._asked: Counter[Account] = Counter()

    @asynccontextmanager
    async def take(self, account: Account) -> AsyncIterator[None]:
        """Wait for a turn, and have it."""
        turns = self._known.setdefault(account, asyncio.Semaphore(self._at_once))
        self._asked[account] += 1
        try:
            async with turns:
                yield
        finally:
            self._asked[account] -= 1
            if not self._asked[account]:
                del self._asked[account], self._known[account]
