"""Meters and tenants by code, remembered for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from workers.ingest import statements
from workers.ingest.readings import Meter
from workers.lib.db import Pool, is_transient
from workers.lib.errors import Forbidden, Unavailable

MAX_KNOWN = 1_000_000
MAX_UNKNOWN = 100_000
MAX_TENANTS = 10_000


class MeterDirectory:
    """The meters of one tenant. Concurrent look-ups share one query."""

    def __init__(self, pool: Pool, tenant: str, tenant_id: int, *, ttl: float, unknown_ttl: float) -> None:
        self.tenant_id = tenant_id
        self._pool = pool
        self._tenant = tenant
        self._ttl = ttl
        self._unknown_ttl = unknown_ttl
        self._known: dict[str, Meter] = {}
        self._known_until = 0.0
        self._unknown: dict[str, float] = {}
        self._wanted: set[str] = set()
        self._next: asyncio.Task[dict[str, Meter]] | None = None
        self._querying = asyncio.Lock()

    def known(self) -> Mapping[str, Meter]:
        """What is remembered now; all of it is forgotten every ``ttl`` seconds."""
        now = time.monotonic()
        if now >= self._known_until or len(self._known) > MAX_KNOWN:
            self._known = {}
            self._known_until = now + self._ttl
        return self._known

    async def resolve(self, codes: Collection[str]) -> dict[str, Meter]:
        """Keys of ``codes``; unknown ones are absent. Raises :class:`Unavailable` without a database."""
        known = self.known()
        now = time.monotonic()
        found = {code: known[code] for code in codes if code in known}
        missing = [code for code in codes if code not in found and self._unknown.get(code, 0.0) <= now]
        if missing:
            fetched = await self._fetch(missing)
            found.update({code: fetched[code] for code in missing if code in fetched})
        return found

    async def _fetch(self, codes: list[str]) -> dict[str, Meter]:
        self._wanted.update(codes)
        if self._next is None:
            self._next = asyncio.create_task(self._query())
        return await asyncio.shield(self._next)

    async def _query(self) -> dict[str, Meter]:
        """Ask for everything that was wanted by the time the query before has finished."""
        async with self._querying:
            wanted, self._wanted, self._next = list(self._wanted), set(), None
            try:
                async with self._pool.connection() as connection:
                    fetched = await statements.resolve_meters(connection, self._tenant, wanted)
            except Exception as error:
                if is_transient(error):
                    raise Unavailable("meters cannot be looked up now") from error
                raise
        self._known.update(fetched)
        self._remember_unknown([code for code in wanted if code not in fetched])
        return fetched

    def _remember_unknown(self, codes: list[str]) -> None:
        if len(self._unknown) + len(codes) > MAX_UNKNOWN:
            self._unknown.clear()
        until = time.monotonic() + self._unknown_ttl
        self._unknown.update(dict.fromkeys(codes[:MAX_UNKNOWN], until))


class Tenants:
    """The meter directory of each tenant."""

    def __init__(self, pool: Pool, *, ttl: float, unknown_ttl: float) -> None:
        self._pool = pool
        self._ttl = ttl
        self._unknown_ttl = unknown_ttl
        self._directories: dict[str, MeterDirectory] = {}

    async def directory(self, tenant: str) -> MeterDirectory:
        """The meters of ``tenant``. Raises :class:`Forbidden` if there is no such tenant."""
        directory = self._directories.get(tenant)
        if directory is None:
            tenant_id = await self._tenant_id(tenant)
            if len(self._directories) >= MAX_TENANTS:
                self._directories.clear()
            directory = self._directories.setdefault(
                tenant,
                MeterDirectory(self._pool, tenant, tenant_id, ttl=self._ttl, unknown_ttl=self._unknown_ttl),
            )
        return directory

    async def _tenant_id(self, tenant: str) -> int:
        try:
            async with self._pool.connection() as connection:
                tenant_id = await statements.tenant_id(connection, tenant)
        except Exception as error:
            if is_transient(error):
                raise Unavailable("the tenant cannot be looked up now") from error
            raise
        if tenant_id is None:
            raise Forbidden("the token names no tenant of this platform")
        return tenant_id
