"""What one write stores, and how its outcome is shared out among the requests in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from workers.ingest.rows import Key
from workers.ingest.statements import BatchRow, QuarantineRow


@dataclass(slots=True, eq=False)
class Job:
    """The part of one request that goes to the database."""

    tenant_id: int
    rows: dict[Key, bytes]
    duplicates: int
    rejected: int
    quarantine: list[QuarantineRow]
    # Set after the commit: how many of ``rows`` were duplicates.
    done: asyncio.Future[int]
    request_id: str = ""

    @property
    def size(self) -> int:
        """What the job weighs in the queue, in rows."""
        return len(self.rows) + len(self.quarantine)


@dataclass(slots=True)
class Plan:
    """The rows of a group, each owned by the first job that brought it."""

    jobs: list[Job]
    rows: dict[Key, bytes] = field(default_factory=dict)
    owned: list[dict[Key, bytes]] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)


def make_plan(jobs: list[Job]) -> Plan:
    """Merge the jobs of a group. The jobs themselves stay as they are."""
    plan = Plan(jobs)
    rows = plan.rows
    for job in jobs:
        owned = job.rows
        if not rows.keys().isdisjoint(owned):
            owned = {key: row for key, row in owned.items() if key not in rows}
        rows.update(owned)
        plan.owned.append(owned)
        plan.quarantine.extend(job.quarantine)
    return plan


def requests_of(jobs: list[Job]) -> str:
    """The request a group belongs to, as far as one name can say: the first one's id, and how many more."""
    first = jobs[0].request_id if jobs else ""
    return f"{first} +{len(jobs) - 1}" if first and len(jobs) > 1 else first


def settle(plan: Plan, refused: set[Key]) -> Iterator[int]:
    """For each job, how many of its rows were duplicates: brought by another job, or ``refused``."""
    for job, owned in zip(plan.jobs, plan.owned, strict=True):
        shared = len(job.rows) - len(owned)
        yield shared + (len(refused & owned.keys()) if refused else 0)


def batch_rows(plan: Plan, refused: set[Key]) -> list[BatchRow]:
    """One row of the batch log a tenant."""
    by_tenant: dict[int, list[int]] = {}
    for index, job in enumerate(plan.jobs):
        by_tenant.setdefault(job.tenant_id, []).append(index)
    duplicates = list(settle(plan, refused))
    return [_batch_row(plan, tenant, indexes, duplicates, refused) for tenant, indexes in by_tenant.items()]


def _batch_row(
    plan: Plan, tenant_id: int, indexes: list[int], duplicates: list[int], refused: set[Key]
) -> BatchRow:
    jobs = [plan.jobs[index] for index in indexes]
    stored = sum(duplicates[index] for index in indexes)
    times = {key[1] for index in indexes for key in plan.owned[index] if key not in refused}
    return BatchRow(
        tenant_id=tenant_id,
        accepted=sum(len(job.rows) for job in jobs) - stored,
        duplicates=sum(job.duplicates for job in jobs) + stored,
        rejected=sum(job.rejected for job in jobs),
        first_ts=min(times, default=None),
        last_ts=max(times, default=None),
    )
