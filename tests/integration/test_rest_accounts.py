"""PostgREST on what operators, administrators and the platform do, and on what a consumer asks of a meter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.test_rest import assert_error
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.rest import Answer, RestClient

ALICE = "00000000-0000-4000-8000-000000000003"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def api(postgrest: str) -> RestClient:
    """A client without a token."""
    return RestClient(postgrest)


def ok(response: Answer) -> Any:
    """The body of an answer that must be good."""
    assert response.status == 200, response.text
    return response.json()


@pytest.fixture
def used(database: Database) -> datetime:
    """SIM-00001 used 1 kW on the first two days of last month, SIM-00002 twice that; their first midnight."""
    now = datetime.now(BERLIN)
    first = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)).replace(day=1)
    with database.connect() as connection:
        connection.execute(
            "insert into grid.reading (ts, meter_id, energy)"
            " select %s + n * interval '15 minutes', meter_id,"
            " case when code = 'SIM-00001' then 250000 else 500000 end"
            " from grid.meter, generate_series(0, 191) as n where code in ('SIM-00001', 'SIM-00002')",
            (first.astimezone(UTC),),
        )
    return first


def test_a_consumer_asks_what_their_meter_used(api: RestClient, keys: Keys, used: datetime) -> None:
    api.headers.update(keys.headers("consumer"))
    day = used.date().isoformat()
    rows = ok(api.get("/readings_daily", meter_id="eq.SIM-00001", day=f"eq.{day}"))
    assert [(row["day"], row["energy_kwh"], row["readings"]) for row in rows] == [(day, 24, 96)]
    assert [row["month"] for row in ok(api.get("/readings_monthly"))] == [day]

    until = (used + timedelta(days=2)).astimezone(UTC)
    body = {
        "meter_id": "SIM-00001",
        "since": (until - timedelta(days=1)).isoformat(),
        "until": until.isoformat(),
    }
    statistics = ok(api.post("/rpc/reading_statistics", body))
    assert statistics["meter_id"] == "SIM-00001"
    assert (statistics["total_kwh"], statistics["average_kwh"], statistics["base_load_kw"]) == (24, 0.25, 1)
    assert (statistics["previous_total_kwh"], statistics["change_percent"]) == (24, 0)
    assert ok(api.get("/rpc/reading_statistics", None, **body)) == statistics

    bill = ok(api.post("/rpc/estimate_running_bill", {"meter_id": "SIM-00001", "at": until.isoformat()}))
    assert (bill["energy_kwh"], bill["amount"], bill["windows"], bill["currency"]) == (48, 5.76, 192, "EUR")
    estimate = ok(api.get("/rpc/estimate_bill", kwh=100, region="north"))
    assert (estimate["region"], estimate["amount"]) == ("north", 12)

    assert_error(api.get("/rpc/estimate_bill", kwh=100, region="south"), 404, "PT404")
    foreign = api.post("/rpc/reading_statistics", {"meter_id": "SIM-00002"})
    assert_error(foreign, 404, "PT404", "There is no meter SIM-00002")
    assert_error(api.post("/rpc/estimate_running_bill", {"meter_id": "NONE"}), 404, "PT404")
    for name in ("users", "devices", "tenants", "late_readings", "data_quality", "meter_ownerships"):
        assert_error(api.get(f"/{name}"), 403, "42501")


def test_a_consumer_sets_thresholds_and_preferences(api: RestClient, keys: Keys) -> None:
    api.headers.update(keys.headers("consumer"))
    assert [row["set_for"] for row in ok(api.get("/alert_thresholds"))] == ["tenant"]
    answer = ok(api.post("/rpc/set_threshold", {"meter_id": "SIM-00001", "kwh": 1.5}))
    assert (answer["threshold_kwh"], answer["set_for"]) == (1.5, "owner and meter")
    assert_error(api.post("/rpc/set_threshold", {"meter_id": "SIM-00001", "kwh": -1}), 422, "PT422")
    assert_error(api.post("/rpc/set_threshold", {"meter_id": "SIM-00002", "kwh": 1}), 404, "PT404")
    assert ok(api.post("/rpc/set_preferences", {"preferences": {"language": "de"}})) == {"language": "de"}
    assert ok(api.get("/preferences")) == [{"preferences": {"language": "de"}}]
    assert ok(api.get("/rpc/alert_summary"))["active"] == 0


def test_an_operator_plans_and_watches(api: RestClient, keys: Keys, used: datetime) -> None:
    api.headers.update(keys.headers("operator"))
    first = api.get("/users", {"Prefer": "count=exact"}, order="email", limit=2)
    assert first.headers["content-range"] == "0-1/4"
    assert [row["name"] for row in ok(api.get("/users", regions="cs.{south}"))] == ["Bob Consumer"]

    plan = {"name": "South", "base_price": 0.3, "region": "south", "valid_from": "2030-01-01T00:00:00Z"}
    assert ok(api.post("/rpc/create_tariff_plan", plan))["base_price"] == 0.3
    message = "The plan overlaps with another one of the same region"
    assert_error(api.post("/rpc/create_tariff_plan", plan), 409, "PT409", message)
    assert_error(api.post("/rpc/create_tariff_plan", {**plan, "region": "moon"}), 404, "PT404")

    today = datetime.now(BERLIN).date()
    rows = ok(api.get("/data_quality", meter_id="eq.SIM-00003", day=f"eq.{today - timedelta(days=1)}"))
    assert [(row["received"], row["complete_percent"]) for row in rows] == [(0, 0)]
    assert ok(api.get("/late_readings")) == []
    assert ok(api.post("/rpc/replay_quarantined", {"ids": [1]})) == [
        {"quarantine_id": 1, "outcome": "not_found", "code": None, "message": None}
    ]
    for name in ("change_role", "delete_user", "deactivate_user"):
        body = {"user_id": ALICE, **({"role": "admin"} if name == "change_role" else {})}
        assert_error(api.post(f"/rpc/{name}", body), 403, "42501")


def test_an_admin_looks_after_people_meters_and_devices(
    api: RestClient, keys: Keys, database: Database
) -> None:
    session = database.value(
        "insert into auth.session (tenant_id, user_id, expires_at)"
        " select tenant_id, user_id, now() + interval '1 day' from auth.user_account where user_id = %s"
        " returning session_id::text",
        (ALICE,),
    )
    alice = keys.headers("consumer", sid=session)
    admin = keys.headers("admin")
    body = {"meter_id": "SIM-00003", "owner": "alice@demo.example"}
    assert ok(api.post("/rpc/assign_meter", body, admin))["user_id"] == ALICE
    assert len(ok(api.get("/meters", alice))) == 2
    assert_error(api.post("/rpc/assign_meter", {**body, "owner": "bob@demo.example"}, admin), 409, "PT409")
    assert ok(api.post("/rpc/unassign_meter", {"meter_id": "SIM-00003"}, admin))["owned_until"]

    made = api.post("/rpc/create_device_token", {"name": "Gateway", "meters": ["SIM-00001"]}, admin)
    assert made.headers["cache-control"] == "no-store"
    assert ok(made)["token"].startswith("segsd_")
    device = {"device_id": ok(made)["device_id"]}
    assert ok(api.post("/rpc/revoke_device_token", device, admin))["revoked_at"]
    assert [set(row) & {"token", "token_hash"} for row in ok(api.get("/devices", admin))] == [set()]
    changed = ok(api.post("/rpc/update_tenant_settings", {"reading_interval_seconds": 10}, admin))
    assert (changed["name"], changed["reading_interval_seconds"]) == ("Demo Energy", 10)

    assert (
        ok(api.post("/rpc/change_role", {"user_id": ALICE, "role": "operator"}, admin))["role"] == "operator"
    )
    assert_error(api.get("/meters", alice), 401, "PT401", "The session has ended")
    assert_error(api.post("/rpc/change_role", {"user_id": ALICE, "role": "root"}, admin), 422, "PT422")
    assert api.post("/rpc/delete_user", {"user_id": ALICE}, admin).status == 204
    assert_error(api.post("/rpc/delete_user", {"user_id": ALICE}, admin), 404, "PT404")
    assert "alice" not in api.get("/users", admin).text


def test_the_platform_makes_tenants_and_sees_nothing_in_them(
    api: RestClient, keys: Keys, database: Database
) -> None:
    root = database.value(
        "insert into auth.user_account (tenant_id, email, name, role)"
        " select tenant_id, 'root@platform.example', 'Root', 'platform_admin'"
        " from grid.tenant where code = 'platform' returning user_id::text"
    )
    headers = keys.headers("platform_admin", tenant="platform", sub=root)
    body = {"code": "newco", "name": "New", "admin_email": "ada@newco.example", "admin_name": "Ada"}
    assert ok(api.post("/rpc/create_tenant", body, headers))["tenant"] == "newco"
    assert_error(api.post("/rpc/create_tenant", body, headers), 409, "PT409")
    assert [row["tenant"] for row in ok(api.get("/tenants", headers, order="tenant"))] == ["demo", "newco"]
    for name in ("users", "meters", "readings", "tenant_settings", "tariffs", "events"):
        assert_error(api.get(f"/{name}", headers), 403, "42501")
    demo = keys.headers("platform_admin", tenant="demo", sub=root)
    assert_error(api.get("/tenants", demo), 401, "PT401")
    assert_error(api.get("/tenants", keys.headers("platform_admin", sub=ALICE)), 403, "PT403")
    assert_error(api.post("/rpc/create_tenant", body, keys.headers("admin")), 403, "42501")
