"""What the simulator asks of the platform besides taking readings.

To know its meters, and how far it got last time.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp

from simulator.backoff import Gate, retry_after
from simulator.errors import ProtocolError, Refused
from simulator.fleet import Fleet, iso
from simulator.http_sender import TRY_AGAIN, explain, reason

REGISTER_AT_ONCE = 1000
ASKED_FOR_PROGRESS = 25


class Platform:
    """The REST API, with an operator's token."""

    def __init__(
        self, http: aiohttp.ClientSession, api: str, token: str, waiting: Callable[[str], None]
    ) -> None:
        self._http, self._waiting = http, waiting
        self._url = api.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._gate = Gate()

    async def register(self, fleet: Fleet, installed_at: int) -> int:
        """Make the fleet's meters known; those already known stay as they are. Returns how many are new."""
        created = 0
        for first in range(0, len(fleet.codes), REGISTER_AT_ONCE):
            part = range(first, min(first + REGISTER_AT_ONCE, len(fleet.codes)))
            meters = [
                {
                    "meter_id": fleet.codes[meter],
                    "region": fleet.region(meter),
                    "installed_at": iso(installed_at),
                }
                for meter in part
            ]
            answer = await self._call("POST", "/rpc/register_meters", body={"meters": meters})
            rows = answer if isinstance(answer, list) else []
            created += sum(bool(row.get("created")) for row in rows if isinstance(row, dict))
        return created

    async def newest(self, fleet: Fleet) -> int | None:
        """How far the fleet's readings have come: the median over some of its meters.

        The median, because a silent meter is behind the fleet, and one that someone tried out by hand is
        ahead of it. None if most of them have never sent anything.
        """
        step = max(1, len(fleet.codes) // ASKED_FOR_PROGRESS)
        asked = fleet.codes[::step][:ASKED_FOR_PROGRESS]
        rows = await self._call(
            "GET", "/latest_readings", {"select": "meter_id,timestamp", "meter_id": f"in.({','.join(asked)})"}
        )
        known = [int(datetime.fromisoformat(row["timestamp"]).timestamp()) for row in rows]
        never = [0] * (len(asked) - len(known))
        return int(statistics.median_low(known + never)) or None

    async def _call(
        self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None
    ) -> Any:
        while True:
            await self._gate.wait()
            try:
                async with self._http.request(
                    method, self._url + path, params=query, json=body, headers=self._headers
                ) as response:
                    status, content = response.status, await response.read()
                    asked = retry_after(response.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._waiting(f"{self._url} is away: {reason(error)}")
                self._gate.failure()
                continue
            if status in TRY_AGAIN:
                self._waiting(f"{self._url} is not ready: {explain(status, content)}")
                self._gate.failure(asked)
                continue
            if status in (401, 403):
                raise Refused(
                    f"{self._url + path} does not accept the operator token: {explain(status, content)}"
                )
            if not 200 <= status < 300:
                raise ProtocolError(f"{self._url + path} answered {explain(status, content)}")
            return json.loads(content) if content else None
