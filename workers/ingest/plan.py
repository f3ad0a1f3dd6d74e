"""What one write stores, and how its outcome is shared out among the requests in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workers.ingest.readings import CONFLICT, TOO_CLOSE
from workers.ingest.rows import EPOCH_SHIFT, Mask, Rows, as_rows
from workers.ingest.statements import ABSENT, BatchRow, QuarantineRow, Stored


@dataclass(slots=True)
class Outcome:
    """What became of a job's readings: the others are stored."""

    duplicates: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Places among the job's readings, and why: another value is stored, or another reading too close."""


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
    done: asyncio.Future[Outcome]
    """Set after the commit."""
    sent: Callable[[int], str]
    """A reading, by its place among those it brings, as JSON."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What each code means (see :meth:`workers.ingest.readings.Limits.messages`)."""
    end: bool | None = None
    """How its device stamps readings (see :func:`workers.ingest.readings.screen`)."""
    request_id: str = ""

    @property
    def size(self) -> int:
        """What the job weighs in the queue, in rows."""
        return self.count + len(self.quarantine)

    def conflict(self, place: int) -> QuarantineRow:
        """A reading that must be kept beside the one that is stored."""
        return QuarantineRow(self.tenant_id, CONFLICT, self.words[CONFLICT], self.sent(place), self.end)


class Repeats(NamedTuple):
    """How the readings of the jobs, one after the other, became the rows of a plan, each once."""

    row: npt.NDArray[np.intp]
    """For each reading, the row of its meter and time."""
    first: Mask
    """Which readings are the first of theirs: the row is that one."""
    energy: npt.NDArray[np.int64]
    """Their energies."""


@dataclass(slots=True)
class Plan:
    """The readings of a group of jobs, one of each meter and time, in order of meter and time."""

    jobs: list[Job]
    rows: Rows
    owner: npt.NDArray[np.intp]
    """For each row, the place of the first job that brought it."""
    quarantine: list[QuarantineRow]
    repeats: Repeats | None
    """None if every reading is a row."""
    crowded: Mask | None
    """Which rows are too close to the one before to be stored (None: no row)."""

    @property
    def disputed(self) -> bool:
        """Whether a meter and time is there with two energies."""
        if self.repeats is None:
            return False
        return bool((self.repeats.energy != self.rows["energy"][self.repeats.row]).any())

    def settle(self, stored: Stored | None) -> list[Outcome]:
        """What became of each job's readings; ``stored``: what this write did not store (None: nothing)."""
        outcomes = [Outcome() for _ in self.jobs]
        if stored is None and self.repeats is None:
            return outcomes
        row, first, sent = self.repeats or self._as_sent()
        energy = self.rows["energy"].astype(np.int64)
        accepted = first
        if stored is not None:
            energy = np.where(stored.before, stored.energy, energy)
            accepted = first & ~stored.before[row]
        same = sent == energy[row]
        counts = [job.count for job in self.jobs]
        job_of = np.repeat(np.arange(len(self.jobs)), counts)
        begins = np.cumsum([0, *counts])
        duplicates = np.bincount(job_of[~accepted & same], minlength=len(self.jobs)).tolist()
        for outcome, count in zip(outcomes, duplicates, strict=True):
            outcome.duplicates = count
        for place in np.flatnonzero(~accepted & ~same).tolist():
            job = int(job_of[place])
            code = TOO_CLOSE if energy[row[place]] == ABSENT else CONFLICT
            outcomes[job].refused.append((place - int(begins[job]), code))
        return outcomes

    def conflicts(self, outcomes: list[Outcome]) -> list[QuarantineRow]:
        """What must be kept beside what is stored."""
        return [
            job.conflict(place)
            for job, outcome in zip(self.jobs, outcomes, strict=True)
            for place, code in outcome.refused
            if code == CONFLICT
        ]

    def batch_rows(self, outcomes: list[Outcome], stored: Stored | None) -> list[BatchRow]:
        """One row of the batch log a tenant."""
        tenants = {job.tenant_id for job in self.jobs}
        return [self._batch_row(tenant, len(tenants) == 1, outcomes, stored) for tenant in tenants]

    def _as_sent(self) -> Repeats:
        """As if there were repeats. The rows are in another order than the readings."""
        rows = as_rows(job.packed for job in self.jobs)
        row = np.empty(len(rows), dtype=np.intp)
        row[_order(rows)] = np.arange(len(rows))
        return Repeats(row, np.ones(len(rows), dtype=np.bool_), rows["energy"].astype(np.int64))

    def _batch_row(self, tenant: int, only: bool, outcomes: list[Outcome], stored: Stored | None) -> BatchRow:
        mine = [
            (job, outcome)
            for job, outcome in zip(self.jobs, outcomes, strict=True)
            if job.tenant_id == tenant
        ]
        times = self.rows["ts"]
        accepted = np.ones(len(times), dtype=np.bool_) if stored is None else ~stored.before
        if not only:
            accepted &= np.array([job.tenant_id == tenant for job in self.jobs], dtype=np.bool_)[self.owner]
        times = times[accepted]
        duplicates = sum(outcome.duplicates for _, outcome in mine)
        refused = sum(len(outcome.refused) for _, outcome in mine)
        return BatchRow(
            tenant_id=tenant,
            accepted=sum(job.count for job, _ in mine) - duplicates - refused,
            duplicates=duplicates,
            rejected=sum(job.rejected for job, _ in mine) + refused,
            first_ts=int(times.min()) + EPOCH_SHIFT if len(times) else None,
            last_ts=int(times.max()) + EPOCH_SHIFT if len(times) else None,
        )


def make_plan(jobs: list[Job], spacing: int) -> Plan:
    """Merge the jobs of a group. The jobs themselves stay as they are.

    Of the rows of a meter, none is stored that is less than ``spacing`` microseconds after the one before.
    """
    rows = as_rows(job.packed for job in jobs)
    owner = np.repeat(np.arange(len(jobs)), [job.count for job in jobs])
    repeats: Repeats | None = None
    if len(rows) > 1:
        order = _order(rows)
        meters, times = rows["meter_id"][order], rows["ts"][order]
        repeated = (meters[1:] == meters[:-1]) & (times[1:] == times[:-1])
        if repeated.any():
            begins = np.concatenate(([True], ~repeated))
            row, first = np.empty(len(rows), dtype=np.intp), np.empty(len(rows), dtype=np.bool_)
            row[order], first[order] = np.cumsum(begins) - 1, begins
            repeats = Repeats(row, first, rows["energy"].astype(np.int64))
            order = order[begins]
        rows, owner = rows[order], owner[order]
    quarantine = [row for job in jobs for row in job.quarantine]
    return Plan(jobs, rows, owner, quarantine, repeats, _crowded(rows, spacing))


def requests_of(jobs: list[Job]) -> str:
    """The request a group belongs to, as far as one name can say: the first one's id, and how many more."""
    first = jobs[0].request_id if jobs else ""
    return f"{first} +{len(jobs) - 1}" if first and len(jobs) > 1 else first


def _crowded(rows: Rows, spacing: int) -> Mask | None:
    meters, times = rows["meter_id"], rows["ts"].astype(np.int64)
    close = (meters[1:] == meters[:-1]) & (times[1:] - times[:-1] < spacing)
    return np.concatenate(([False], close)) if close.any() else None


def _order(rows: Rows) -> npt.NDArray[np.intp]:
    """By meter and time; of the same reading, the first one comes first."""
    return np.lexsort((rows["ts"].astype(np.int64), rows["meter_id"].astype(np.int64)))
