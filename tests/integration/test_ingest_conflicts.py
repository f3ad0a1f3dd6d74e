"""Another value for a meter and time that is stored is never taken for a retry, and never lost."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.servers import Redis

MESSAGE = "another value is stored for this meter and time"
KEPT = """
select reading ->> 'meter_id', (reading ->> 'kwh')::float
from ingest.quarantine where code = 'conflict' order by 1, 2
"""
REPLAYED = """
select r.outcome, r.code, count(*)
from grid.tenant as t
cross join ingest.replay(t.tenant_id, array(select quarantine_id from ingest.quarantine)) as r
where t.code = 'demo' group by 1, 2 order by 1, 2
"""
STORED = """
select right(m.code, 2)::integer, r.energy / 1e6 from grid.reading as r join grid.meter as m using (meter_id)
where r.ts = %s
"""
LOGGED = """
select sum(accepted), sum(duplicates), sum(rejected) from ingest.batch where last_ts is null or last_ts <= %s
"""
REGISTER = """
select grid.register_meters(
    t.tenant_id, jsonb_build_array(jsonb_build_object('meter_id', %s::text, 'region', 'north'))
)
from grid.tenant as t where t.code = 'demo'
"""


def conflict(*indexes: int) -> list[dict[str, Any]]:
    return [{"index": index, "code": "conflict", "message": MESSAGE} for index in indexes]


def energies(database: Database) -> list[int]:
    return [energy for (energy,) in database.rows("select energy from grid.reading order by meter_id, ts")]


async def test_the_first_value_stands_and_the_other_is_kept(gateway: Gateway, database: Database) -> None:
    at = now() - timedelta(hours=1)
    times = [at + timedelta(minutes=15 * quarter) for quarter in range(4)]
    await gateway.send([reading(1, time, kwh=1.0) for time in times])
    for _ in range(3):
        answer = await gateway.send([reading(1, time, kwh=2.0, voltage=None) for time in times])
        assert answer == {"accepted": 0, "duplicates": 0, "rejected": conflict(0, 1, 2, 3)}
    assert energies(database) == [1_000_000] * 4
    assert database.rows(KEPT) == [("SIM-00001", 2.0)] * 4, "a retry of it costs nothing"
    assert await gateway.send([reading(1, time, kwh=1) for time in times]) == {
        "accepted": 0,
        "duplicates": 4,
        "rejected": [],
    }
    await gateway.send([reading(1, times[0], kwh=3)])
    assert len(database.rows(KEPT)) == 5, "every other value is kept"


async def test_energy_decides(gateway: Gateway, database: Database) -> None:
    at = now()
    await gateway.send([reading(1, at, kwh=0.1, voltage=230)])
    answer = await gateway.send([reading(1, at, kwh=0.1000000000001, voltage=229, current=3)])
    assert answer == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert database.rows(KEPT) == []


async def test_within_a_batch_among_rejections(gateway: Gateway, database: Database) -> None:
    at, other = now(), now() - timedelta(minutes=1)
    sent = [
        reading(1, at, kwh=1),
        {"meter_id": 1},
        reading(1, at, kwh=2),
        reading(2, other, kwh=5),
        reading(1, at, kwh=1),
        {**reading(1, at), "meter_id": "NOBODY"},
        reading(1, at, kwh=3),
    ]
    answer = await gateway.send(sent)
    assert (answer["accepted"], answer["duplicates"]) == (2, 1)
    assert [(item["index"], item["code"]) for item in answer["rejected"]] == [
        (1, "invalid_reading"),
        (2, "conflict"),
        (5, "unknown_meter"),
        (6, "conflict"),
    ]
    assert energies(database) == [1_000_000, 5_000_000]
    assert database.rows(KEPT) == [("SIM-00001", 2.0), ("SIM-00001", 3.0)]
    assert database.rows("select accepted, duplicates, rejected from ingest.batch") == [(2, 1, 4)]


@pytest.mark.parametrize("redis", ["knows", "flushed"])
async def test_whatever_process_and_write_they_come_in(
    start_ingest: Any, keys: Keys, database: Database, redis_server: Redis, redis: str
) -> None:
    servers = [start_ingest(SEGS_INGEST_WRITERS="3") for _ in range(2)]
    at = now() - timedelta(minutes=5)
    async with (
        Gateway.open(servers[0].url, keys.mint("device")) as first,
        Gateway.open(servers[1].url, keys.mint("device")) as second,
    ):
        if redis == "flushed":
            await first.send([reading(meter, at + timedelta(minutes=2)) for meter in range(1, 21)])
            redis_server.flush()
        values = [
            (gateway, kwh)
            for gateway in (first, second)
            for kwh in (0.5, 0.25, 0.75, 0.25, 0.5, 0.75, 0.5, 0.25, 0.75)
        ]
        answers = await asyncio.gather(
            *(gateway.send([reading(m, at, kwh=kwh) for m in range(1, 21)]) for gateway, kwh in values)
        )
    assert sum(answer["accepted"] for answer in answers) == 20
    stored: dict[int, Any] = dict(database.rows(STORED, (at,)))
    # Whichever value of a meter came first: equal ones are duplicates, the two others conflicts, kept once.
    for (_, kwh), answer in zip(values, answers, strict=True):
        refused = {item["index"] + 1 for item in answer["rejected"]}
        assert {item["code"] for item in answer["rejected"]} <= {"conflict"}
        assert refused == {meter for meter, value in stored.items() if float(value) != kwh}
    kept = {(int(code[-2:]), kwh) for code, kwh in database.rows(KEPT)}
    assert kept == {(m, kwh) for m in stored for kwh in (0.25, 0.5, 0.75) if kwh != float(stored[m])}
    assert len(database.rows(KEPT)) == 40
    assert database.rows(LOGGED, (at,)) == [(20, 5 * 20, 12 * 20)]


async def test_the_queue_and_replay_tell_them_too(gateway: Gateway, database: Database) -> None:
    at = now() - timedelta(minutes=1)
    await gateway.send([reading(1, at, kwh=1)])
    queued = [reading(1, at, kwh=1), reading(1, at, kwh=2), reading(2, at, kwh=1), reading(2, at, kwh=2)]
    for _ in range(2):
        message = json.dumps({"tenant": "demo", "readings": queued})
        database.rows("select pgmq.send('raw_readings', %s::jsonb)", (message,))
        (drained,) = database.rows("select accepted, duplicates, rejected from ingest.drain_queue()")
    assert drained == (0, 2, 2)
    assert database.rows(KEPT) == [("SIM-00001", 2.0), ("SIM-00002", 2.0)]
    assert database.rows(REPLAYED) == [("refused", "conflict", 2)]
    assert energies(database) == [1_000_000, 1_000_000]


async def test_a_refused_reading_is_kept_once_however_often_it_comes(
    gateway: Gateway, database: Database
) -> None:
    at = now() - timedelta(hours=3)
    many = [{**reading(1, at + timedelta(seconds=second)), "meter_id": "NOBODY"} for second in range(10_000)]
    for _ in range(3):
        assert len((await gateway.send(many))["rejected"]) == 10_000
    assert database.value("select count(*) from ingest.quarantine") == 10_000
    await gateway.send([{**many[0], "timestamp": at.astimezone().isoformat(), "kwh": 0.25000000001}])
    assert database.value("select count(*) from ingest.quarantine") == 10_000, "however it is written"
    await gateway.send([{**many[0], "kwh": 7}, {**many[0], "kwh": 7}])
    assert database.value("select count(*) from ingest.quarantine") == 10_001, (
        "another value is another reading"
    )
    database.rows(REGISTER, ("NOBODY",))
    assert database.rows(REPLAYED) == [("accepted", None, 10_000), ("refused", "conflict", 1)]
    assert database.value("select count(*) from grid.reading") == 10_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"meter_id": "NOBODY"}, "unknown_meter"),
        ({"timestamp": "9999-12-31T23:59:59Z"}, "time_in_future"),
        ({"timestamp": "2000-01-01T00:00:00Z"}, "time_too_old"),
        ({"kwh": -1e300}, "energy_out_of_range"),
        ({"kwh": 2}, "conflict"),
        ({"kwh": "x"}, "invalid_reading"),
        ({"timestamp": None}, "invalid_reading"),
    ],
)
async def test_every_code_is_kept_once_by_http_and_queue(
    gateway: Gateway, database: Database, change: dict[str, Any], code: str
) -> None:
    at = now()
    await gateway.send([reading(1, at)])
    bad = {**reading(1, at), **change}
    for _ in range(3):
        assert [item["code"] for item in (await gateway.send([bad, bad]))["rejected"]] == [code] * 2
        message = json.dumps({"tenant": "demo", "readings": [bad, bad]})
        database.rows("select pgmq.send('raw_readings', %s::jsonb)", (message,))
        assert database.rows("select rejected from ingest.drain_queue()") == [(2,)]
    assert database.rows("select code from ingest.quarantine") == [(code,)]


async def test_the_newest_reason_stands(gateway: Gateway, database: Database) -> None:
    at = now()
    late = {**reading(1, at, kwh=2), "meter_id": "LATE-1"}
    await gateway.send([late])
    assert database.rows("select code from ingest.quarantine") == [("unknown_meter",)]
    database.rows(REGISTER, ("LATE-1",))
    await gateway.until_accepted([{**late, "kwh": 1}])
    assert [item["code"] for item in (await gateway.send([late]))["rejected"]] == ["conflict"]
    assert database.rows(
        "select code, message from ingest.quarantine where (reading ->> 'kwh')::numeric = 2"
    ) == [("conflict", MESSAGE)]
