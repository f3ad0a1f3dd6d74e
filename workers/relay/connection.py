"""One connection: its rights, its subscription, its commands, its end."""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import WSMsgType, web

from workers.lib.tokens import Claims
from workers.relay import protocol
from workers.relay.accounts import account_of
from workers.relay.cursor import Cursor, MalformedCursorError
from workers.relay.directory import Directory
from workers.relay.events import PING_FRAME, chunks, text_frame
from workers.relay.hub import Hub
from workers.relay.outbox import Outbox, Overflow
from workers.relay.protocol import CloseCode, Ping, ProtocolError, Subscribe, Unsubscribe
from workers.relay.replay import GAP_MESSAGES, Missed, Replay
from workers.relay.scope import Filter, Scope

log = logging.getLogger(__name__)

BURST = 60
PER_SECOND = 10.0
ROOM_INTERVAL = 0.02
ROOM_TIMEOUT = 30.0
CLOSE_GRACE = 3.0
SLOW_GRACE = 15.0  # a slow peer has a backlog to read before it comes to the close frame
MAX_SILENT = 2


class Allowance:
    """How many frames a client may send: a burst, then a steady rate."""

    def __init__(self, burst: float = BURST, per_second: float = PER_SECOND) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> bool:
        """Use one; False if there is none left."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        self._left -= 1
        return self._left >= 0


class Session:
    """A connected client."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        claims: Claims,
        scope: Scope,
        hub: Hub,
        directory: Directory,
        replay: Replay,
        buffer_events: int,
    ) -> None:
        self.claims = claims
        self.scope = scope
        self.outbox = Outbox(transport, buffer_events, hub.position)
        self.silent_pings = 0
        self.pinged_at = time.monotonic()
        self._ws = ws
        self._hub = hub
        self._directory = directory
        self._replay = replay
        self._allowance = Allowance()
        self._filter: Filter | None = None
        self._live = False
        self._feeding: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def ended(self) -> None:
        """Wait for the close handshake begun by :meth:`end`."""
        if self._ending is not None:
            await asyncio.wait([self._ending])

    async def run(self) -> None:
        """Serve the client until either side ends the connection."""
        self._hub.join(self)
        try:
            self.send(protocol.welcome(self._hub.cursor))
            while True:
                message = await self._ws.receive()
                self.silent_pings = 0
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    break
                if not self._allowance.take():
                    self.end(CloseCode.TOO_MANY_FRAMES, "too many frames", "flood")
                    break
                await self._receive(message.type, message.data)
        finally:
            self._stop_feed()
            self._hub.leave(self)
            await self.ended()

    async def _receive(self, kind: WSMsgType, data: str | bytes) -> None:
        if kind is WSMsgType.PING:
            await self._ws.pong(data if isinstance(data, bytes) else data.encode())
        elif kind is WSMsgType.BINARY:
            self.send(ProtocolError("binary_frame", "frames are JSON text").text())
        elif kind is WSMsgType.TEXT:
            try:
                await self._obey(protocol.parse(str(data)))
            except ProtocolError as error:
                self.send(error.text())
            except Exception:
                log.exception("a frame failed")
                self.send(ProtocolError("internal_error", "the server failed to serve this frame").text())

    async def _obey(self, request: protocol.ClientFrame) -> None:
        match request:
            case Subscribe():
                await self._subscribe(request)
            case Unsubscribe():
                self._stop_feed()
                self.send(protocol.frame("unsubscribed", cursor=self._hub.cursor.encode()))
            case Ping():
                self.send(protocol.frame("pong", cursor=self._resume_cursor().encode()))

    async def _subscribe(self, request: Subscribe) -> None:
        cursor = _decode(request.cursor)
        interest = await self._directory.interest(self.scope, request)
        self._stop_feed()
        self._filter = Filter(self.scope, interest)
        if cursor is None:
            self.outbox.position = self._hub.position
            self.send(protocol.subscribed(self._hub.cursor, request))
            self._go_live()
        else:
            self._feeding = asyncio.create_task(self._resume(request, cursor))

    async def _resume(self, request: Subscribe, cursor: Cursor) -> None:
        """Replay what came after ``cursor``, then go live."""
        try:
            async with self._replay.turns.take(account_of(self.claims)):
                await self._replay_after(request, cursor)
        except Overflow:
            self.drop_slow()
        except Exception:
            log.exception("a replay failed")
            self.end(CloseCode.TRY_AGAIN, "the replay failed; resume with your last cursor", "error")

    async def _replay_after(self, request: Subscribe, cursor: Cursor) -> None:
        start = await self._replay.locate(cursor)
        self.outbox.position = start.position
        self.send(protocol.subscribed(Cursor(self._hub.epoch, start.position), request))
        if start.gap is not None:
            self._tell_gap(Cursor(self._hub.epoch, start.position), start.gap)
        while True:
            try:
                await self._catch_up()
                break
            except Missed as missed:
                self.outbox.position = missed.cursor.position
                self._tell_gap(missed.cursor, "pruned")
        self._go_live()

    async def _catch_up(self) -> None:
        async for events, reached in self._replay.pages(self.scope.tenant_id, self.outbox.position):
            wanted = self._filter
            if wanted is None:
                return
            for chunk in chunks([event for event in events if wanted.matches(event)]):
                if self.outbox.congested:
                    await self._room()
                sent = self.outbox.offer(chunk)
                self._hub.metrics.events.inc(sent)
                self._hub.metrics.replayed.inc(sent)
            self.outbox.position = max(self.outbox.position, reached)

    async def _room(self) -> None:
        """Wait until the peer has read what was sent; too long is too slow."""
        deadline = time.monotonic() + ROOM_TIMEOUT
        self._hub.watch(self)
        while self.outbox.congested:
            if time.monotonic() > deadline:
                raise Overflow
            await asyncio.sleep(ROOM_INTERVAL)

    def _go_live(self) -> None:
        if self._filter is not None and self._ending is None:
            self._live = True
            self._hub.listen(self, self._filter)

    def _stop_feed(self) -> None:
        if self._feeding is not None:
            self._feeding.cancel()
            self._feeding = None
        if self._live and self._filter is not None:
            self._hub.mute(self, self._filter)
        self._live = False
        self._filter = None

    def apply_scope(self, scope: Scope) -> None:
        """Go on with changed rights, from the next event on."""
        if scope == self.scope:
            return
        if scope.tenant_id != self.scope.tenant_id:
            self.end(CloseCode.ACCESS_WITHDRAWN, "the account has moved", "withdrawn")
            return
        self.scope = scope
        if self._filter is not None:
            if self._live:
                self._hub.mute(self, self._filter)
            self._filter = Filter(scope, self._filter.interest)
            if self._live:
                self._hub.listen(self, self._filter)

    def skip_to(self, cursor: Cursor, reason: str) -> None:
        """The log itself has moved on: continue at ``cursor`` and say so."""
        self.outbox.position = self.outbox.delivered = cursor.position
        if self._filter is None:
            return
        if self._feeding is not None:
            self._feeding.cancel()
            self._feeding = None
        self._tell_gap(cursor, reason)
        if not self._live:
            self._go_live()

    def _tell_gap(self, cursor: Cursor, reason: str) -> None:
        self._hub.metrics.gaps.labels(reason).inc()
        self.send(protocol.gap(cursor, reason, GAP_MESSAGES[reason]))

    def send(self, text: str) -> None:
        """Send a JSON frame, in order with the events."""
        try:
            self.outbox.send(text_frame(text))
        except Overflow:
            self.drop_slow()

    def ping(self) -> None:
        """Ask for a sign of life; end the connection if the last ones were not answered."""
        if self.silent_pings >= MAX_SILENT:
            self.end(CloseCode.SILENT, "no answer to pings", "silent")
            return
        self.silent_pings += 1
        self.pinged_at = time.monotonic()
        self.outbox.ping(PING_FRAME)

    def drop_slow(self) -> None:
        """End the connection because its buffer is full; the reason carries the cursor to resume with."""
        cursor = Cursor(self._hub.epoch, self.outbox.delivered).encode()
        self.outbox.clear()
        self.end(CloseCode.TRY_AGAIN, f"too slow; resume with cursor {cursor}", "slow", SLOW_GRACE)

    def end(self, code: CloseCode, reason: str, label: str, grace: float = CLOSE_GRACE) -> None:
        """Close with a reason, once; cut the connection if the peer does not take part."""
        if self._ending is not None:
            return
        self._stop_feed()
        self._hub.metrics.drops.labels(label).inc()
        self._ending = asyncio.create_task(self._close(code, reason, grace))

    async def _close(self, code: CloseCode, reason: str, grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                await self._ws.close(code=code, message=reason.encode()[:123], drain=False)
                await self.outbox.drained()
        except (TimeoutError, ConnectionError):
            self.outbox.abort()

    def _resume_cursor(self) -> Cursor:
        """Where a client that reads everything up to this frame may resume."""
        here = self.outbox.position
        if self._feeding is None or self._live:
            here = max(here, self._hub.position)
        return Cursor(self._hub.epoch, here)


def _decode(text: str | None) -> Cursor | None:
    if text is None:
        return None
    try:
        return Cursor.decode(text)
    except MalformedCursorError:
        raise ProtocolError(
            "malformed_cursor",
            "the cursor is not one of this platform's",
            hint="use the cursor of a frame as it came",
        ) from None
