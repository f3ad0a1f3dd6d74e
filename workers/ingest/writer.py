"""Group commit: what requests wait for is stored in one transaction, and none is answered before it ends.

Lanes (a connection each) take waiting jobs from one bounded queue. A job is the part of one request that goes
to the database. While a lane writes, the next jobs gather, so the groups grow with the load by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from psycopg.pq import TransactionStatus

from workers.ingest import statements
from workers.ingest.metrics import IngestMetrics
from workers.ingest.plan import Job, Outcome, Plan, make_plan, requests_of
from workers.ingest.recent import RecentTimes
from workers.ingest.rows import Mask
from workers.ingest.statements import Stored
from workers.lib import db
from workers.lib.errors import ServiceError, Unavailable

log = logging.getLogger(__name__)

ATTEMPTS = 3
STOP_GRACE = 1.0
PARALLEL_ROWS = 1000


class AmbiguousCommit(Exception):
    """The connection was lost, or time ran out, while the database was committing."""


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """How much is written at once, and how much may wait."""

    lanes: int
    write_rows: int
    queue_rows: int
    timeout: float
    interval: float
    """Seconds from one write to the next while requests come one reading at a time."""


@dataclass(slots=True)
class Lane:
    """One writer's connection; ``committing`` while the outcome of a transaction is not known."""

    number: int
    connection: db.Connection | None = None
    committing: bool = False
    warned: bool = False
    backoff: db.Backoff = field(default_factory=lambda: db.Backoff(0.1, 2.0))


