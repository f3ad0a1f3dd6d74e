"""tests/vectors/readings.json against the HTTP worker's rules. tests/db/test_reading_rules.py: SQL's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.support import vectors
from workers.ingest.body import Batch
from workers.ingest.readings import MANY, Limits, Meter, screen
from workers.ingest.rows import EPOCH_SHIFT, Rows, as_rows

LIMITS = Limits(timedelta(minutes=5), timedelta(days=35), 10_000_000_000)
FILE = vectors.readings()
METERS = {
    meter["meter_id"]: Meter(
        number,
        meter["highest"],
        meter["kind"] == "two_way",
        FILE.interval // timedelta(microseconds=1),
        False,
    )
    for number, meter in enumerate(FILE.meters, 1)
}
GOOD = next(case.text for case in FILE.cases if "code" not in case.expected)


def stored(rows: Rows, place: int) -> dict[str, Any]:
    row = rows[place]
    since_1970 = timedelta(microseconds=int(row["ts"]) + EPOCH_SHIFT)
    voltage, current = (None if np.isnan(row[name]) else float(row[name]) for name in ("voltage", "current"))
    ts = datetime(1970, 1, 1, tzinfo=UTC) + since_1970
    return {"ts": ts, "mwh": int(row["energy"]), "voltage": voltage, "current": current}


def verdict(case: vectors.ReadingCase, *, lines: bool, among: int) -> dict[str, Any]:
    """What becomes of a reading that is sent behind ``among`` good ones."""
    items = [*[GOOD] * among, case.text]
    data = ("\n".join(items) if lines else "[" + ",".join(items) + "]").encode("utf-8", "surrogatepass")
    batch = Batch(data, lines=lines)
    end = None if case.stamped is None else case.stamped == "end"
    result = screen(lambda: batch.items, batch.readings(), METERS, LIMITS, FILE.at.timestamp(), end)
    if result.rejections:
        (only,) = result.rejections
        assert only.index == among
        return {"code": only.code, "message": only.message}
    return stored(as_rows([result.packed]), among)


@pytest.mark.parametrize("among", [0, MANY])
@pytest.mark.parametrize("lines", [False, True], ids=["json", "ndjson"])
def test_readings_are_judged_as_written_down(lines: bool, among: int) -> None:
    found = {case.name: verdict(case, lines=lines, among=among) for case in FILE.cases}
    assert found == {case.name: case.expected for case in FILE.cases}
