"""Every SQL statement of the notifier: functions of schema ``notify``, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workers.lib.db import Pool

_TAKE = "select msg_id, read_ct, message from notify.take(%s, %s)"
_DONE = "select notify.done(%s)"
_RETRY = "select notify.retry(%s, %s)"
_BURY = "select notify.bury(%s, %s)"
_WAITING = "select waiting, dead from notify.waiting()"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that is ours for a while."""

    msg_id: int
    attempt: int
    message: object


async def take(pool: Pool, most: int, hold_seconds: int) -> list[Taken]:
    """The next messages."""
    async with pool.connection() as connection:
        rows = await connection.execute(_TAKE, (most, hold_seconds))
        return [Taken(*row) for row in await rows.fetchall()]


async def done(pool: Pool, msg_id: int) -> None:
    """The mail is delivered."""
    await _execute(pool, _DONE, (msg_id,))


async def retry(pool: Pool, msg_id: int, delay_seconds: int) -> None:
    """The mail is to be tried again."""
    await _execute(pool, _RETRY, (msg_id, delay_seconds))


async def bury(pool: Pool, msg_id: int, reason: str) -> None:
    """The mail is given up."""
    await _execute(pool, _BURY, (msg_id, reason))


async def waiting(pool: Pool) -> tuple[int, int]:
    """How many mails wait, and how many were given up."""
    async with pool.connection() as connection:
        rows = await connection.execute(_WAITING)
        row = await rows.fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def _execute(pool: Pool, statement: str, values: tuple[Any, ...]) -> None:
    async with pool.connection() as connection:
        await connection.execute(statement, values)
