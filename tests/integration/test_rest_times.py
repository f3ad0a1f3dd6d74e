"""Times over REST: those without a zone are the tenant's, no matter who had the connection before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.rest import RestClient

METER = "SIM-00001"
BERLIN_DAY = {"since": "2026-10-25", "until": "2026-10-26"}


@pytest.fixture
def api(postgrest: str, database: Database, keys: Keys) -> RestClient:
    """A client of an operator of the demo tenant, which is in Berlin; a meter has two weeks of readings."""
    database.rows(
        "insert into grid.reading (ts, meter_id, energy)"
        " select '2026-10-20 00:00Z'::timestamptz + n * interval '15 minutes', m.meter_id, 1000000"
        " from grid.meter as m, generate_series(0, 1343) as n where m.code = %s",
        (METER,),
    )
    return RestClient(postgrest, keys.headers("operator"))


def quarters(api: RestClient, **headers: str) -> int:
    """Of the day on which Berlin's clocks go back."""
    path = f"/readings_15m?meter_id=eq.{METER}&bucket=gte.2026-10-25&bucket=lt.2026-10-26"
    return len(api.get(path, headers).json())


def test_a_date_is_a_day_of_the_tenants_zone(api: RestClient) -> None:
    assert quarters(api) == 100
    by_get = api.get("/rpc/reading_statistics?" + urlencode({"meter_id": METER, **BERLIN_DAY})).json()
    by_post = api.post("/rpc/reading_statistics", {"meter_id": METER, **BERLIN_DAY}).json()
    assert by_get == by_post
    assert (by_get["buckets"], by_get["buckets_expected"]) == (100, 100)
    assert (by_get["since"], by_get["until"]) == ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")
    plan = {"name": "2027", "base_price": 0.2, "region": "north", "valid_from": "2027-01-01"}
    assert api.post("/rpc/create_tariff_plan", plan).json()["valid_from"] == "2027-01-01T00:00:00+01:00"


def test_the_zone_ends_with_the_request(api: RestClient, database: Database, keys: Keys) -> None:
    """Another tenant's requests on the same connections, in turn."""
    root = keys.headers("platform_admin", tenant="platform", sub=keys.users["platform@segs.example"])
    for _ in range(3):
        assert quarters(api) == 100
        made = api.get("/tenants?tenant=eq.demo&created_at=gte.2026-01-01", root)
        assert made.json()[0]["created_at"].endswith("+00:00"), "the platform's own zone is UTC"


def test_ambiguous_dates_are_refused(api: RestClient) -> None:
    for path in (
        "/readings_15m?bucket=gte.01.11.2026",
        "/readings_daily?day=eq.11/01/2026",
        f"/rpc/reading_statistics?meter_id={METER}&since=01.11.2026",
    ):
        answer = api.get(path)
        assert (answer.status, answer.json()["code"]) == (400, "22008"), path
    body = {"meter_id": METER, "since": "01.11.2026"}
    assert api.post("/rpc/reading_statistics", body).json()["code"] == "22008"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_an_asked_for_zone_changes_offsets_alone(api: RestClient, zone: str) -> None:
    """The four days before these have the hour that Berlin's clocks repeat."""
    period = "since=2026-10-27T00:00:00Z&until=2026-10-31T00:00:00Z"
    path = f"/rpc/reading_statistics?meter_id={METER}&{period}"
    plain, asked = api.get(path), api.get(path, {"Prefer": f"timezone={zone}"})
    assert (plain.json()["buckets"], plain.json()["previous_buckets"]) == (384, 384)
    assert as_instants(asked.json()) == as_instants(plain.json())
    offset = {"Europe/Berlin": "+01:00", "America/New_York": "-04:00", "UTC": "+00:00"}[zone]
    assert asked.json()["since"].endswith(offset)


def test_an_asked_for_zone_is_that_of_the_request(api: RestClient) -> None:
    assert quarters(api, Prefer="timezone=America/New_York") == 96
    assert quarters(api, Prefer="count=exact, timezone=UTC") == 96
    assert quarters(api, Prefer="timezone=Mars/Phobos") == 100, "no such zone: the tenant's"
    assert quarters(api, Prefer="timezone=UTCX") == 100


def as_instants(row: dict[str, Any]) -> dict[str, Any]:
    times = ("since", "until", "peak_at")
    return {key: datetime.fromisoformat(value) if key in times else value for key, value in row.items()}
