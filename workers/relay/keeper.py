"""Keeps sessions honest: pings them, ends expired ones, and reads their rights again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict

from workers.lib.errors import Forbidden, Unavailable
from workers.lib.sessions import Sessions
from workers.relay.connection import Session
from workers.relay.directory import Directory
from workers.relay.hub import Hub
from workers.relay.protocol import CloseCode

log = logging.getLogger(__name__)

SIGN_OUT_INTERVAL = 2.0
"""How soon the connections of someone who has signed out end, in seconds."""


class Keeper:
    """Periodic duties over all sessions."""

    def __init__(
        self,
        hub: Hub,
        directory: Directory,
        sessions: Sessions,
        ping_interval: float,
        scope_interval: float,
    ) -> None:
        self._hub = hub
        self._directory = directory
        self._sessions = sessions
        self._ping_interval = ping_interval
        self._scope_interval = scope_interval

    async def watch(self) -> None:
        """Ping each session every interval; end those whose token has expired."""
        tick = min(1.0, self._ping_interval / 4)
        while True:
            await asyncio.sleep(tick)
            now, clock = time.monotonic(), time.time()
            for session in list(self._hub.sessions):
                if session.claims.expires_at <= clock:
                    session.end(CloseCode.TOKEN_EXPIRED, "the token has expired", "expired")
                elif now - session.pinged_at >= self._ping_interval:
                    session.ping()

    async def sign_out(self) -> None:
        """End the connections whose sign-in has been revoked."""
        while True:
            await asyncio.sleep(SIGN_OUT_INTERVAL)
            try:
                await self._end_signed_out()
            except Unavailable:
                log.info("sign-ins not checked: the database is away")
            except Exception:
                log.exception("sign-ins not checked")

    async def _end_signed_out(self) -> None:
        named = {sid for session in self._hub.sessions if (sid := session.claims.session) is not None}
        ended = named - await self._sessions.live(named)
        for session in list(self._hub.sessions):
            if session.claims.session in ended:
                session.end(CloseCode.ACCESS_WITHDRAWN, "the session has ended: signed out", "signed_out")

    async def refresh(self) -> None:
        """Read every connected user's rights again, so that what was sold or withdrawn stops being heard."""
        while True:
            await asyncio.sleep(self._scope_interval)
            try:
                await self._refresh_all()
            except Unavailable:
                log.info("rights not refreshed: the database is away")
            except Exception:
                log.exception("rights not refreshed")

    async def _refresh_all(self) -> None:
        by_user: dict[tuple[str, str, str], list[Session]] = defaultdict(list)
        for session in self._hub.sessions:
            by_user[session.claims.subject, session.claims.tenant, session.claims.role].append(session)
        for sessions in by_user.values():
            try:
                scope = await self._directory.scope(sessions[0].claims)
            except Forbidden as error:
                for session in sessions:
                    session.end(CloseCode.ACCESS_WITHDRAWN, error.message, "withdrawn")
                continue
            for session in sessions:
                session.apply_scope(scope)
