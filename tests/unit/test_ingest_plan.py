from __future__ import annotations

import asyncio

from workers.ingest.plan import Job, batch_rows, make_plan, settle
from workers.ingest.rows import Key, pack_row


def job(tenant: int, keys: list[Key], duplicates: int = 0, rejected: int = 0) -> Job:
    rows = {key: pack_row(*key, 1, None, None) for key in keys}
    return Job(tenant, rows, duplicates, rejected, [], asyncio.new_event_loop().create_future())


def test_a_row_belongs_to_the_first_job_that_brought_it() -> None:
    jobs = [job(1, [(1, 10), (2, 10)]), job(1, [(2, 10), (3, 10)]), job(1, [(2, 10)])]
    plan = make_plan(jobs)
    assert sorted(plan.rows) == [(1, 10), (2, 10), (3, 10)]
    assert list(settle(plan, set())) == [0, 1, 1]
    assert list(settle(plan, {(2, 10), (3, 10)})) == [1, 2, 1]
    assert len(jobs[1].rows) == 2, "a job is not changed, so that it can be stored by itself"


def test_one_batch_row_a_tenant() -> None:
    plan = make_plan(
        [job(1, [(1, 10), (1, 30)], duplicates=1), job(2, [(9, 5)], rejected=4), job(1, [(1, 20)])]
    )
    first, second = batch_rows(plan, {(1, 30), (9, 5)})
    assert (first.tenant_id, first.accepted, first.duplicates, first.rejected) == (1, 2, 2, 0)
    assert (first.first_ts, first.last_ts) == (10, 20)
    assert (second.tenant_id, second.accepted, second.duplicates, second.rejected) == (2, 0, 1, 4)
    assert second.first_ts is None
