"""A new customer, from the registration to after the sign-out, through the one origin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stack.runtime import Runtime
from tests.support.accounts import PASSWORD, Answer, client, mailed_code
from tests.support.cluster import Database
from tests.support.ingest import now, reading
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.relay import Client, Frame, connect
from tests.support.rest import RestClient
from tests.support.servers import Redis
from tests.support.wait import wait_until_async

EMAIL = "nora@journey.example"
METER = "SIM-00003"
NEIGHBOUR = "SIM-00008"  # in the same region


@pytest.fixture
def platform(
    runtime: Runtime, database: Database, redis_server: Redis, keys: Keys, tmp_path: Path
) -> Iterator[Platform]:
    """The whole platform, with accounts and mail."""
    with Platform(runtime, tmp_path, keys, database, redis_server, accounts=True).running() as running:
        yield running


def rest_of(platform: Platform, signed_in: Answer) -> RestClient:
    return RestClient(f"{platform.url}/api/v1", {"Authorization": f"Bearer {signed_in['access_token']}"})


async def signed_up(platform: Platform) -> Answer:
    """Nora registers, reads her mail, confirms her address and signs in with her password."""
    async with client(platform.url) as nora:
        asked = await nora.post("register", name="Nora New", email=EMAIL, password=PASSWORD)
        assert asked.status == 202, asked.body
        assert (await nora.post("login", email=EMAIL, password=PASSWORD))["code"] == "invalid_credentials"
        confirmed = await nora.post("verify-otp", email=EMAIL, otp=mailed_code(platform.mail_dir, EMAIL))
        assert confirmed.status == 200, confirmed.body
        signed_in = await nora.post("login", email=EMAIL, password=PASSWORD)
    assert signed_in.status == 200, signed_in.body
    assert (signed_in["user"]["email"], signed_in["user"]["role"]) == (EMAIL, "consumer")
    return signed_in


async def used(platform: Platform, start: datetime) -> None:
    """An hour of Nora's and her neighbour's meters: 0.01 kWh a minute, and 0.5 in Nora's last quarter."""
    quiet = [
        reading(number, start + timedelta(minutes=minute), kwh=0.01)
        for number in (3, 8)
        for minute in range(60)
        if number == 8 or minute < 45
    ]
    loud = [reading(3, start + timedelta(minutes=minute), kwh=0.5) for minute in range(45, 60)]
    async with platform.gateway() as gateway:
        answer = await gateway.send(quiet + loud)
    assert answer["accepted"] == 120


async def heard(listener: Client, topic: str) -> Frame:
    """The next event of this topic; all that comes before is hers too."""
    while True:
        event = await listener.expect("event")
        assert event.get("meter_id") in (None, METER)
        assert event["payload"].get("region") in (None, "east")
        if event["topic"] == topic and event["payload"].get("kind") == "high":
            return event


async def ticket_of(platform: Platform, signed_in: Answer) -> str:
    async with client(platform.url) as nora:
        answer = await nora.post("ws-ticket", signed_in["access_token"])
    assert answer.status == 200, answer.body
    return str(answer["ticket"])


async def acknowledged(rest: RestClient, listener: Client) -> None:
    """She hears of the alert, sees it, and says that she knows."""
    raised = await heard(listener, "alert.raised")
    (alert,) = rest.get("/alerts", kind="eq.high").json()
    assert (alert["alert_id"], alert["meter_id"], alert["status"]) == (
        raised["payload"]["alert_id"],
        METER,
        "active",
    )
    answer = rest.post("/rpc/acknowledge_alert", {"alert_id": alert["alert_id"]})
    assert (answer.status, answer.json()["status"]) == (200, "acknowledged")
    known = await heard(listener, "alert.acknowledged")
    assert known["payload"]["alert_id"] == alert["alert_id"]


def history(rest: RestClient, start: datetime) -> None:
    """What she used, and nothing of her neighbour."""
    rows: list[dict[str, Any]] = rest.get("/readings_15m", order="bucket").json()
    assert [(row["meter_id"], row["energy_kwh"]) for row in rows] == [
        (METER, 0.15),
        (METER, 0.15),
        (METER, 0.15),
        (METER, 7.5),
    ]
    assert datetime.fromisoformat(rows[0]["bucket"]) == start
    assert {row["meter_id"] for row in rest.get("/readings").json()} == {METER}
    assert rest.get("/readings", meter_id=f"eq.{NEIGHBOUR}").json() == []


async def is_out(platform: Platform, signed_in: Answer, listener: Client) -> None:
    """Neither of the tokens opens any door any more, and the open connection has been closed."""
    refused = rest_of(platform, signed_in).get("/meters")
    assert (refused.status, refused.json()["message"]) == (401, "The session has ended")
    async with client(platform.url) as nora:
        answer = await nora.post("refresh", refresh_token=signed_in["refresh_token"])
        assert answer.status == 401, answer.body
        assert (await nora.get("me", signed_in["access_token"])).status == 401
    assert await listener.closed() == (4403, "the session has ended: signed out")

    async def refused_at_the_door() -> bool:
        try:
            async with connect(platform.url, signed_in["access_token"]):
                return False
        except aiohttp.WSServerHandshakeError as refusal:
            return refusal.status == 401

    await wait_until_async(refused_at_the_door, "the relay refuses the token", timeout=8)


async def test_from_registration_to_after_sign_out(platform: Platform) -> None:
    signed_in = await signed_up(platform)
    rest = rest_of(platform, signed_in)
    assert rest.get("/meters").json() == []

    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    assigned = platform.rest("admin").post(
        "/rpc/assign_meter", {"meter_id": METER, "owner": EMAIL, "since": start.isoformat()}
    )
    assert assigned.status == 200, assigned.text
    assert [row["meter_id"] for row in rest.get("/meters").json()] == [METER]

    await used(platform, start)
    history(rest, start)
    async with connect(platform.url, query=f"?ticket={await ticket_of(platform, signed_in)}") as listener:
        await listener.subscribe(topics=["alert", "price"])
        platform.close_windows()
        await acknowledged(rest, listener)
        async with client(platform.url) as nora:
            refreshed = await nora.post("refresh", refresh_token=signed_in["refresh_token"])
            assert refreshed.status == 200, refreshed.body
            signed_out = await nora.post("logout", refresh_token=refreshed["refresh_token"])
            assert signed_out.status == 200, signed_out.body
        await is_out(platform, refreshed, listener)
    assert rest.get("/meters").status == 401, "the first token of the session ended with it"
