"""Whether the sign-in behind a token still stands: asked of the database, remembered for moments."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from uuid import UUID

import psycopg

from workers.lib import db
from workers.lib.errors import Unauthorized, Unavailable
from workers.lib.tokens import Claims

log = logging.getLogger(__name__)

REMEMBER = 5.0
"""Seconds for which a session that was found alive counts as alive."""
MAX_REMEMBERED = 50_000

_LIVE = "select l.session_id from auth.live_sessions(%s) as l (session_id)"


class Sessions:
    """Checks the sessions that tokens name. ``required``: a person's token must name one."""

    def __init__(self, pool: db.Pool, *, required: bool) -> None:
        self._pool = pool
        self._required = required
        self._seen: dict[str, float] = {}

    async def check(self, claims: Claims) -> None:
        """Raise :class:`Unauthorized` unless the token's session stands, or it needs none."""
        if claims.session is None:
            if self._required and claims.role != "device":
                raise _ended()
            return
        if self._seen.get(claims.session, 0.0) > time.monotonic():
            return
        if claims.session not in await self.live([claims.session]):
            raise _ended()

    async def live(self, sessions: Collection[str]) -> set[str]:
        """Those of ``sessions`` that stand now. Raises :class:`Unavailable` while the database is away."""
        if not sessions:
            return set()
        try:
            async with self._pool.connection() as connection:
                rows = await connection.execute(_LIVE, ([UUID(sid) for sid in sessions],))
                alive = {str(row[0]) for row in await rows.fetchall()}
        except (psycopg.Error, OSError) as error:
            if not db.is_transient(error):
                raise
            raise Unavailable("the database is away", retry_after=2) from error
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.clear()
        until = time.monotonic() + REMEMBER
        for sid in sessions:
            if sid in alive:
                self._seen[sid] = until
            else:
                self._seen.pop(sid, None)
        return alive

    def forget(self, session: str | None) -> None:
        """Ask again at the next check: the session was just ended here."""
        if session is not None:
            self._seen.pop(session, None)

    def forget_all(self) -> None:
        """Ask again for every session."""
        self._seen.clear()


def _ended() -> Unauthorized:
    return Unauthorized("the session has ended", code="session_ended", hint="sign in again")