class Writer:
    """Stores jobs. ``submit`` one and await its ``done``: what became of its readings."""

    def __init__(self, url: str, recent: RecentTimes, options: WriterOptions, metrics: IngestMetrics) -> None:
        self._url = url
        self._recent = recent
        self._options = options
        self._metrics = metrics
        self._waiting: deque[Job] = deque()
        self._waiting_rows = 0
        self._writing = 0
        self._last_write = float("-inf")
        self._wakeup = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._away: set[int] = set()
        self._stopping = False
        self.spacing = 0
        """Microseconds that two readings of a meter are apart at least."""

    def start(self) -> None:
        """Start the lanes; they connect by themselves."""
        for number in range(self._options.lanes):
            self._away.add(number)
            self._tasks.append(asyncio.create_task(self._run(Lane(number)), name=f"writer-{number}"))

    async def stop(self) -> None:
        """Store everything that was submitted, then disconnect."""
        self._stopping = True
        self._wakeup.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._options.timeout + STOP_GRACE)
            for task in late:
                task.cancel()
        self._fail(self._take_all(), Unavailable("the worker is stopping"))

    @property
    def connected(self) -> bool:
        """Whether at least one lane can write."""
        return len(self._away) < self._options.lanes

    @property
    def waiting_rows(self) -> int:
        """Rows in the queue."""
        return self._waiting_rows

    def check(self) -> None:
        """Raise :class:`Unavailable` if a job submitted now would not be taken."""
        if not self.connected:
            raise Unavailable("the database is away", retry_after=2)
        if self._waiting_rows >= self._options.queue_rows:
            raise Unavailable("too many readings are waiting to be stored", retry_after=1)

    def submit(self, job: Job) -> None:
        """Queue a job. Raises :class:`Unavailable` when the database is away or the queue is full."""
        self.check()
        self._waiting.append(job)
        self._waiting_rows += job.size
        if self._due():
            self._wakeup.set()

    async def _run(self, lane: Lane) -> None:
        try:
            while True:
                if lane.connection is None or db.unusable(lane.connection):
                    if await self._connect(lane) is None:
                        if self._stopping:
                            return
                        await asyncio.sleep(lane.backoff.next())
                elif self._due():
                    await self._store_next(lane)
                elif self._stopping:
                    return
                else:
                    await self._idle()
        finally:
            self._away.add(lane.number)
            if lane.connection is not None:
                await lane.connection.close()

    def _due(self) -> bool:
        """Whether a lane should write now: one at once, another only for what is worth a second commit."""
        return bool(self._waiting) and (
            not self._writing or self._waiting_rows >= PARALLEL_ROWS or self._stopping
        )

    async def _store_next(self, lane: Lane) -> None:
        self._writing += 1
        try:
            await self._gather()
            if group := self._take():  # another lane may have stored what this one was gathering
                await self._store(lane, group)
        finally:
            self._writing -= 1
            if lane.connection is None:
                self._wakeup.set()

    async def _gather(self) -> None:
        """Under load, let a few more requests join: a commit costs the same for one reading as for fifty."""
        now = time.monotonic()
        rest = self._last_write + self._options.interval - now
        if rest > 0 and self._waiting_rows < PARALLEL_ROWS and not self._stopping:
            await asyncio.sleep(rest)
            now += rest
        self._last_write = now

    async def _idle(self) -> None:
        self._wakeup.clear()
        await self._wakeup.wait()

    async def _connect(self, lane: Lane) -> db.Connection | None:
        """Try once to give the lane a connection."""
        timeout = f"-c statement_timeout={round(self._options.timeout * 1000)}"
        try:
            connection = await db.connect(self._url, f"segs-ingest-writer-{lane.number}", options=timeout)
            self._recent.bind(await statements.identity(connection))
        except Exception as error:
            self._leave(lane, str(error).strip())
            return None
        if lane.number in self._away:
            self._away.discard(lane.number)
            log.info("writer %s is connected", lane.number)
        lane.connection, lane.warned = connection, False
        lane.backoff.reset()
        return connection

    def _leave(self, lane: Lane, reason: str) -> None:
        """The lane is without a database. If all are, nobody should wait for it."""
        lane.connection = None
        if lane.number not in self._away or not lane.warned:
            lane.warned = True
            log.warning("writer %s is without a database: %s", lane.number, reason)
        self._away.add(lane.number)
        if not self.connected:
            self._fail(self._take_all(), Unavailable("the database is away", retry_after=2))

    def _take(self) -> list[Job]:
        """The oldest jobs, up to the rows of one write (a larger job goes alone)."""
        group: list[Job] = []
        rows = 0
        while self._waiting and (not group or rows + self._waiting[0].size <= self._options.write_rows):
            job = self._waiting.popleft()
            rows += job.size
            group.append(job)
        self._waiting_rows -= rows
        return group

    def _take_all(self) -> list[Job]:
        group = list(self._waiting)
        self._waiting.clear()
        self._waiting_rows = 0
        return group

    async def _store(self, lane: Lane, group: list[Job]) -> None:
        """Store a group; if that fails for a reason of its own, each job by itself: no innocent job fails."""
        try:
            await self._attempt(lane, group)
        except ServiceError as error:
            self._fail(group, error)
        except Exception as error:
            if db.is_transient(error) or isinstance(error, AmbiguousCommit):
                log.warning("a write failed: %s", str(error).strip() or type(error).__name__)
                self._fail(group, Unavailable("the readings could not be stored now", retry_after=1))
            elif len(group) > 1:
                log.warning("a write of %s requests failed, storing each by itself: %s", len(group), error)
                for job in group:
                    await self._store(lane, [job])
            else:
                log.error("a request could not be stored: %s", error)
                self._fail(group, ServiceError("the readings could not be stored"))

    async def _attempt(self, lane: Lane, group: list[Job]) -> None:
        """Write, again if that can do no harm: a lost race, or a connection that died before the commit."""
        careful = False
        failures = 0
        while True:
            connection = lane.connection or await self._connect(lane)
            if connection is None:
                raise Unavailable("the database is away", retry_after=2)
            lane.committing = False
            try:
                await self._within_time(lane, self._write(lane, connection, group, careful))
                return
            except Exception as error:
                failures += 1
                lost = db.unusable(connection)
                if lost:
                    lane.connection = None
                    if lane.committing:
                        raise AmbiguousCommit(str(error)) from error
                if isinstance(error, statements.UniqueViolation) and not careful:
                    careful = True
                    self._metrics.mistaken()
                elif failures == ATTEMPTS or not (lost or db.lost_race(error)):
                    raise

    async def _within_time(self, lane: Lane, write: Coroutine[Any, Any, None]) -> None:
        """Run ``write``; one that does not end in time is abandoned with its connection, not waited for."""
        connection = lane.connection
        task = asyncio.create_task(write)
        done, _ = await asyncio.wait({task}, timeout=self._options.timeout + STOP_GRACE)
        if done:
            task.result()
            return

        def ended(task: asyncio.Task[None]) -> None:
            self._abandoned.discard(task)
            if connection is not None:
                connection.pgconn.finish()
            if not task.cancelled():
                task.exception()

        self._abandoned.add(task)
        task.add_done_callback(ended)
        task.cancel()
        self._leave(lane, "no answer in time")
        raise TimeoutError("the database did not answer in time")

    async def _write(self, lane: Lane, connection: db.Connection, group: list[Job], careful: bool) -> None:
        """Store a group in one transaction and answer its jobs; ``careful``: COPY has met a duplicate."""
        started = time.perf_counter()
        plan = make_plan(group, self.spacing)
        everything = np.ones(len(plan.rows), dtype=np.bool_)
        suspects = everything if careful else self._recent.suspects(plan.rows, self.spacing)
        if plan.crowded is not None:
            suspects |= plan.crowded
        outcomes = await self._transaction(lane, connection, plan, suspects if suspects.any() else None)
        self._recent.stored(plan.rows)
        for job, outcome in zip(group, outcomes, strict=True):
            if not job.done.done():
                job.done.set_result(outcome)
        self._metrics.written(plan, outcomes, time.perf_counter() - started)

    async def _transaction(
        self, lane: Lane, connection: db.Connection, plan: Plan, suspects: Mask | None
    ) -> list[Outcome]:
        """Store a plan, the ``suspects`` by INSERT."""
        label = db.labelled("segs-ingest", requests_of(plan.jobs))

        def committing() -> None:
            lane.committing = True

        try:
            if len(plan.rows) and suspects is None and not plan.quarantine and not plan.disputed:
                outcomes = plan.settle(None)
                log_rows = plan.batch_rows(outcomes, None)
                await statements.copy_batch(connection, label, plan.rows, log_rows, committing)
            else:
                await connection.execute(f"begin; {statements.name_transaction(label)}".encode())
                stored = await self._store_rows(connection, plan, suspects)
                outcomes = plan.settle(stored)
                if kept := plan.quarantine + plan.conflicts(outcomes):
                    await statements.quarantine(connection, kept)
                await statements.log_batches(connection, plan.batch_rows(outcomes, stored))
                committing()
                await connection.execute("commit")
        except Exception:
            await self._rollback(connection)
            raise
        lane.committing = False
        return outcomes

    async def _store_rows(
        self, connection: db.Connection, plan: Plan, suspects: Mask | None
    ) -> Stored | None:
        """Returns what was not stored by this (None: no row)."""
        rows = plan.rows
        if suspects is None:
            if len(rows):
                await statements.copy_rows(connection, rows)
            return None
        if not suspects.all():
            await statements.copy_rows(connection, rows[~suspects])
        before, energy = np.zeros(len(rows), dtype=np.bool_), rows["energy"].astype(np.int64)
        if plan.crowded is not None:
            before |= plan.crowded
            suspects = suspects & ~plan.crowded
        if suspects.any():
            before[suspects] = await statements.insert_rows(connection, rows[suspects], self.spacing)
        if before.any():
            energy[before] = await statements.stored_energies(connection, rows[before])
        return Stored(before, energy)

    async def _rollback(self, connection: db.Connection) -> None:
        if connection.info.transaction_status == TransactionStatus.IDLE:
            return
        try:
            await connection.execute("rollback")
        except Exception as error:
            log.debug("rollback failed: %s", error)
            await connection.close()

    def _fail(self, group: list[Job], error: ServiceError) -> None:
        for job in group:
            if not job.done.done():
                job.done.set_exception(error)
