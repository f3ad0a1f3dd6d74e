"""Connections to PostgreSQL: named, with short time-outs, and back-off while the server is away."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

log = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

CONNECT_TIMEOUT = 3
# A peer that vanished without a word is noticed in about 15 s, an unacknowledged write in 10 s.
KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}

# The server cannot serve now, or the transaction lost a race: the same request may succeed later.
_TRANSIENT = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.TransactionRollback,
    errors.ReadOnlySqlTransaction,
    PoolTimeout,
    TimeoutError,
    OSError,
)
_LOST_RACE = (errors.DeadlockDetected, errors.SerializationFailure)


class Backoff:
    """Growing, jittered delays: ``initial`` doubled up to ``maximum``, each between half and whole."""

    def __init__(self, initial: float = 0.1, maximum: float = 5.0) -> None:
        self._initial = initial
        self._maximum = maximum
        self._next = initial

    def reset(self) -> None:
        """Start again from ``initial``."""
        self._next = self._initial

    def next(self) -> float:
        """The next delay in seconds."""
        delay = self._next
        self._next = min(self._next * 2, self._maximum)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not secrecy


async def connect(url: str, application_name: str, **options: Any) -> Connection:
    """A dedicated connection in autocommit mode. ``options`` go to psycopg."""
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        application_name=application_name,
        connect_timeout=CONNECT_TIMEOUT,
        **KEEPALIVE,
        **options,
    )


@asynccontextmanager
async def pool(
    url: str,
    application_name: str,
    *,
    size: int = 4,
    timeout: float = 2.0,  # noqa: ASYNC109 - handed on to the pool
) -> AsyncIterator[Pool]:
    """A pool of autocommit connections. Opens even while the server is away; it reconnects by itself.

    Taking a connection raises :class:`psycopg_pool.PoolTimeout` after ``timeout`` seconds.
    """
    connections: Pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=timeout,
        open=False,
        name=application_name,
        reconnect_timeout=30,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "application_name": application_name,
            "connect_timeout": CONNECT_TIMEOUT,
            **KEEPALIVE,
        },
    )
    await connections.open(wait=False)
    try:
        yield connections
    finally:
        await connections.close(timeout=2)


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may succeed later without anybody changing it."""
    return isinstance(error, _TRANSIENT)


def lost_race(error: BaseException) -> bool:
    """Whether the transaction was chosen as the victim of a conflict, and may be run again at once."""
    return isinstance(error, _LOST_RACE)


def unusable(connection: Connection) -> bool:
    """Whether the connection has been closed or lost."""
    return connection.closed or connection.broken
