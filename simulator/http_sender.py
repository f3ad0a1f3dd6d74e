"""Readings over HTTP: POST /telemetry/batch, repeated until the platform has answered for them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import aiohttp

from simulator.backoff import Gate, retry_after
from simulator.errors import ProtocolError, Refused
from simulator.stats import Answer, Statistics

# A retry is safe: a reading is known by its meter and time, so a batch that was stored before its answer got
# lost is answered with duplicates.
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


def session(concurrency: int, timeout: float) -> aiohttp.ClientSession:
    """One pool of connections for a run."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency + 2),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10.0)),
    )


def explain(status: int, body: bytes) -> str:
    """An error answer in one line: the platform's message and hint where it has the agreed shape."""
    try:
        error = json.loads(body)
        parts = [error["message"], error.get("details"), error.get("hint")]
        return f"{status} {error['code']}: " + "; ".join(str(part) for part in parts if part)
    except (ValueError, KeyError, TypeError):
        text = " ".join(body[:200].decode("utf-8", "replace").split())
        return f"{status} {text}" if text else str(status)


class HttpSender:
    """Sends batches with a device token."""

    def __init__(
        self, http: aiohttp.ClientSession, target: str, token: str | None, stats: Statistics
    ) -> None:
        self._http, self._stats = http, stats
        self._url = target.rstrip("/") + "/telemetry/batch"
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._gate = Gate()

    async def send(self, readings: list[str]) -> Answer:
        """The platform's answer for these readings, however long it takes."""
        body = ('{"readings":[' + ",".join(readings) + "]}").encode()
        while True:
            await self._gate.wait()
            try:
                async with self._http.post(self._url, data=body, headers=self._headers) as response:
                    content = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._retry(reason(error), None)
                continue
            status = response.status
            if status in TRY_AGAIN:
                self._retry(explain(status, content), retry_after(response.headers.get("Retry-After")))
                continue
            self._gate.success()
            if status == 413 and len(readings) > 1:
                half = len(readings) // 2
                return await self.send(readings[:half]) + await self.send(readings[half:])
            return self._answer(status, content, len(readings))

    async def ready_for_window(self) -> None:
        """HTTP answers only after the commit: nothing to wait for."""

    async def close(self) -> None:
        """The session belongs to the run."""

    def _retry(self, reason: str, asked: float | None) -> None:
        self._stats.retried(reason)
        self._gate.failure(asked)

    def _answer(self, status: int, content: bytes, expected: int) -> Answer:
        if status in (401, 403):
            raise Refused(f"{self._url} does not accept the device token: {explain(status, content)}")
        if not 200 <= status < 300:
            raise ProtocolError(f"{self._url} answered {explain(status, content)}")
        try:
            answer = _parse(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(
                f"{self._url} answered {status}, but not as an ingest would: {content[:200]!r}"
            ) from error
        total = answer.accepted + answer.duplicates + answer.rejected.total()
        if total != expected:
            raise ProtocolError(f"{self._url} answered for {total} readings of {expected}")
        return answer


def _parse(answer: dict[str, Any]) -> Answer:
    rejected = Counter(str(item["code"]) for item in answer["rejected"])
    return Answer(int(answer["accepted"]), int(answer["duplicates"]), rejected)


def reason(error: BaseException) -> str:
    """Why a request got no answer, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return (
            "connection refused"
            if isinstance(error.os_error, ConnectionRefusedError)
            else str(error.os_error)
        )
    return "connection lost"
