"""Readings go in at one end; loads, prices and alerts come out over REST and WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.ingest import now, reading
from tests.support.platform import Platform, finished
from tests.support.relay import Client, Frame
from tests.support.wait import wait_until_async

HISTORY = ("--meters", "20", "--history", "1h", "--iterations", "0", "--faults", "spike=0.3")

# What the closed windows must say, from the raw readings alone.
LOADS_FROM_READINGS = """
    select g.code, public.time_bucket('15 minutes', r.ts) as window_start,
           sum(r.energy)::numeric / 1000000 as energy_kwh, count(*) as readings
    from grid.reading as r
    join grid.meter as m using (meter_id)
    join grid.region as g using (region_id)
    where public.time_bucket('15 minutes', r.ts) < (select max(closed_until) from grid.window_progress)
    group by 1, 2
"""


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def decimal(value: float | int) -> Decimal:
    return Decimal(str(value))


def logged(platform: Platform) -> int:
    return int(platform.database.value("select count(*) from event.log"))


async def all_events(platform: Platform, client: Client) -> list[Frame]:
    """The event log, as the client hears it."""
    return await client.events(logged(platform))


def of(events: Sequence[Frame], topic: str) -> list[Frame]:
    return [event for event in events if event["topic"] == topic]


def loads(platform: Platform) -> dict[tuple[str, datetime], dict[str, Any]]:
    rows = platform.rest().get("/region_loads", limit=1000).json()
    return {(row["region"], moment(row["window_start"])): row for row in rows}


def prices(platform: Platform) -> dict[tuple[str, datetime], dict[str, Any]]:
    rows = platform.rest().get("/tariffs", limit=1000).json()
    return {(row["region"], moment(row["window_start"])): row for row in rows}


async def test_simulated_readings_become_loads_prices_and_alerts(platform: Platform) -> None:
    async with platform.listen() as client:
        summary = platform.simulate(*HISTORY)
        assert summary["accepted"] == platform.database.value("select count(*) from grid.reading") > 0
        platform.database.rows("update grid.meter set begins_at = installed_at")  # all have sent some day
        platform.close_windows()
        events = await all_events(platform, client)

    # the loads are those of the readings, exactly, everywhere
    expected = {
        (code, start): (energy, readings)
        for code, start, energy, readings in platform.database.rows(LOADS_FROM_READINGS)
    }
    by_rest = loads(platform)
    assert len(expected) >= 5 * 4
    for key, (energy, readings) in expected.items():
        assert decimal(by_rest[key]["energy_kwh"]) == energy
        assert by_rest[key]["readings"] == readings
    heard = {
        (e["payload"]["region"], moment(e["payload"]["window_start"])): decimal(e["payload"]["energy_kwh"])
        for e in of(events, "load.closed")
    }
    assert {key: heard[key] for key in expected} == {key: energy for key, (energy, _) in expected.items()}

    # every load prices the window after it, and the price heard is the price shown
    shown = prices(platform)
    plan = platform.database.rows("select base_price, max_multiplier, high_load from tariff.plan")[0]
    for (region, start), (energy, _) in expected.items():
        price = shown[region, start + timedelta(minutes=15)]
        share = min(max(energy * 1000000 / plan[2], Decimal(0)), Decimal(1))
        multiplier = 1 + (plan[1] - 1) * share
        assert abs(decimal(price["multiplier"]) - multiplier) < Decimal("0.000001")
        assert abs(decimal(price["price"]) - plan[0] * multiplier) < Decimal("0.000002")
    heard_prices = {
        (e["payload"]["region"], moment(e["payload"]["window_start"])): decimal(e["payload"]["price"])
        for e in of(events, "price.published")
    }
    assert heard_prices == {key: decimal(row["price"]) for key, row in shown.items()}

    # the spikes raised alerts, heard and shown alike
    alerts = platform.rest().get("/alerts", limit=1000).json()
    assert {alert["kind"] for alert in alerts} >= {"high", "silent"}  # 80 of the seeded meters say nothing
    raised = {e["payload"]["alert_id"]: e for e in of(events, "alert.raised")}
    assert set(raised) == {alert["alert_id"] for alert in alerts}
    for alert in alerts:
        assert raised[alert["alert_id"]]["meter_id"] == alert["meter_id"]
        assert raised[alert["alert_id"]]["payload"]["kind"] == alert["kind"]


async def test_a_consumer_hears_and_sees_only_what_is_theirs(platform: Platform) -> None:
    async with platform.listen("consumer") as alice, platform.listen() as operator:
        platform.simulate(*HISTORY)
        platform.close_windows()
        everything = await all_events(platform, operator)
        hers = [
            event
            for event in everything
            if event["meter_id"] == "SIM-00001"
            or (event["topic"] == "price.published" and event["region"] == "north")
        ]
        heard = await alice.events(len(hers))
        await alice.send("ping")
        assert (await alice.receive())["type"] == "pong"
    assert [event["cursor"] for event in heard] == [event["cursor"] for event in hers]
    assert {row["meter_id"] for row in platform.rest("consumer").get("/readings").json()} == {"SIM-00001"}
    assert {row["region"] for row in platform.rest("consumer").get("/tariffs").json()} == {"north"}


async def test_an_operator_acknowledges_and_everybody_hears(platform: Platform) -> None:
    platform.simulate(*HISTORY)
    platform.close_windows()
    rest = platform.rest()
    alert = rest.get("/alerts", limit=1, kind="eq.high").json()[0]
    async with platform.listen(topics=["alert"]) as client:
        assert rest.post("/rpc/acknowledge_alert", {"alert_id": alert["alert_id"]}).status in (200, 204)
        event = await client.expect("event")
    assert event["topic"] == "alert.acknowledged"
    assert event["payload"]["alert_id"] == alert["alert_id"]
    (shown,) = rest.get("/alerts", alert_id=f"eq.{alert['alert_id']}").json()
    assert shown["status"] == "acknowledged"


async def test_a_retried_batch_changes_nothing(platform: Platform) -> None:
    start = now().replace(second=0, microsecond=0) - timedelta(minutes=90)
    batch = [reading(n, start + timedelta(minutes=m)) for n in range(1, 6) for m in range(30)]
    async with platform.gateway() as gateway:
        first = await gateway.send(batch)
        assert first["accepted"] == len(batch)
        platform.close_windows()
        before, events = loads(platform), logged(platform)
        again = await gateway.send(batch)
        assert (again["accepted"], again["duplicates"]) == (0, len(batch))
        platform.redis.flush()
        once_more = await gateway.send(batch)
        assert (once_more["accepted"], once_more["duplicates"]) == (0, len(batch))
    platform.close_windows()
    assert loads(platform) == before
    assert logged(platform) == events


async def test_a_late_reading_restates_the_load_and_never_the_price(platform: Platform) -> None:
    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    async with platform.gateway() as gateway, platform.listen(topics=["load", "price"]) as client:
        await gateway.send([reading(1, start + timedelta(minutes=m), kwh=0.5) for m in range(45)])
        platform.close_windows()
        closed = await client.events(
            platform.database.value(
                "select count(*) from event.log where topic in ('load.closed', 'price.published')"
            )
        )
        assert of(closed, "load.closed")
        before_loads, before_prices = loads(platform), prices(platform)
        late = reading(6, start + timedelta(minutes=7), kwh=1.25)  # SIM-00006 stands in north, like SIM-00001
        assert (await gateway.send([late]))["accepted"] == 1
        platform.close_windows()
        restated = await client.expect("event")
        await client.send("ping")
        assert (await client.receive())["type"] == "pong", "one event, and no other"
    assert restated["topic"] == "load.restated"
    assert restated["payload"]["revision"] == 2
    key = ("north", start)
    assert decimal(restated["payload"]["energy_kwh"]) == decimal(before_loads[key]["energy_kwh"]) + Decimal(
        "1.25"
    )
    after = loads(platform)
    assert after.pop(key)["revision"] == 2
    before_loads.pop(key)
    assert after == before_loads
    assert prices(platform) == before_prices
    platform.database.rows("call rollup.refresh(now())")
    (bucket,) = (
        platform.rest().get("/readings_15m", meter_id="eq.SIM-00006", bucket=f"eq.{start.isoformat()}").json()
    )
    assert bucket["energy_kwh"] == 1.25


async def test_restarts_under_way_lose_and_repeat_nothing(platform: Platform) -> None:
    """Ingest and relay are restarted while a simulator back-fills; the client resumes with its cursor."""
    heard: list[Frame] = []
    async with platform.listen() as client:
        simulator = platform.simulator(
            "--meters", "50", "--history", "6h", "--iterations", "0", "--batch", "20"
        )
        stored = "select count(*) from grid.reading"
        await wait_until_async(lambda: platform.database.value(stored) > 1000, "readings come in")
        platform.ingest.stop()
        platform.close_windows(now())
        heard += await all_events(platform, client)
        cursor = heard[-1]["cursor"]
    platform.relay.stop()
    platform.ingest.up()
    platform.relay.up()
    summary = finished(simulator)
    platform.close_windows()
    async with platform.listen(cursor=cursor) as client:
        heard += await client.events(logged(platform) - len(heard))
    assert not summary["rejected"]
    assert summary["unanswered"] == 0
    sent_once = summary["sent"] - summary["faults"]["sent_twice"]
    assert platform.database.value(stored) == sent_once == summary["accepted"] + summary["duplicates"]
    cursors = platform.database.rows("select event.cursor(xid, id) from event.log order by xid, id")
    assert [event["cursor"] for event in heard] == [row[0] for row in cursors]
    expected = platform.database.rows(LOADS_FROM_READINGS)
    by_rest = loads(platform)
    assert all(decimal(by_rest[code, start]["energy_kwh"]) == energy for code, start, energy, _ in expected)
