"""Runs wrk with requests that were written down beforehand, so that generating them costs nothing then."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack.runtime import Runtime

SCRIPT = Path(__file__).with_name("replay.lua")


class LoadError(RuntimeError):
    """The load did not go as it should have: a figure from it would mean nothing."""


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    sent: int
    seconds: float
    latencies: list[tuple[int, int]]
    """Microseconds, and how many answers took them, shortest first."""
    cpu_seconds: float
    """Processor time of wrk itself, once it had read the requests."""

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.sent / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the answers took at most (nearest rank)."""
        wanted = math.ceil(share * self.sent)
        for at, count in self.latencies:
            wanted -= count
            if wanted <= 0:
                return at / 1000
        raise LoadError("nothing was answered")

    def figures(self) -> dict[str, float]:
        """As a part prints them."""
        return {
            "requests_s": self.rate,
            "p50.ms": self.percentile(0.50),
            "p95.ms": self.percentile(0.95),
            "p99.ms": self.percentile(0.99),
            "generator cpu.us": self.cpu_seconds / self.sent * 1e6,
        }


def http_request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One HTTP/1.1 request, whole."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def write_requests(path: Path, requests: Iterable[bytes]) -> int:
    """Write requests down for wrk; returns how many there are."""
    count = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n" % len(request))
            file.write(request)
            count += 1
    return count


def run(
    runtime: Runtime,
    url: str,
    requests: Path,
    *,
    connections: int,
    seconds: float,
    threads: int = 1,
    again: bool = True,
) -> Load:
    """Replay ``requests`` against the server of ``url`` for some seconds.

    ``again``: begin again after the last one; otherwise running out of requests raises :class:`LoadError`, as
    does any answer that is not 2xx.
    """
    address = f"http://{urlsplit(url).netloc}/"
    command = runtime.command(
        "wrk", "--connections", str(connections), "--threads", str(threads),
        "--duration", f"{seconds:.0f}s", "--timeout", "30s", "--script", str(SCRIPT), address,
        "--", str(requests), str(threads), "again" if again else "once", str(connections),
        binds=[requests.parent, SCRIPT.parent],
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadError(f"wrk: {(done.stderr or done.stdout).strip()[-800:]}")
    seen: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    told = {name: value for name, value in seen.items() if name != "microseconds"}
    if seen["not_2xx"] or seen["socket_errors"]:
        raise LoadError(f"not every request was answered with 2xx: {told}")
    if seen["exhausted"]:
        raise LoadError(f"the requests ran out before the time did: {told}")
    return Load(
        sent=seen["answered"],
        seconds=seen["seconds"],
        latencies=latencies(seen),
        cpu_seconds=seen["cpu_seconds"],
    )


def latencies(seen: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Microseconds and how many answers took them, shortest first: exactly the answers that there were."""
    counts = sorted((at, count) for at, count in seen["microseconds"])
    if sum(count for _, count in counts) != seen["answered"] or any(count < 0 for _, count in counts):
        raise LoadError(f"{seen['answered']} answers, but the times of {sum(n for _, n in counts)}")
    return counts
