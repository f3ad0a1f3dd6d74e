"""The clients of a fan-out measure, seen from the process that measures (they are :mod:`bench.listeners`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stack.paths import CHECKOUT

DEADLINE = 120.0


class CrowdError(RuntimeError):
    """Not every client heard every event once and in order: a figure would mean nothing."""


class Crowd:
    """Clients that have connected and subscribed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def expect(self, events: int) -> None:
        """From now on, listen until all have heard so many events of the run; then :meth:`heard` answers."""
        self._tell({"do": "listen", "events": events})

    def heard(self, deliveries: int) -> dict[str, Any]:
        """What they saw, once each has heard all; ``deliveries``: events due, summed over the clients."""
        seen = self._answer()
        if seen["delivered"] != deliveries:
            raise CrowdError(f"{deliveries} deliveries were due: {seen}")
        return seen

    def hang_up(self) -> None:
        """Close all connections; the clients remember what they heard."""
        self._tell({"do": "hang_up"})
        self._answer()

    def resume(self, port: int, cursors: Sequence[int]) -> float:
        """Connect again, after the events numbered ``cursors`` in turn; seconds until all have subscribed."""
        self._tell({"do": "resume", "cursors": list(cursors), "port": port})
        return float(self._answer()["seconds"])

    def _tell(self, task: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"deadline": DEADLINE, **task}) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the clients' process has ended"}
        if "error" in answer:
            raise CrowdError(answer["error"])
        return answer


@contextmanager
def connected(task: dict[str, Any]) -> Iterator[Crowd]:
    """``task["clients"]`` clients, each connected and subscribed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.fanout.listeners"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={"PATH": os.environ.get("PATH", "")},
    )
    crowd = Crowd(process)
    try:
        crowd._tell(task)
        crowd._answer()
        yield crowd
    finally:
        process.kill()
        process.wait()
