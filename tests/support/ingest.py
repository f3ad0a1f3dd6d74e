"""A client of the ingest worker for tests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.support.wait import patient, wait_until_async

Answer = tuple[int, dict[str, Any], Mapping[str, str]]


class Gateway:
    """Sends batches with one token."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    @staticmethod
    @asynccontextmanager
    async def open(url: str, token: str | None) -> AsyncIterator[Gateway]:
        """A gateway that talks to the worker at ``url``."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        timeout = aiohttp.ClientTimeout(total=patient(60))
        async with aiohttp.ClientSession(url, headers=headers, timeout=timeout) as session:
            yield Gateway(session)

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a body as it is: status, answer, headers."""
        sent = headers or {"Content-Type": "application/json"}
        async with self.session.post("/telemetry/batch", data=body, headers=sent) as response:
            return response.status, await response.json(), response.headers

    async def post_readings(self, readings: Iterable[Any]) -> Answer:
        """Send readings, whatever is answered."""
        return await self.post(json.dumps(list(readings)).encode())

    async def send(self, readings: Iterable[Any]) -> dict[str, Any]:
        """Send readings that must be answered 200."""
        status, answer, _ = await self.post_readings(readings)
        assert status == 200, answer
        return answer

    async def until_accepted(self, readings: list[Any]) -> None:
        """Send again until none is rejected or unavailable."""

        async def stored() -> bool:
            status, answer, _ = await self.post_readings(readings)
            return status == 200 and answer["accepted"] + answer["duplicates"] == len(readings)

        await wait_until_async(stored, "the readings are stored", retry_on=(aiohttp.ClientError,))


def now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def reading(number: int, at: datetime, kwh: float = 0.25, **rest: Any) -> dict[str, Any]:
    """A reading of the seeded meter SIM-``number``."""
    return {"meter_id": f"SIM-{number:05d}", "timestamp": at.isoformat(), "kwh": kwh, **rest}
