"""Accounts, regions and meters as the database knows them: who may hear what, and what codes mean."""

from __future__ import annotations

import asyncio
from uuid import UUID

from workers.lib import db
from workers.lib.errors import Forbidden, Unavailable
from workers.lib.tokens import Claims
from workers.relay import queries
from workers.relay.protocol import ProtocolError, Subscribe
from workers.relay.scope import Interest, Scope, scope_from_row

REMEMBER = 1.0
"""Seconds for which a user's rights serve further connections; then they are read again."""

ROLES = ("consumer", "operator", "admin")


class Directory:
    """Looks scopes and codes up. Raises :class:`Unavailable` while the database is away."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._asked: dict[tuple[str, str, str], asyncio.Task[Scope]] = {}

    async def scope_at_door(self, claims: Claims) -> Scope:
        """The same as :meth:`scope`, asked once for all connections of a user that arrive together."""
        key = (claims.subject, claims.tenant, claims.role)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self.scope(claims))
            task.add_done_callback(lambda _: self._forget_soon(key))
        return await asyncio.shield(task)

    def _forget_soon(self, key: tuple[str, str, str]) -> None:
        asyncio.get_running_loop().call_later(REMEMBER, self._asked.pop, key, None)

    async def scope(self, claims: Claims) -> Scope:
        """What the token's user may hear now. Raises :class:`Forbidden` for an unknown account."""
        try:
            user_id = UUID(claims.subject)
        except ValueError:
            raise Forbidden("the token does not name a user account") from None
        try:
            async with self._pool.connection() as connection:
                row = await queries.scope(connection, user_id, claims.tenant)
        except Exception as error:
            raise _unavailable(error) from error
        if row is None:
            raise Forbidden("the account is unknown or disabled")
        return scope_from_row(row, claims.role)

    async def interest(self, scope: Scope, request: Subscribe) -> Interest:
        """The request with codes turned into keys; foreign and unknown codes get the same words."""
        regions = await self._regions(scope, request.regions or [])
        meters = await self._meters(scope, request.meters or [])
        return Interest(topics=frozenset(request.topics or []), regions=regions, meters=meters)

    async def _regions(self, scope: Scope, codes: list[str]) -> frozenset[int]:
        if not codes:
            return frozenset()
        try:
            async with self._pool.connection() as connection:
                known = await queries.region_ids(connection, scope.tenant_id, codes)
        except Exception as error:
            raise _away(error) from error
        if not scope.whole_tenant:
            owned = {period.key for period in scope.regions or ()}
            known = {code: key for code, key in known.items() if key in owned}
        return _all_known("region", codes, known)

    async def _meters(self, scope: Scope, codes: list[str]) -> frozenset[int]:
        if not codes:
            return frozenset()
        if not scope.whole_tenant:
            return _all_known("meter", codes, dict(scope.meter_codes))
        try:
            async with self._pool.connection() as connection:
                known = await queries.meter_ids(connection, scope.tenant_id, codes)
        except Exception as error:
            raise _away(error) from error
        return _all_known("meter", codes, known)


def _all_known(kind: str, codes: list[str], known: dict[str, int]) -> frozenset[int]:
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise ProtocolError(
            f"unknown_{kind}",
            f"no such {kind}",
            details=", ".join(unknown[:20]),
            hint=f"{kind}s is a list of codes",
        )
    return frozenset(known[code] for code in codes)


def _unavailable(error: Exception) -> Exception:
    return Unavailable("the database is away") if db.is_transient(error) else error


def _away(error: Exception) -> Exception:
    if not db.is_transient(error):
        return error
    return ProtocolError("unavailable", "the database is away", hint="send the frame again in a moment")
