"""Meters of half hours and hours, over HTTP: each energy lies on its windows, and is counted once."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, reading

START = "select date_trunc('hour', now() at time zone 'UTC') at time zone 'UTC' - interval '20 hours'"
WINDOWS = """
select grid.window_start(ts), sum(energy)::bigint from grid.reading join grid.meter using (meter_id)
where code = 'SIM-00001' group by 1 order by 1
"""
SENT = "select ts, coalesce(whole, energy) from grid.reading where part_of is null order by ts"


@pytest.mark.parametrize("minutes", [15, 30, 60, 90])
async def test_intervals_lie_on_their_windows_however_they_come(
    gateway: Gateway, database: Database, minutes: int
) -> None:
    """New ones, older ones, and again."""
    database.rows("update grid.tenant set reading_interval = make_interval(mins => %s)", (minutes,))
    start: datetime = database.value(START)
    readings = [reading(1, start + n * timedelta(minutes=minutes), kwh=n + 0.000001) for n in range(12)]
    for part in (readings[6:8], readings[8:], readings[3:6], readings):
        await gateway.send(part)
    answer = await gateway.send(readings)
    assert answer == {"accepted": 0, "duplicates": 12, "rejected": []}
    assert database.rows(SENT) == [
        (start + n * timedelta(minutes=minutes), n * 1_000_000 + 1) for n in range(12)
    ]
    parts = minutes // 15
    windows = database.rows(WINDOWS)
    assert [at for at, _ in windows] == [start + n * timedelta(minutes=15) for n in range(12 * parts)]
    for n in range(12):
        shares = [energy for _, energy in windows[n * parts : (n + 1) * parts]]
        sent = n * 1_000_000 + 1
        assert sum(shares) == sent
        assert all(abs(share - Fraction(sent, parts)) < 1 for share in shares)


async def test_another_value_for_an_hour_is_a_conflict(gateway: Gateway, database: Database) -> None:
    database.rows("update grid.tenant set reading_interval = '1 hour'")
    start: datetime = database.value(START)
    await gateway.send([reading(1, start, kwh=4)])
    answer = await gateway.send([reading(1, start, kwh=5)])
    assert [entry["code"] for entry in answer["rejected"]] == ["conflict"]
    await gateway.send([reading(1, start, kwh=4)])
    assert database.value("select sum(energy)::int from grid.reading") == 4_000_000
