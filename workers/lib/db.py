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

from workers.lib import request_id

log = logging.getLogger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT = 3
MAX_APPLICATION_NAME = 63
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


class Pool(AsyncConnectionPool[Connection]):
    """A pool whose connections carry the id of the request that uses them: ``segs-ingest 4f1c...``.

    PostgreSQL shows it as application_name in pg_stat_activity, and in its log (log_line_prefix ``%a``).
    """

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:  # noqa: ASYNC109
        """As in the pool above, named."""
        async with super().connection(timeout) as connection:
            await name_connection(connection, self.name)
            yield connection


def labelled(name: str, request: str | None = None) -> str:
    """``name`` with the id of a request (by default the current one), as an application_name."""
    request = request_id.current.get() if request is None else request
    return f"{name} {request}".rstrip()[:MAX_APPLICATION_NAME]


async def name_connection(connection: Connection, name: str) -> None:
    """Have the connection say who uses it now. Costs a round trip only when that has changed."""
    wanted = labelled(name)
    if connection.pgconn.parameter_status(b"application_name") != wanted.encode():
        await connection.execute("select set_config('application_name', %s, false)", (wanted,))


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
    connections = Pool(
        url,
        min_size=1,
        max_size=size,
        timeout=timeout,
        open=False,
        name=application_name,
        reconnect_timeout=30,
        check=Pool.check_connection,
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
