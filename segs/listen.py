"""``segs listen``: prints live events, one a line, and misses none across reconnects."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TextIO
from urllib.parse import urlsplit, urlunsplit

import aiohttp

DEFAULT_URL = "ws://127.0.0.1:8080/ws"
FIRST_DELAY = 0.5
LONGEST_DELAY = 15.0
KEEP_ALIVE = 30.0
SILENCE = 100.0  # the relay pings every 30 s; this long without a sound, and the line is dead
FINAL_CODES = {4401: "the token has expired", 4403: "access was withdrawn"}

Frame = dict[str, Any]


class Refused(Exception):
    """The relay does not want us; trying again would not help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``segs listen``."""
    parser.add_argument("--url", default=None, help=f"the relay, ws:// or http:// (default: {DEFAULT_URL})")
    parser.add_argument("--token", default=None, help="bearer token (default: $SEGS_TOKEN)")
    parser.add_argument(
        "--topics",
        type=_list,
        default=[],
        metavar="LIST",
        help="comma-separated topics, such as alert,price.published (default: all)",
    )
    parser.add_argument(
        "--regions",
        type=_list,
        default=[],
        metavar="LIST",
        help="only these regions (codes, comma-separated)",
    )
    parser.add_argument(
        "--meters", type=_list, default=[], metavar="LIST", help="only these meters (codes, comma-separated)"
    )
    parser.add_argument("--cursor", default=None, help="resume after the event that had this cursor")
    parser.add_argument("--json", action="store_true", help="print frames as JSON, one a line")


def run(args: argparse.Namespace) -> int:
    """Listen until interrupted; returns the exit status."""
    token = args.token or os.environ.get("SEGS_TOKEN")
    if not token:
        print(
            "segs listen: a token is needed: --token or SEGS_TOKEN (see segs token --help)", file=sys.stderr
        )
        return 2
    printer = Printer(sys.stdout, as_json=args.json, colour=_wants_colour(sys.stdout))
    listener = Listener(
        url=websocket_url(args.url or DEFAULT_URL),
        token=token,
        request={"topics": args.topics, "regions": args.regions, "meters": args.meters},
        cursor=args.cursor,
        show=printer.show,
        say=lambda text: print(f"segs listen: {text}", file=sys.stderr, flush=True),
    )
    try:
        asyncio.run(_until_interrupted(listener))
    except Refused as error:
        print(f"segs listen: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone (| head). Keep the interpreter from failing to flush it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


async def _until_interrupted(listener: Listener) -> None:
    task = asyncio.ensure_future(listener.listen())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


@dataclass
class Listener:
    """Follows the events of one subscription, reconnecting with the last cursor."""

    url: str
    token: str
    request: dict[str, list[str]]
    cursor: str | None
    show: Callable[[Frame, str], None]
    say: Callable[[str], None]

    async def listen(self) -> None:
        """Listen for ever. Raises :class:`Refused` when trying again would not help."""
        delay = FIRST_DELAY
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    reason = await self._connection(http)
                    delay = FIRST_DELAY
                except aiohttp.WSServerHandshakeError as error:
                    if error.status in (400, 401, 403, 404):
                        raise Refused(_handshake_refusal(error)) from error
                    reason = f"the relay answered {error.status}"
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    reason = str(error) or type(error).__name__
                self.say(f"{reason}; connecting again")
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not secrecy
                delay = min(delay * 2, LONGEST_DELAY)

    async def _connection(self, http: aiohttp.ClientSession) -> str:
        """One connection, from handshake to its end; returns why it ended."""
        protocols = ("segs.v1", f"bearer.{self.token}")
        async with http.ws_connect(self.url, protocols=protocols, max_msg_size=0) as ws:
            asking = asyncio.create_task(self._keep_asking(ws))
            try:
                await self._subscribe(ws)
                while True:
                    message = await ws.receive(timeout=SILENCE)
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._take(message.data)
                    elif message.type is aiohttp.WSMsgType.CLOSE:
                        return _closed(message.data, message.extra)
                    else:
                        return _closed(ws.close_code, None)
            finally:
                asking.cancel()

    async def _subscribe(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        frame: Frame = {"type": "subscribe", **{name: codes for name, codes in self.request.items() if codes}}
        if self.cursor is not None:
            frame["cursor"] = self.cursor
        await ws.send_json(frame)

    async def _keep_asking(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """The answer carries the current cursor: a quiet subscription must not fall behind the log's end."""
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            await ws.send_json({"type": "ping"})

    def _take(self, text: str) -> None:
        frame: Frame = json.loads(text, parse_float=Decimal)
        kind = frame["type"]
        if kind == "error" and frame["code"] == "unavailable":
            raise aiohttp.ClientError(frame["message"])
        if kind == "error":
            details = f" ({frame['details']})" if frame.get("details") else ""
            raise Refused(f"{frame['message']}{details}")
        if kind == "subscribed":
            self.say("connected; windows close every 15 minutes, alerts and corrections come in between")
        if kind in ("event", "gap"):
            self.show(frame, text)
        if kind != "welcome":
            self.cursor = frame.get("cursor", self.cursor)


