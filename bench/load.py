"""The load generator, a process of its own: posts readings over several kept-alive connections.

Reads its task as JSON from standard input and prints what it saw as JSON. Closed loop: a connection sends its
next request when the last one was answered. Bodies are built before the clock starts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import orjson

from bench.figures import percentile
from bench.rows import batches


@dataclass
class Seen:
    """What the answers said."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0

    def summary(self, elapsed: float) -> dict[str, Any]:
        return {
            "rows_s": self.accepted / elapsed,
            "requests_s": len(self.seconds) / elapsed,
            "p50": percentile(self.seconds, 0.50) * 1000,
            "p99": percentile(self.seconds, 0.99) * 1000,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "statuses": {str(status): count for status, count in self.statuses.items()},
        }


def bodies(task: dict[str, Any]) -> list[bytes]:
    codes: list[str] = task["meters"]
    first = datetime.fromisoformat(task["first"])
    numbers = list(range(len(codes)))
    made = []
    for rows in batches(numbers, first, task["requests"], task["size"]):
        readings = [
            {"meter_id": codes[m], "timestamp": ts.isoformat(), "kwh": e / 1e6, "voltage": v, "current": c}
            for ts, m, e, v, c in rows
        ]
        made.append(orjson.dumps({"readings": readings}))
    return made


async def run(task: dict[str, Any]) -> dict[str, Any]:
    made = bodies(task)
    headers = {"Authorization": f"Bearer {task['token']}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=task["connections"])
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        seen = Seen()
        warm = made[: task["warmup"]]
        await _post_all(session, task["url"], iter(warm), task["connections"], Seen(), task["deadline"])
        before = time.perf_counter()
        await _post_all(
            session, task["url"], iter(made[len(warm) :]), task["connections"], seen, task["deadline"]
        )
        return seen.summary(time.perf_counter() - before)


async def _post_all(
    session: aiohttp.ClientSession,
    url: str,
    work: Iterator[bytes],
    connections: int,
    seen: Seen,
    deadline: float,
) -> None:
    """Every connection takes the next body from the shared iterator, until it is empty or time is up."""

    async def worker() -> None:
        for body in work:
            await _post(session, url, body, seen)

    async with asyncio.timeout(deadline), asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(worker())


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, seen: Seen) -> None:
    before = time.perf_counter()
    async with session.post(url, data=body) as response:
        text = await response.read()
        seen.seconds.append(time.perf_counter() - before)
        seen.statuses[response.status] += 1
        if response.status == 200:
            answer = orjson.loads(text)
            seen.accepted += answer["accepted"]
            seen.duplicates += answer["duplicates"]
            seen.rejected += len(answer["rejected"])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
