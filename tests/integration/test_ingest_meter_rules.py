"""What a reading may claim is a matter of its meter, at its time: by HTTP, the queue and replay alike."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.servers import TestServer

DEMO = "(select tenant_id from grid.tenant where code = 'demo')"
REPLAY = f"ingest.replay({DEMO}, array(select quarantine_id from ingest.quarantine))"
CODES = "select code from ingest.quarantine order by (reading ->> 'kwh')::numeric"


async def sent(way: str, readings: list[Any], gateway: Gateway, database: Database) -> int:
    """Send by HTTP or the queue; how many were accepted."""
    if way == "http":
        return int((await gateway.send(readings))["accepted"])
    message = json.dumps({"tenant": "demo", "readings": readings})
    database.rows("select pgmq.send('raw_readings', %s::jsonb)", (message,))
    return int(database.value("select accepted from ingest.drain_queue()"))


@pytest.mark.parametrize("way", ["http", "queue"])
async def test_a_connection_carries_so_much(way: str, gateway: Gateway, database: Database) -> None:
    """The tenant's 1,000 kW are 250 kWh in a quarter of an hour; the meter's own value counts before it."""
    database.rows(
        f"update grid.meter set connection_kw = 10000 where code = 'SIM-00002' and tenant_id = {DEMO}"
    )
    at = now()
    many = [
        reading(1, at, kwh=250.000001),
        reading(1, at - timedelta(minutes=1), kwh=9999),
        reading(1, at - timedelta(minutes=2), kwh=250),
        reading(2, at, kwh=2500),
        reading(2, at - timedelta(minutes=1), kwh=2500.5),
    ]
    assert await sent(way, many, gateway, database) == 2
    assert database.rows(CODES) == [("energy_above_connection",)] * 3
    database.rows(f"update grid.tenant set connection_kw = 40000 where tenant_id = {DEMO}")
    replayed = database.rows(f"select r.outcome, r.code from {REPLAY} as r order by 1, 2")
    assert replayed == [("accepted", None)] * 2 + [("refused", "energy_above_connection")]


@pytest.mark.parametrize("way", ["http", "queue"])
async def test_only_what_feeds_in_is_negative(way: str, gateway: Gateway, database: Database) -> None:
    at = now()
    for meter, kind in ((2, "two_way"), (3, "one_way")):
        # SIM-00003 had panels until an hour ago, SIM-00002 has had them since.
        database.rows(
            f"update grid.meter set kind = 'two_way' where code = 'SIM-0000{meter}' and tenant_id = {DEMO}"
        )
        if kind == "two_way":
            database.rows(
                f"update grid.meter set kind = 'one_way' where code = 'SIM-00002' and tenant_id = {DEMO}"
            )
        database.rows(
            "select grid.change_meter(m.tenant_id, m.meter_id, null, %s, null, %s)"
            f" from grid.meter as m where m.code = 'SIM-0000{meter}' and m.tenant_id = {DEMO}",
            (kind, at - timedelta(hours=1)),
        )
    readings = [
        reading(1, at, kwh=-1),
        reading(2, at, kwh=-2),
        reading(2, at - timedelta(hours=2), kwh=-3),
        reading(3, at, kwh=-4),
        reading(3, at - timedelta(hours=2), kwh=-5),
        reading(2, at - timedelta(minutes=1), kwh=-251),
    ]
    assert await sent(way, readings, gateway, database) == 2
    assert {energy for (energy,) in database.rows("select energy from grid.reading")} == {
        -2_000_000,
        -5_000_000,
    }
    assert database.rows(CODES) == [("energy_above_connection",)] + [("negative_energy",)] * 3


@pytest.mark.parametrize("way", ["http", "queue"])
async def test_a_retired_meter_still_told_of_the_time_before(
    way: str, gateway: Gateway, database: Database
) -> None:
    at = now()
    database.rows(
        f"update grid.meter set retired_at = %s where code = 'SIM-00001' and tenant_id = {DEMO}",
        (at - timedelta(hours=1),),
    )
    readings = [reading(1, at - timedelta(hours=1)), reading(1, at - timedelta(hours=1, microseconds=1))]
    assert await sent(way, readings, gateway, database) == 1
    assert database.rows(CODES) == [("unknown_meter",)]


@pytest.mark.parametrize("way", ["http", "queue"])
async def test_the_interval_of_its_time_is_taken_off(way: str, gateway: Gateway, database: Database) -> None:
    """A retry is a retry, whatever the tenant's interval has become meanwhile."""
    at = now().replace(microsecond=0)
    database.rows(
        f"update grid.tenant set stamped = 'end', reading_interval = '5 minutes' where tenant_id = {DEMO}"
    )
    stamps = [at - timedelta(hours=1), at - timedelta(minutes=25)]
    assert await sent(way, [reading(1, stamp) for stamp in stamps], gateway, database) == 2
    before = database.rows("select ts from grid.reading order by 1")
    assert before == [(stamp - timedelta(minutes=5),) for stamp in stamps]
    database.rows(f"update grid.tenant set reading_interval = '15 minutes' where tenant_id = {DEMO}")
    database.rows(
        "insert into grid.past_interval (tenant_id, until, reading_interval)"
        f" values ({DEMO}, %s, '5 minutes')",
        (at - timedelta(minutes=20),),
    )
    # Meters are remembered for a minute: ask of one that is not.
    assert await sent(way, [reading(2, stamp) for stamp in [*stamps, at]], gateway, database) == 3
    assert database.rows(
        "select r.ts from grid.reading as r join grid.meter as m using (meter_id)"
        " where m.code = 'SIM-00002' order by 1"
    ) == [*before, (at - timedelta(minutes=15),)]