class Printer:
    """Writes frames for people, or as JSON for programs."""

    def __init__(self, out: TextIO, *, as_json: bool, colour: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._colour = colour

    def show(self, frame: Frame, text: str) -> None:
        """Write one line: ``text`` as it came, or ``frame`` in words."""
        print(text if self._as_json else self._line(frame), file=self._out, flush=True)

    def _line(self, frame: Frame) -> str:
        if frame["type"] == "gap":
            return self._paint("31", f"-- events may be missing: {frame.get('message') or frame['reason']}")
        at = datetime.fromisoformat(frame["at"]).astimezone()
        place = " ".join(part for part in (frame["region"], frame["meter_id"]) if part)
        topic = self._paint(_topic_colour(frame), f"{frame['topic']:<18}")
        return f"{at:%H:%M:%S} {topic} {place:<20} {describe(frame)}".rstrip()

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def describe(frame: Frame) -> str:
    """What an event says, in a few words; unknown kinds as key=value."""
    payload = frame["payload"]
    family = frame["topic"].partition(".")[0]
    if family == "price" and "price" in payload:
        multiplier = f" (x{payload['multiplier']})" if "multiplier" in payload else ""
        return f"{payload['price']} {payload.get('currency', '')}/kWh{multiplier} {_window(payload)}".rstrip()
    if family == "load" and "energy_kwh" in payload:
        words = (
            f"{payload['energy_kwh']} kWh of {payload.get('meters', '?')} meters {_window(payload)}".rstrip()
        )
        return f"{words}, revision {payload['revision']}" if payload.get("revision", 1) != 1 else words
    if family == "alert" and "kind" in payload:
        return _describe_alert(payload)
    return " ".join(f"{key}={value}" for key, value in payload.items() if key not in ("region", "meter_id"))


def _describe_alert(payload: Frame) -> str:
    words = [f"#{payload['alert_id']}", payload["kind"], f"({payload['severity']})"]
    if payload.get("energy_kwh") is not None:
        words.append(f"{payload['energy_kwh']} kWh")
    if payload.get("threshold_kwh") is not None:
        words.append(f"limit {payload['threshold_kwh']} kWh")
    if payload.get("occurrences", 1) > 1:
        words.append(f"seen {payload['occurrences']} times")
    return " ".join(words)


def _window(payload: Frame) -> str:
    start, end = payload.get("window_start"), payload.get("window_end")
    if start is None:
        return ""
    text = f"from {datetime.fromisoformat(start).astimezone():%H:%M}"
    return text if end is None else f"{text} to {datetime.fromisoformat(end).astimezone():%H:%M}"


def websocket_url(url: str) -> str:
    """``url`` with a WebSocket scheme, and the relay's path when it has none."""
    parts = urlsplit(url if "//" in url else f"//{url}", scheme="ws")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path.strip("/") else "/ws"
    return urlunsplit(parts._replace(scheme=scheme, path=path))


def _topic_colour(frame: Frame) -> str:
    if frame["topic"] in ("alert.raised", "alert.repeated"):
        return {"critical": "1;31", "warning": "33", "info": "36"}.get(frame["payload"].get("severity"), "33")
    return {"alert": "32", "price": "35", "load": "34"}.get(frame["topic"].partition(".")[0], "37")


def _closed(code: int | None, reason: str | None) -> str:
    if code in FINAL_CODES:
        raise Refused(FINAL_CODES[code])
    return f"the connection was closed ({reason or code})"


def _handshake_refusal(error: aiohttp.WSServerHandshakeError) -> str:
    meanings = {401: "the token was not accepted", 403: "the token does not allow listening"}
    return (
        meanings.get(error.status, f"{error.request_info.real_url} is not the relay")
        + f" (HTTP {error.status})"
    )


def _wants_colour(out: TextIO) -> bool:
    return out.isatty() and "NO_COLOR" not in os.environ


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
