"""Every SQL statement of the auth worker: functions of schema ``auth``, nothing else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from workers.lib.db import Connection

_REGISTER = "select auth.register(%s, %s, %s, %s, %s, %s, %s, %s)"
_SEND_CODE = "select auth.send_code(%s, %s, %s, %s, %s)"
_CONFIRM = "select auth.confirm(%s, %s, %s)"
_RESET = "select auth.reset_password(%s, %s, %s, %s)"
_SET_PASSWORD = "select auth.set_password(%s, %s, %s, %s)"  # noqa: S105 - a statement
_PASSWORD_OF = "select auth.password_of(%s)"  # noqa: S105 - a statement
_REHASH = "select auth.rehash(%s, %s, %s)"
_FIND_LOGIN = "select user_id, password_hash, verified, in_use from auth.find_login(%s, %s)"
_KNOWN_HERE = "select auth.signed_in_from(%s, %s, %s)"
_OPEN = "select session_id, expires_at, profile from auth.open_session(%s, %s, %s, %s, %s, %s)"
_REFRESH = "select outcome, session_id, expires_at, profile, issued_at from auth.refresh_session(%s, %s)"
_CLOSE = "select auth.close_session(%s)"
_CLOSE_ALL = "select auth.close_sessions(%s)"
_ME = "select auth.me(%s, %s)"
_UPDATE_ME = "select auth.update_me(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class LoginRow:
    """What signing in needs to know of an account."""

    user_id: UUID
    password_hash: str | None
    verified: bool
    in_use: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session just opened or refreshed."""

    session_id: UUID
    expires_at: datetime
    profile: dict[str, Any]
    issued_at: datetime | None = None
    """When its newest refresh token was made; None: just now."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How an exchange of refresh tokens went."""

    outcome: str
    session_id: UUID | None
    session: SessionRow | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sign-in came from."""

    user_agent: str | None
    address: str | None

    @property
    def network(self) -> str:
        """What counts as one place: an IPv4 address, or the /64 of an IPv6 one, which is one customer's."""
        if self.address is None:
            return "nowhere"
        return str(ipaddress.ip_network(f"{self.address}/{64 if ':' in self.address else 32}", strict=False))


async def register(
    connection: Connection,
    tenant: str,
    email: str,
    name: str,
    phone: str | None,
    password_hash: str | None,
    known_hash: str | None,
    code: str,
    code_hash: bytes,
) -> str:
    """What happened: created, repeated, known, closed or unknown_tenant."""
    values = (tenant, email, name, phone, password_hash, known_hash, code, code_hash)
    return str(await _value(connection, _REGISTER, values))


async def send_code(
    connection: Connection, tenant: str, email: str, purpose: str, code: str, code_hash: bytes
) -> None:
    """Send a code if the account may have one."""
    await _value(connection, _SEND_CODE, (tenant, email, purpose, code, code_hash))


async def confirm(connection: Connection, tenant: str, email: str, code_hash: bytes) -> UUID | None:
    """The account that this code confirms."""
    return await _uuid(connection, _CONFIRM, (tenant, email, code_hash))


async def reset_password(
    connection: Connection, tenant: str, email: str, code_hash: bytes, password_hash: str
) -> UUID | None:
    """The account whose password is now another."""
    return await _uuid(connection, _RESET, (tenant, email, code_hash, password_hash))


async def set_password(
    connection: Connection, user_id: UUID, password_hash: str, expected: str | None, keep: str | None
) -> bool:
    """Whether the password was still the expected one, and is now this."""
    keep_session = UUID(keep) if keep else None
    return bool(await _value(connection, _SET_PASSWORD, (user_id, password_hash, expected, keep_session)))


async def password_of(connection: Connection, user_id: UUID) -> str | None:
    """The password hash of an account in use."""
    found = await _value(connection, _PASSWORD_OF, (user_id,))
    return None if found is None else str(found)


async def rehash(connection: Connection, user_id: UUID, expected: str, password_hash: str) -> None:
    """The same password, hashed with the parameters of now."""
    await _value(connection, _REHASH, (user_id, expected, password_hash))


async def find_login(connection: Connection, tenant: str, email: str) -> LoginRow | None:
    """The account with this address."""
    row = await _row(connection, _FIND_LOGIN, (tenant, email))
    return LoginRow(*row) if row else None


async def signed_in_from(connection: Connection, tenant: str, email: str, network: str) -> bool:
    """Whether someone has signed in to this account from there."""
    return bool(await _value(connection, _KNOWN_HERE, (tenant, email, network)))


async def open_session(
    connection: Connection,
    user_id: UUID,
    expected_hash: str | None,
    token_hash: bytes,
    lifetime: int,
    place: Place,
) -> SessionRow | None:
    """A new session; None if the account may not have one."""
    values = (
        user_id, expected_hash, token_hash, timedelta(seconds=lifetime), place.user_agent, place.address,
    )  # fmt: skip
    row = await _row(connection, _OPEN, values)
    return SessionRow(*row) if row else None


async def refresh_session(connection: Connection, token_hash: bytes, new_hash: bytes) -> Refreshed:
    """Exchange a refresh token."""
    row = await _row(connection, _REFRESH, (token_hash, new_hash))
    if row is None:
        return Refreshed("unknown", None, None)
    outcome, session_id, expires_at, profile, issued_at = row
    session = SessionRow(session_id, expires_at, profile, issued_at) if outcome == "refreshed" else None
    return Refreshed(outcome, session_id, session)


async def close_session(connection: Connection, token_hash: bytes) -> UUID | None:
    """The session that was ended."""
    return await _uuid(connection, _CLOSE, (token_hash,))


async def close_sessions(connection: Connection, user_id: UUID) -> int:
    """How many sessions were ended."""
    return int(await _value(connection, _CLOSE_ALL, (user_id,)) or 0)


async def me(connection: Connection, tenant: str, user_id: UUID) -> dict[str, Any] | None:
    """The account as its owner sees it."""
    found: dict[str, Any] | None = await _value(connection, _ME, (tenant, user_id))
    return found


async def update_me(
    connection: Connection, tenant: str, user_id: UUID, changes: dict[str, Any]
) -> dict[str, Any] | None:
    """The account after the changes."""
    found: dict[str, Any] | None = await _value(connection, _UPDATE_ME, (tenant, user_id, Jsonb(changes)))
    return found


async def _row(connection: Connection, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    cursor = await connection.execute(statement, values)
    return await cursor.fetchone()


async def _value(connection: Connection, statement: str, values: tuple[Any, ...]) -> Any:
    row = await _row(connection, statement, values)
    return row[0] if row else None


async def _uuid(connection: Connection, statement: str, values: tuple[Any, ...]) -> UUID | None:
    found = await _value(connection, statement, values)
    return found if isinstance(found, UUID) else None
