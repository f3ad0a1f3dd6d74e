from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.plan import Job, Plan, make_plan
from workers.ingest.rows import EPOCH_SHIFT, Rows, pack_row
from workers.ingest.statements import ABSENT, Stored

WORDS = {"conflict": "another", "too_close": "close"}
Key = tuple[int, int]
Sent = tuple[int, int, int]


def job(tenant: int, readings: list[Sent], rejected: int = 0) -> Job:
    packed = b"".join(pack_row(meter, ts + EPOCH_SHIFT, energy, None, None) for meter, ts, energy in readings)
    done = asyncio.new_event_loop().create_future()
    return Job(tenant, len(readings), packed, rejected, [], done, lambda place: str(readings[place]), WORDS)


def keys_of(rows: Rows) -> list[Key]:
    return list(zip(rows["meter_id"].tolist(), rows["ts"].tolist(), strict=True))


def before(plan: Plan, there: dict[Key, int]) -> Stored:
    """What the database says, in which ``there`` is stored."""
    keys = keys_of(plan.rows)
    energy = [there.get(key, own) for key, own in zip(keys, plan.rows["energy"].tolist(), strict=True)]
    return Stored(np.array([key in there for key in keys], dtype=np.bool_), np.array(energy, dtype=np.int64))


def told(plan: Plan, stored: Stored | None) -> list[tuple[int, list[int]]]:
    return [(outcome.duplicates, [place for place, _ in outcome.refused]) for outcome in plan.settle(stored)]


def test_a_row_belongs_to_the_first_job_that_brought_it() -> None:
    jobs = [job(1, [(2, 10, 1), (1, 10, 1)]), job(1, [(2, 10, 1), (3, 10, 2)]), job(1, [(2, 10, 1)])]
    plan = make_plan(jobs, 1)
    assert keys_of(plan.rows) == [(1, 10), (2, 10), (3, 10)]
    assert plan.rows["energy"].tolist() == [1, 1, 2]
    assert not plan.disputed
    assert told(plan, None) == [(0, []), (1, []), (1, [])]
    assert told(plan, before(plan, {(2, 10): 1, (3, 10): 2})) == [(1, []), (2, []), (1, [])]
    assert jobs[1].count == 2, "a job is not changed, so that it can be stored by itself"


def test_another_value_is_no_duplicate() -> None:
    plan = make_plan([job(1, [(2, 10, 1), (1, 10, 1), (2, 10, 7)]), job(1, [(2, 10, 7), (2, 10, 1)])], 1)
    assert plan.disputed
    assert told(plan, None) == [(0, [2]), (1, [0])]
    assert told(plan, before(plan, {(2, 10): 7})) == [(1, [0]), (1, [1])], "the value that is stored stands"
    assert told(plan, before(plan, {(2, 10): 9})) == [(0, [0, 2]), (0, [0, 1])]
    rows = plan.conflicts(plan.settle(None))
    assert [(row.code, row.reading) for row in rows] == [("conflict", "(2, 10, 7)")] * 2


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)), max_size=6),
        min_size=1,
        max_size=4,
    ),
    st.dictionaries(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(1, 2)),
)
def test_a_group_is_told_what_each_reading_by_itself_would_be(
    batches: list[list[Sent]], there: dict[Key, int]
) -> None:
    plan = make_plan([job(1, batch) for batch in batches], 1)
    stored = before(plan, there) if there else None
    values, expected, accepted = dict(there), [], 0
    for batch in batches:
        duplicates, conflicts = 0, []
        for place, (meter, ts, energy) in enumerate(batch):
            known = values.setdefault((meter, ts), -energy)
            if known < 0:
                values[meter, ts], accepted = energy, accepted + 1
            elif known == energy:
                duplicates += 1
            else:
                conflicts.append(place)
        expected.append((duplicates, conflicts))
    assert told(plan, stored) == expected
    (row,) = plan.batch_rows(plan.settle(stored), stored)
    assert (row.accepted, row.duplicates) == (accepted, sum(count for count, _ in expected))
    assert row.accepted + row.duplicates + row.rejected == sum(map(len, batches))


def test_one_batch_row_a_tenant() -> None:
    plan = make_plan(
        [
            job(1, [(1, 10, 1), (1, 30, 1)]),
            job(2, [(9, 5, 1)], rejected=4),
            job(1, [(1, 20, 1), (1, 10, 1), (1, 10, 2)]),
        ],
        1,
    )
    stored = before(plan, {(1, 30): 1, (9, 5): 2})
    first, second = plan.batch_rows(plan.settle(stored), stored)
    assert (first.tenant_id, first.accepted, first.duplicates, first.rejected) == (1, 2, 2, 1)
    assert (first.first_ts, first.last_ts) == (10 + EPOCH_SHIFT, 20 + EPOCH_SHIFT)
    assert (second.tenant_id, second.accepted, second.duplicates, second.rejected) == (2, 0, 0, 5)
    assert second.first_ts is None


def test_a_group_of_nothing_but_rejections() -> None:
    plan = make_plan([job(1, [], rejected=3)], 1)
    (row,) = plan.batch_rows(plan.settle(None), None)
    assert (row.accepted, row.duplicates, row.rejected, row.first_ts) == (0, 0, 3, None)


def test_what_is_too_close_to_another_is_not_stored() -> None:
    plan = make_plan(
        [job(1, [(1, 10, 1), (1, 19, 1), (1, 20, 1)]), job(1, [(1, 15, 1), (2, 15, 1), (1, 10, 1)])], 10
    )
    assert keys_of(plan.rows) == [(1, 10), (1, 15), (1, 19), (1, 20), (2, 15)]
    assert plan.crowded is not None
    assert plan.crowded.tolist() == [False, True, True, True, False]
    # What of it was stored before is a retry.
    energies = plan.rows["energy"].astype(np.int64)
    energies[[1, 2]] = ABSENT
    outcomes = plan.settle(Stored(plan.crowded, energies))
    assert [(outcome.duplicates, outcome.refused) for outcome in outcomes] == [
        (1, [(1, "too_close")]),
        (1, [(0, "too_close")]),
    ]
    assert plan.conflicts(outcomes) == []
