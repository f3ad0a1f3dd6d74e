"""What psycopg's own cursors do not do, by the same libpq calls, through ``AsyncConnection.wait``.

* One transaction around a COPY, sent as one message: two round trips where statement by statement takes five.
  A write of one reading costs little more than its round trips.
* A statement whose parameters and results are in binary format already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from workers.lib.db import Connection

# A larger piece could outgrow libpq's buffer for ever (psycopg#255).
PIECE = 32 * 1024


async def copy_in_transaction(
    connection: Connection, before: str, copy: str, data: bytes, committing: Callable[[], None]
) -> None:
    """``begin; before; copy; commit``. Calls ``committing`` before the first byte after which it may commit.

    On an error of the server the transaction is left failed: roll back.
    """
    query = f"begin; {before}; {copy}; commit".encode()
    async with connection.lock:
        await connection.wait(_exchange(connection.pgconn, query, data, committing))


async def execute_binary(
    connection: Connection, query: str, parameters: Sequence[bytes], types: Sequence[int]
) -> PGresult:
    """Run one statement; parameters and results in binary format."""
    async with connection.lock:
        return await connection.wait(_execute(connection.pgconn, query.encode(), parameters, types))


def _execute(
    pgconn: PGconn, query: bytes, parameters: Sequence[bytes], types: Sequence[int]
) -> PQGen[PGresult]:
    binary = [Format.BINARY] * len(parameters)
    pgconn.send_query_params(query, parameters, types, binary, Format.BINARY)
    result: PGresult
    (result,) = yield from generators.execute(pgconn)
    if result.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)
    return result


def _exchange(pgconn: PGconn, query: bytes, data: bytes, committing: Callable[[], None]) -> PQGen[None]:
    failed: PGresult | None = None
    pgconn.send_query(query)
    yield from generators.send(pgconn)
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status == ExecStatus.COPY_IN:
            for piece in _pieces(data):
                yield from generators.copy_to(pgconn, piece, flush=False)
            committing()
            pgconn.put_copy_end()
            yield from generators.send(pgconn)
        elif result.status == ExecStatus.FATAL_ERROR and failed is None:
            failed = result
    if failed is not None:
        raise errors.error_from_result(failed)


def _pieces(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), PIECE):
        yield view[start : start + PIECE]
