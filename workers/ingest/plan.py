"""What one write stores, and how its outcome is shared out among the requests in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.ingest.rows import EPOCH_SHIFT, Mask, Rows, as_rows
from workers.ingest.statements import BatchRow, QuarantineRow


@dataclass(slots=True, eq=False)
class Job:
    """The part of one request that goes to the database."""

    tenant_id: int
    count: int
    """How many readings it brings."""
    packed: bytes
    """The readings (see :mod:`workers.ingest.rows`); the same one may be among them twice."""
    rejected: int
    quarantine: list[QuarantineRow]
    done: asyncio.Future[int]
    """Set after the commit: how many of the readings were duplicates."""
    request_id: str = ""

    @property
    def size(self) -> int:
        """What the job weighs in the queue, in rows."""
        return self.count + len(self.quarantine)


@dataclass(slots=True)
class Plan:
    """The readings of a group of jobs, each once, in order of meter and time."""

    jobs: list[Job]
    rows: Rows
    owner: npt.NDArray[np.intp]
    """For each row, the place of the first job that brought it: what the others brought are duplicates."""
    quarantine: list[QuarantineRow]

    def duplicates(self, refused: Mask | None) -> list[int]:
        """For each job, how many of its readings came before it in the group, or were ``refused``."""
        owner = self.owner if refused is None else self.owner[~refused]
        stored = np.bincount(owner, minlength=len(self.jobs)).tolist()
        return [job.count - count for job, count in zip(self.jobs, stored, strict=True)]

    def batch_rows(self, refused: Mask | None) -> list[BatchRow]:
        """One row of the batch log a tenant."""
        duplicates = self.duplicates(refused)
        tenants = {job.tenant_id for job in self.jobs}
        return [self._batch_row(tenant, len(tenants) == 1, duplicates, refused) for tenant in tenants]

    def _batch_row(self, tenant: int, only: bool, duplicates: list[int], refused: Mask | None) -> BatchRow:
        mine = [
            (job, extra) for job, extra in zip(self.jobs, duplicates, strict=True) if job.tenant_id == tenant
        ]
        times = self.rows["ts"]
        stored = np.ones(len(times), dtype=np.bool_) if refused is None else ~refused
        if not only:
            stored &= np.array([job.tenant_id == tenant for job in self.jobs], dtype=np.bool_)[self.owner]
        times = times[stored]
        repeated = sum(extra for _, extra in mine)
        return BatchRow(
            tenant_id=tenant,
            accepted=sum(job.count for job, _ in mine) - repeated,
            duplicates=repeated,
            rejected=sum(job.rejected for job, _ in mine),
            first_ts=int(times.min()) + EPOCH_SHIFT if len(times) else None,
            last_ts=int(times.max()) + EPOCH_SHIFT if len(times) else None,
        )


def make_plan(jobs: list[Job]) -> Plan:
    """Merge the jobs of a group. The jobs themselves stay as they are."""
    rows = as_rows(job.packed for job in jobs)
    owner = np.repeat(np.arange(len(jobs)), [job.count for job in jobs])
    if len(rows) > 1:
        meters, times = rows["meter_id"].astype(np.int64), rows["ts"].astype(np.int64)
        order = np.lexsort((times, meters))  # stable: of the same reading, the first one comes first
        meters, times = meters[order], times[order]
        repeated = (meters[1:] == meters[:-1]) & (times[1:] == times[:-1])
        if repeated.any():
            order = order[np.concatenate(([True], ~repeated))]
        rows, owner = rows[order], owner[order]
    return Plan(jobs, rows, owner, [row for job in jobs for row in job.quarantine])


def requests_of(jobs: list[Job]) -> str:
    """The request a group belongs to, as far as one name can say: the first one's id, and how many more."""
    first = jobs[0].request_id if jobs else ""
    return f"{first} +{len(jobs) - 1}" if first and len(jobs) > 1 else first
