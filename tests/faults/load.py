"""Load whose every answer is remembered, and the account of it against the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.wait import wait_until_async

Key = tuple[str, datetime]
METERS = 40
PERIOD = 10  # seconds between the readings of a meter


class Load:
    """Clients that send batch after batch of new readings, each again until it is answered 2xx."""

    def __init__(self, url: str, keys: Keys, meters: int = METERS) -> None:
        """``meters``: each sends one reading of a batch."""
        self.url, self.keys, self.meters = url, keys, meters
        self.answered: dict[Key, int] = {}
        self.unanswered: dict[Key, int] = {}
        self.answers: dict[int, int] = {}
        self._ticks = count()
        self._begin = now().replace(microsecond=0) - timedelta(hours=12)
        self._stop = asyncio.Event()

    @asynccontextmanager
    async def running(self, clients: int = 8) -> AsyncIterator[Load]:
        """Send while the block runs; then finish what is under way."""
        tasks = [asyncio.create_task(self._client()) for _ in range(clients)]
        try:
            yield self
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def more(self, readings: int, what: str = "more readings are answered") -> None:
        """Wait until that many further readings have been answered 2xx."""
        wanted = len(self.answered) + readings
        await wait_until_async(lambda: len(self.answered) >= wanted, what, 60)

    async def _client(self) -> None:
        async with Gateway.open(self.url, self.keys.mint("device")) as gateway:
            while not self._stop.is_set():
                await self._send(gateway, *self._batch())

    def _batch(self) -> tuple[list[dict[str, Any]], dict[Key, int]]:
        tick = next(self._ticks)
        at = self._begin + timedelta(seconds=PERIOD * tick)
        energies = {f"SIM-{n:05d}": 1000 * tick + n for n in range(1, self.meters + 1)}
        sent = [reading(n, at, kwh=(1000 * tick + n) / 1_000_000) for n in range(1, self.meters + 1)]
        return sent, {(code, at): energy for code, energy in energies.items()}

    async def _send(self, gateway: Gateway, batch: list[dict[str, Any]], energies: dict[Key, int]) -> None:
        """Send until it is answered 2xx; give up only after the end of the load."""
        while True:
            try:
                status, answer, _ = await gateway.post_readings(batch)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                status, answer = 0, {}
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == 200:
                assert answer["rejected"] == [], answer
                assert answer["accepted"] + answer["duplicates"] == len(batch), answer
                self.answered |= energies
                return
            assert status in (0, 502, 503, 504), f"{status} {answer}"
            if self._stop.is_set():
                self.unanswered |= energies
                return
            await asyncio.sleep(0.05)

    def check(self, database: Database) -> None:
        """Every reading answered 2xx is there once with its energy, and none that was not sent."""
        found = database.rows(
            "select m.code, r.ts, r.energy from grid.reading as r join grid.meter as m using (meter_id)"
        )
        stored = {(code, ts.astimezone(UTC)): energy for code, ts, energy in found}
        assert len(found) == len(stored), "a reading is there twice"
        lost = {key for key in self.answered if key not in stored}
        assert not lost, f"{len(lost)} readings were answered 2xx and are not there, such as {min(lost)}"
        assert stored == {
            key: energy for key, energy in (self.answered | self.unanswered).items() if key in stored
        }
        assert self.answered
