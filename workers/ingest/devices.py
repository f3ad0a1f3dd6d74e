"""Who sends: the device of a signed token, or of an opaque one that the database knows."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from typing import NamedTuple

from workers.ingest import statements
from workers.lib.db import Pool, is_transient
from workers.lib.errors import Unauthorized, Unavailable
from workers.lib.tokens import TokenVerifier, require_role

# Made by rpc/create_device_token: 32 bytes in base64url.
OPAQUE = re.compile(r"segsd_[A-Za-z0-9_-]{43}")
MAX_REMEMBERED = 100_000


class Device(NamedTuple):
    """A sender, and the only meters it may send for (None: all of its tenant)."""

    subject: str
    tenant: str
    meters: frozenset[str] | None = None
    end: bool | None = None
    """Whether it stamps readings with the end of their interval; None: as the tenant says."""


class Devices:
    """Tells the device of a token. An opaque token is asked for again after ``ttl`` seconds."""

    def __init__(self, pool: Pool, tokens: TokenVerifier, *, ttl: float) -> None:
        self._pool = pool
        self._tokens = tokens
        self._ttl = ttl
        self._remembered: dict[bytes, tuple[float, Device | None]] = {}
        self._asking: dict[bytes, asyncio.Task[Device | None]] = {}

    async def device(self, token: str) -> Device:
        """Raises :class:`Unauthorized` for a token that is not good, :class:`Forbidden` for a person's."""
        if not OPAQUE.fullmatch(token):
            claims = self._tokens.verify(token)
            require_role(claims, "device")
            return Device(claims.subject, claims.tenant)
        device = await self._known(hashlib.sha256(token.encode()).digest())
        if device is None:
            raise Unauthorized("the token is not valid")
        return device

    async def _known(self, token_hash: bytes) -> Device | None:
        until, device = self._remembered.get(token_hash, (0.0, None))
        if until > time.monotonic():
            return device
        # Requests that come at once share one question.
        asking = self._asking.get(token_hash)
        if asking is None:
            asking = self._asking[token_hash] = asyncio.create_task(self._ask(token_hash))
            asking.add_done_callback(lambda _: self._asking.pop(token_hash, None))
        return await asyncio.shield(asking)

    async def _ask(self, token_hash: bytes) -> Device | None:
        asked_at = time.monotonic()
        try:
            async with self._pool.connection() as connection:
                row = await statements.device(connection, token_hash)
        except Exception as error:
            if is_transient(error):
                raise Unavailable("the device cannot be looked up now") from error
            raise
        device = None
        if row is not None:
            device_id, tenant, meters, end = row
            device = Device(device_id, tenant, None if meters is None else frozenset(meters), end)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[token_hash] = (asked_at + self._ttl, device)
        return device
