"""A WebSocket that misses nothing: what a dashboard holds."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import datetime

import websocket
from locust.env import Environment

from bench.load.user import pause

SILENCE = 90
"""Seconds without a frame, a ping of the relay's included, after which it is gone."""


class Stream:
    """Follows a tenant's events. What it counts is how long after it was written an event is here.

    The time an event was written is the platform's, the time it is here is ours: both clocks must agree.
    """

    def __init__(self, environment: Environment, host: str, token: Callable[[], str]) -> None:
        self.environment = environment
        self.url = f"ws{host.removeprefix('http').rstrip('/')}/ws"
        self.token = token
        self.cursor: str | None = None

    def follow(self) -> None:
        """Listen for ever, connecting again with the cursor."""
        while True:
            begun = time.time()
            try:
                self._connection()
            except websocket.WebSocketBadStatusException as error:
                self._refused(error, begun)
            except (OSError, ValueError, websocket.WebSocketException) as error:
                self._told("connection", begun, error)
            time.sleep(random.uniform(0.5, 2))

    def _connection(self) -> None:
        begun = time.time()
        socket = websocket.create_connection(
            self.url,
            subprotocols=["segs.v1", f"bearer.{self.token()}"],
            suppress_origin=True,
            timeout=SILENCE,
        )
        try:
            self._told("connection", begun)
            resume = {"cursor": self.cursor} if self.cursor else {}
            socket.send(json.dumps({"type": "subscribe", **resume}))
            while text := socket.recv():
                self._take(json.loads(text))
        finally:
            socket.close(timeout=1)

    def _refused(self, error: websocket.WebSocketBadStatusException, begun: float) -> None:
        told = (error.resp_headers or {}).get("retry-after")
        if error.status_code in (429, 503) and told:
            self._told(f"connection: {error.status_code}, told to wait", begun)
            time.sleep(pause(told))
        else:
            self._told("connection", begun, error)

    def _take(self, frame: dict[str, str]) -> None:
        if frame["type"] == "error":
            raise ValueError(f"{frame['code']}: {frame['message']}")
        if frame["type"] == "event":
            self._told(frame["topic"], datetime.fromisoformat(frame["at"]).timestamp())
        if frame["type"] == "gap":
            self._told("gap", time.time())
        if frame["type"] != "welcome":
            self.cursor = frame["cursor"]

    def _told(self, what: str, since: float, error: Exception | None = None) -> None:
        self.environment.events.request.fire(
            request_type="WS",
            name=what,
            response_time=max(0.0, time.time() - since) * 1000,
            response_length=0,
            exception=error,
            context={},
        )
