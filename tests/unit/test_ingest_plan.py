from __future__ import annotations

import asyncio

import numpy as np

from workers.ingest.plan import Job, make_plan
from workers.ingest.rows import EPOCH_SHIFT, Mask, Rows, pack_row

Key = tuple[int, int]


def job(tenant: int, keys: list[Key], rejected: int = 0, energy: int = 1) -> Job:
    packed = b"".join(pack_row(meter, ts + EPOCH_SHIFT, energy, None, None) for meter, ts in keys)
    return Job(tenant, len(keys), packed, rejected, [], asyncio.new_event_loop().create_future())


def keys_of(rows: Rows) -> list[Key]:
    return list(zip(rows["meter_id"].tolist(), rows["ts"].tolist(), strict=True))


def among(rows: Rows, keys: set[Key]) -> Mask:
    return np.array([key in keys for key in keys_of(rows)])


def test_a_row_belongs_to_the_first_job_that_brought_it() -> None:
    jobs = [job(1, [(2, 10), (1, 10)]), job(1, [(2, 10), (3, 10)], energy=2), job(1, [(2, 10)])]
    plan = make_plan(jobs)
    assert keys_of(plan.rows) == [(1, 10), (2, 10), (3, 10)]
    assert plan.rows["energy"].tolist() == [1, 1, 2]
    assert plan.duplicates(None) == [0, 1, 1]
    assert plan.duplicates(among(plan.rows, {(2, 10), (3, 10)})) == [1, 2, 1]
    assert jobs[1].count == 2, "a job is not changed, so that it can be stored by itself"


def test_the_first_of_the_same_readings_in_a_request_counts() -> None:
    twice = job(1, [(1, 10), (1, 20)])
    twice.packed += pack_row(1, 10 + EPOCH_SHIFT, 9, None, None)
    twice.count += 1
    plan = make_plan([twice])
    assert keys_of(plan.rows) == [(1, 10), (1, 20)]
    assert plan.rows["energy"].tolist() == [1, 1]
    assert plan.duplicates(None) == [1]


def test_one_batch_row_a_tenant() -> None:
    plan = make_plan([job(1, [(1, 10), (1, 30)]), job(2, [(9, 5)], rejected=4), job(1, [(1, 20), (1, 10)])])
    first, second = plan.batch_rows(among(plan.rows, {(1, 30), (9, 5)}))
    assert (first.tenant_id, first.accepted, first.duplicates, first.rejected) == (1, 2, 2, 0)
    assert (first.first_ts, first.last_ts) == (10 + EPOCH_SHIFT, 20 + EPOCH_SHIFT)
    assert (second.tenant_id, second.accepted, second.duplicates, second.rejected) == (2, 0, 1, 4)
    assert second.first_ts is None


def test_a_group_of_nothing_but_rejections() -> None:
    plan = make_plan([job(1, [], rejected=3)])
    (row,) = plan.batch_rows(None)
    assert (row.accepted, row.duplicates, row.rejected, row.first_ts) == (0, 0, 3, None)
