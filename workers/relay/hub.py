"""Hands every event to every live session that should hear it, in log order, without waiting for any."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workers.relay.cursor import Cursor, Position
from workers.relay.events import Chunk, Event, chunks
from workers.relay.history import History
from workers.relay.metrics import RelayMetrics
from workers.relay.outbox import Overflow
from workers.relay.scope import Filter

if TYPE_CHECKING:
    from workers.relay.connection import Session

log = logging.getLogger(__name__)

FLUSH_INTERVAL = 0.02

Groups = dict[Filter, set["Session"]]


class Hub:
    """All sessions of this process, and how far the log has been handed out."""

    def __init__(self, metrics: RelayMetrics, history_limit: int) -> None:
        self.metrics = metrics
        self.sessions: set[Session] = set()
        self.started = asyncio.Event()
        self.online = False
        """Whether the log can be read at the moment."""
        self.epoch = 0
        self.position: Position = (0, 0)
        self._history_limit = history_limit
        self.history = History(history_limit, self.position)
        self._groups: dict[int, Groups] = {}
        self._congested: set[Session] = set()
        self._congestion = asyncio.Event()

    @property
    def cursor(self) -> Cursor:
        """How far the log has been handed out."""
        return Cursor(self.epoch, self.position)

    def start(self, cursor: Cursor) -> None:
        """Begin handing out what follows ``cursor``."""
        self.epoch, self.position = cursor.epoch, cursor.position
        self.history = History(self._history_limit, cursor.position)
        self.started.set()

    def restart(self, cursor: Cursor, reason: str) -> None:
        """Continue at ``cursor``, telling every subscribed session that events before it may be missing."""
        log.warning("the log continues at %s (%s): telling %d sessions", cursor, reason, len(self.sessions))
        self.start(cursor)
        for session in list(self.sessions):
            session.skip_to(cursor, reason)

    def listen(self, session: Session, wanted: Filter) -> None:
        """Give ``session`` every matching event from here on that is newer than its own position."""
        self._groups.setdefault(wanted.scope.tenant_id, {}).setdefault(wanted, set()).add(session)

    def mute(self, session: Session, wanted: Filter) -> None:
        """Give ``session`` no more events under ``wanted``."""
        groups = self._groups.get(wanted.scope.tenant_id, {})
        members = groups.get(wanted)
        if members is None:
            return
        members.discard(session)
        if not members:
            del groups[wanted]
            if not groups:
                del self._groups[wanted.scope.tenant_id]

    def publish(self, events: Sequence[Event]) -> None:
        """Hand out events that follow :attr:`position`. Never waits; a full buffer ends its session."""
        by_tenant: dict[int, list[Event]] = {}
        for event in events:
            by_tenant.setdefault(event.tenant_id, []).append(event)
        sent = 0
        for tenant_id, batch in by_tenant.items():
            for wanted, members in list(self._groups.get(tenant_id, {}).items()):
                matching = [event for event in batch if wanted.matches(event)]
                for chunk in chunks(matching):
                    sent += self._hand_out(chunk, list(members))
        self.position = events[-1].position
        self.history.add(events)
        self._count(events, sent)

    def _hand_out(self, chunk: Chunk, members: Sequence[Session]) -> int:
        sent = 0
        for session in members:
            outbox = session.outbox
            try:
                sent += outbox.offer(chunk)
            except Overflow:
                session.drop_slow()
                continue
            if outbox.queued:
                self.watch(session)
        return sent

    def _count(self, events: Sequence[Event], sent: int) -> None:
        now = time.time()
        for event in events:
            self.metrics.lag.observe(max(0.0, now - event.at.timestamp()))
        self.metrics.frames.inc(len(events))
        self.metrics.events.inc(sent)

    def watch(self, session: Session) -> None:
        """Flush this session's queue as its peer reads."""
        self._congested.add(session)
        self._congestion.set()

    async def flush_forever(self) -> None:
        """Write queued frames as slow peers make room."""
        while True:
            await self._congestion.wait()
            for session in list(self._congested):
                if session.outbox.flush():
                    self._congested.discard(session)
            if self._congested:
                await asyncio.sleep(FLUSH_INTERVAL)
            else:
                self._congestion.clear()

    def join(self, session: Session) -> None:
        """Count a session in."""
        self.sessions.add(session)
        self.metrics.connections.set(len(self.sessions))

    def leave(self, session: Session) -> None:
        """Count a session out."""
        self.sessions.discard(session)
        self._congested.discard(session)
        self.metrics.connections.set(len(self.sessions))