async def test_a_tenant_may_stamp_at_the_end(
    ingest_server: TestServer, keys: Keys, database: Database
) -> None:
    """A device may say otherwise; what is kept meanwhile is replayed as it was sent."""
    database.rows(
        f"update grid.tenant set stamped = 'end', reading_interval = '15 minutes' where tenant_id = {DEMO}"
    )
    at = now().replace(microsecond=0)
    token = database.value(
        "select d.token from auth.user_account as u cross join lateral"
        " auth.create_device_token(u.tenant_id, 'Gateway', null, u.user_id, 'start') as d"
        " where u.email = 'admin@demo.example'"
    )
    unknown = [{**reading(number, at), "meter_id": f"LATE-{number}"} for number in (1, 2, 3)]
    async with (
        Gateway.open(ingest_server.url, keys.mint("device")) as of_tenant,
        Gateway.open(ingest_server.url, token) as of_itself,
    ):
        await of_tenant.send([reading(1, at), unknown[0]])
        await of_itself.send([reading(2, at), unknown[1]])
        # a conflict of what is stored from either
        await of_tenant.send([reading(2, at + timedelta(minutes=4, seconds=59)), reading(1, at, kwh=9)])
    for stamped, number in ((None, 3), ("start", 4), ("end", 5)):
        message: dict[str, Any] = {"tenant": "demo", "readings": [reading(number, at), unknown[2]]}
        if stamped:
            message["stamped"] = stamped
        database.rows("select pgmq.send('raw_readings', %s::jsonb)", (json.dumps(message),))
    database.rows(
        'select pgmq.send(\'raw_readings\', \'{"tenant": "demo", "readings": [1], "stamped": "x"}\')'
    )
    assert database.rows("select accepted, dead from ingest.drain_queue()") == [(3, 1)]
    database.rows(f"update grid.tenant set stamped = 'start' where tenant_id = {DEMO}")
    database.rows(
        "select grid.register_meters(t.tenant_id, %s::jsonb) from grid.tenant as t where t.code = 'demo'",
        (json.dumps([{"meter_id": f"LATE-{number}", "region": "north"} for number in (1, 2, 3)]),),
    )
    database.rows(f"select * from {REPLAY}")
    stored = database.rows(
        "select m.code, array_agg(r.ts order by r.ts)"
        " from grid.reading as r join grid.meter as m using (meter_id) group by m.code order by m.code"
    )
    begin = at - timedelta(minutes=15)
    assert stored == [
        ("LATE-1", [begin]),
        ("LATE-2", [at]),
        ("LATE-3", [begin, at]),
        ("SIM-00001", [begin]),
        ("SIM-00002", [at - timedelta(minutes=10, seconds=1), at]),
        ("SIM-00003", [begin]),
        ("SIM-00004", [at]),
        ("SIM-00005", [begin]),
    ]


def refusals(answer: dict[str, Any]) -> dict[int, str]:
    return {item["index"]: item["code"] for item in answer["rejected"]}


async def test_readings_of_a_meter_are_a_second_apart(gateway: Gateway, database: Database) -> None:
    start = now().replace(microsecond=0) - timedelta(minutes=5)
    burst = [reading(1, start + timedelta(microseconds=n)) for n in range(10_000)]
    answer = await gateway.send(burst)
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    assert refusals(answer) == dict.fromkeys(range(1, 10_000), "too_close")
    assert answer["rejected"][0]["message"] == "another reading of the meter is less than 1 second away"
    again = await gateway.send(burst)
    assert (again["accepted"], again["duplicates"], len(again["rejected"])) == (0, 1, 9_999)
    assert database.value("select count(*) from ingest.quarantine") == 0

    # Whatever request they come in, before and after what is stored, and beside another value.
    for offset, outcome in (
        (0.999999, "too_close"),
        (-0.5, "too_close"),
        (1, ""),
        (-1, ""),
        (0.5, "too_close"),
    ):
        answer = await gateway.send([reading(1, start + timedelta(seconds=offset))])
        assert refusals(answer) == ({0: outcome} if outcome else {}), offset
    assert refusals(await gateway.send([reading(1, start, kwh=9)])) == {0: "conflict"}
    answer = await gateway.send([reading(1, start + timedelta(seconds=3 + n)) for n in range(20)])
    assert answer["accepted"] == 20
    assert (await gateway.send([reading(n, start + timedelta(seconds=0.5)) for n in (2, 3)]))["accepted"] == 2


