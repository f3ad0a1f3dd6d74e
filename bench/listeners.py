"""WebSocket clients, a process of their own: measures how long after its commit an event arrives.

Reads its task as JSON from standard input, prints ``ready`` once every client has subscribed, and the result
as JSON when every client has heard the last event (or the deadline has passed).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

from bench.figures import percentile


class Listeners:
    """A number of subscribed clients and the delays they saw, in seconds."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.delays: list[float] = []
        self.waiting: asyncio.Semaphore = asyncio.Semaphore(0)
        self.out_of_order = 0

    async def client(self, session: aiohttp.ClientSession) -> None:
        protocols = ("segs.v1", f"bearer.{self.task['token']}")
        async with session.ws_connect(self.task["url"], protocols=protocols) as socket:
            await socket.send_json({"type": "subscribe", "topics": [self.task["topic"]]})
            last = -1
            async for message in socket:
                received = time.time()
                frame = json.loads(message.data)
                if frame["type"] == "error":
                    raise RuntimeError(f"the relay refused: {frame}")
                if frame["type"] == "subscribed":
                    self.waiting.release()
                if frame["type"] != "event" or frame["payload"].get("run") != self.task["run"]:
                    continue
                number = frame["payload"]["number"]
                self.out_of_order += number != last + 1
                last = number
                self.delays.append(received - frame["payload"]["sent_at"])
                if number == self.task["events"] - 1:
                    return

    async def run(self) -> dict[str, Any]:
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            asyncio.timeout(self.task["deadline"]),
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self.task["clients"]):
                group.create_task(self.client(session))
            for _ in range(self.task["clients"]):
                await self.waiting.acquire()
            print("ready", flush=True)
        return {
            "delivered": len(self.delays),
            "out_of_order": self.out_of_order,
            "p50": percentile(self.delays, 0.50) * 1000,
            "p99": percentile(self.delays, 0.99) * 1000,
            "max": max(self.delays) * 1000,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Listeners(json.loads(sys.stdin.readline())).run())))
