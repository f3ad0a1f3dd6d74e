from __future__ import annotations

import numpy as np
import pytest

from workers.ingest import recent
from workers.ingest.recent import RecentTimes
from workers.ingest.rows import EPOCH_SHIFT, Rows, as_rows, pack_row


def rows(*keys: tuple[int, int]) -> Rows:
    return as_rows(pack_row(meter, ts + EPOCH_SHIFT, 0, None, None) for meter, ts in keys)


@pytest.fixture
async def times() -> RecentTimes:
    made = RecentTimes(None, timeout=1)
    made.bind("here")
    return made


async def test_what_is_newer_than_all_that_is_stored_is_no_suspect(times: RecentTimes) -> None:
    assert times.suspects(rows((1, 10), (2, 10)), 0).tolist() == [False, False]
    times.stored(rows((1, 10), (1, 30), (1, 20), (2, 10)))
    assert times.suspects(rows((1, 10), (1, 20), (1, 25), (1, 30), (1, 31), (2, 11), (3, 1)), 0).tolist() == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


async def test_there_is_room_for_any_meter_and_none_for_absurd_ones(
    times: RecentTimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MAX_METERS", 8 * recent.PAGE)
    far, absurd = 5 * recent.PAGE, 2**31 - 1
    times.stored(rows((1, 10), (far, 10), (absurd, 10)))
    assert times.suspects(rows((1, 10), (far, 10), (far + 1, 10), (absurd, 10)), 0).tolist() == [
        True, True, False, False,
    ]  # fmt: skip


async def test_another_database_is_another_story(times: RecentTimes) -> None:
    times.stored(rows((1, 10)))
    times.bind("here")
    assert times.suspects(rows((1, 10)), 0).all()
    times.bind("there")
    assert not times.suspects(rows((1, 10)), 0).any()


async def test_no_rows_at_all(times: RecentTimes) -> None:
    assert times.suspects(rows(), 0).dtype == np.bool_
    times.stored(rows())


async def test_what_is_too_close_to_the_newest_is_a_suspect() -> None:
    times = RecentTimes(None, timeout=1)
    times.stored(rows((1, 100)))
    near = rows((1, 100), (1, 109), (1, 110), (2, 101))
    assert times.suspects(near, 10).tolist() == [True, True, False, False]