async def test_the_queue_keeps_what_is_too_close(gateway: Gateway, database: Database) -> None:
    start = now().replace(microsecond=0) - timedelta(minutes=5)
    await gateway.send([reading(1, start)])
    many = [reading(1, start + timedelta(seconds=offset)) for offset in (0, 0.5, 1, 1.5, 2, 3.5, -0.1)]
    assert await sent("queue", many, gateway, database) == 1
    assert database.rows("select code, count(*) from ingest.quarantine group by 1") == [("too_close", 5)]
    database.rows("update ingest.limits set min_spacing = '0.1 seconds'")
    replayed = database.rows(f"select r.outcome, r.code, count(*) from {REPLAY} as r group by 1, 2")
    assert replayed == [("accepted", None, 5)]


@pytest.mark.parametrize("way", ["http", "queue"])
async def test_shares_of_an_hour_keep_no_reading_out(way: str, gateway: Gateway, database: Database) -> None:
    """A clock that is a second late or early leaves a share in the window that the next hour begins in."""
    database.rows(f"update grid.tenant set reading_interval = '1 hour' where tenant_id = {DEMO}")
    hour = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=9)
    for hours, seconds in ((0, 1), (1, 0), (2, 0.000001), (3, -1), (4, 0), (3.5, 0)):
        one = reading(1, hour + timedelta(hours=hours, seconds=seconds), kwh=1)
        assert await sent(way, [one], gateway, database) == 1, (hours, seconds)
    many = [reading(2, hour + timedelta(hours=n / 4, seconds=n % 3), kwh=1) for n in range(12)]
    assert await sent(way, many, gateway, database) == 12, "more often than the tenant said"
    assert database.value("select sum(energy) from grid.reading") == 18_000_000
    assert database.value("select sum(energy) from rollup.reading_15m") == 18_000_000
    assert database.value("select count(*) from ingest.quarantine") == 0


async def test_a_rate_counts_readings(start_ingest: Any, keys: Keys) -> None:
    server = start_ingest(SEGS_INGEST_READING_RATE="0.5", SEGS_INGEST_READING_BURST="10")
    start = now() - timedelta(hours=1)
    many = [reading(1, start + timedelta(seconds=n)) for n in range(30)]
    async with Gateway.open(server.url, keys.mint("device", sub="eager")) as gateway:
        assert (await gateway.send(many[:4]))["accepted"] == 4
        assert (await gateway.send(many[4:10]))["accepted"] == 6
        status, error, headers = await gateway.post_readings(many[10:15])
        assert (status, error["code"]) == (429, "rate_limited")
        assert 1 <= int(headers["Retry-After"]) <= 10
    async with Gateway.open(server.url, keys.mint("device", sub="large")) as gateway:
        assert (await gateway.send(many))["accepted"] == 20, "more than a burst passes a full bucket"
        assert (await gateway.post_readings(many[:1]))[0] == 429, "and is paid for afterwards"


async def test_a_day_has_so_many_readings(start_ingest: Any, keys: Keys, database: Database) -> None:
    server = start_ingest(SEGS_INGEST_DAILY_READINGS="10")
    start = now() - timedelta(hours=1)
    many = [reading(1, start + timedelta(seconds=n)) for n in range(12)]
    async with Gateway.open(server.url, keys.mint("device", sub="eager")) as gateway:
        assert (await gateway.send(many[:6]))["accepted"] == 6
        assert (await gateway.send(many[:6]))["duplicates"] == 6, "what is stored already does not count"
        assert (await gateway.send(many[6:10]))["accepted"] == 4
        status, error, headers = await gateway.post_readings(many)
        assert (status, error["code"]) == (429, "rate_limited")
        assert 1 <= int(headers["Retry-After"]) <= 86_400
        assert await gateway.send(many[:10]) == {"accepted": 0, "duplicates": 10, "rejected": []}
        assert (await gateway.post_readings([reading(1, start, kwh=9)]))[0] == 429
    async with Gateway.open(server.url, keys.mint("device", sub="other")) as gateway:
        assert (await gateway.send(many[10:]))["accepted"] == 2
    assert database.value("select count(*) from grid.reading") == 12
