"""The REST API through a real PostgREST: tokens, roles, filters, pages and the one error shape."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.deployer import database as deployment
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.rest import Answer, RestClient
from tests.support.wait import wait_until

OPERATOR = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def api(postgrest: str) -> RestClient:
    """A client without a token."""
    return RestClient(postgrest)


def assert_error(response: Answer, status: int, code: str, message: str | None = None) -> None:
    """The one error shape, with this status and code."""
    assert response.status == status, response.text
    body: dict[str, Any] = response.json()
    assert set(body) == {"code", "message", "details", "hint"}
    assert body["code"] == code
    if message is not None:
        assert body["message"] == message


@pytest.fixture
def closed(database: Database) -> datetime:
    """An hour of readings, 0.1 kWh a minute and meter (SIM-00001 ten times that), closed; its end."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with database.connect() as connection:
        connection.execute(
            "insert into grid.reading (ts, meter_id, energy)"
            " select %s - n * interval '1 minute', meter_id,"
            " case when code = 'SIM-00001' then 1000000 else 100000 end"
            " from grid.meter, generate_series(1, 60) as n",
            (end,),
        )
        connection.execute(
            "insert into grid.region_load (tenant_id, region_id, window_start, energy, meters, readings)"
            " select r.tenant_id, r.region_id, %s - n * interval '15 minutes', 6000000, 20, 300"
            " from grid.region as r, generate_series(1, 4) as n",
            (end,),
        )
        connection.execute(
            "select alert.detect(t.tenant_id, %s - n * interval '15 minutes')"
            " from grid.tenant as t, generate_series(4, 1, -1) as n",
            (end,),
        )
    return end


def test_without_a_token(api: RestClient) -> None:
    assert api.get("/").status == 200
    assert_error(api.get("/meters"), 401, "PT401", "This needs a token")
    assert_error(api.post("/rpc/acknowledge_alert", {"alert_id": 1}), 401, "PT401")


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "sub", "tenant"])
def test_a_token_without_a_claim_is_refused(api: RestClient, keys: Keys, claim: str) -> None:
    response = api.get("/meters", headers=keys.headers("operator", **{claim: None}))
    if claim == "sub":  # the helper puts a default in its place
        response = api.get("/meters", headers=keys.headers("operator", sub="otto"))
        assert_error(response, 401, "PT401")
    else:
        assert_error(response, 401, "PT401", f"The token's claim {claim} is missing or not valid here")


def test_a_token_that_is_not_for_here_is_refused(api: RestClient, keys: Keys) -> None:
    assert_error(api.get("/meters", headers=keys.headers("operator", exp=1)), 401, "PGRST301")
    assert_error(api.get("/meters", headers=keys.headers("operator", aud="other")), 401, "PGRST301")
    assert_error(api.get("/meters", headers=keys.headers("operator", iss="other")), 401, "PT401")
    assert_error(api.get("/meters", headers=keys.headers("operator", tenant="nobody")), 401, "PT401")
    forged = keys.mint("operator")[:-8] + "AAAAAAAA"
    assert_error(api.get("/meters", headers={"Authorization": f"Bearer {forged}"}), 401, "PGRST301")


def test_a_role_that_the_user_does_not_have_is_refused(api: RestClient, keys: Keys) -> None:
    assert_error(api.get("/meters", headers=keys.headers("admin", sub=OPERATOR)), 403, "PT403")
    assert_error(api.get("/meters", headers=keys.headers("device", sub="gateway-1")), 403, "PT403")
    assert api.get("/meters", headers=keys.headers("segs_owner", sub=OPERATOR)).status in (401, 403)


def test_a_disabled_user_is_refused_at_once(api: RestClient, keys: Keys, database: Database) -> None:
    headers = keys.headers("operator")
    assert api.get("/meters", headers=headers).status == 200
    with database.connect() as connection:
        connection.execute("update auth.user_account set disabled_at = now() where user_id = %s", (OPERATOR,))
    assert_error(api.get("/meters", headers=headers), 401, "PT401")


def test_a_request_ends_with_its_roles_statement_timeout(
    api: RestClient, keys: Keys, database: Database
) -> None:
    with database.connect() as connection, connection.transaction():
        connection.execute("lock table alert.rule in access exclusive mode")
        assert_error(api.get("/alert_rules", headers=keys.headers("consumer")), 500, "57014")


def test_a_deploy_brings_a_roles_settings_to_a_running_server(
    api: RestClient, keys: Keys, database: Database, closed: datetime
) -> None:
    database.rows(
        "insert into grid.reading (ts, meter_id, energy, voltage)"
        " select %s, meter_id, 0, 230.1 from grid.meter where code = 'SIM-00001'",
        (closed,),
    )

    def answers(voltage: float) -> bool:
        (row,) = api.get("/readings?voltage=not.is.null", headers=keys.headers("consumer")).json()
        return bool(row["voltage"] == voltage)

    if os.environ.get("SEGS_DATABASE_URL"):
        pytest.skip("it changes a role of the whole server, which a platform may use")
    assert answers(230.1)
    with database.connect() as connection:
        connection.execute("alter role consumer set extra_float_digits = -3")
        try:
            deployment.apply(database.admin_url)
            wait_until(lambda: answers(230), "the new number of digits holds")
        finally:
            connection.execute("alter role consumer reset extra_float_digits")
    deployment.apply(database.admin_url)
    wait_until(lambda: answers(230.1), "the old number of digits holds")


def test_a_consumer_sees_their_own(api: RestClient, keys: Keys, closed: datetime) -> None:
    api.headers.update(keys.headers("consumer"))
    assert [row["meter_id"] for row in api.get("/meters").json()] == ["SIM-00001"]
    assert [row["region"] for row in api.get("/regions").json()] == ["north"]
    assert len(api.get("/readings").json()) == 60
    latest = api.get("/latest_readings").json()
    assert [(row["meter_id"], row["energy_kwh"]) for row in latest] == [("SIM-00001", 1)]
    assert [row["energy_kwh"] for row in api.get("/readings_15m").json()] == [15, 15, 15, 15]
    assert [row["energy_kwh"] for row in api.get("/readings_1h").json()] == [60]
    assert {row["region"] for row in api.get("/tariffs").json()} == {"north"}
    assert {row["meter_id"] for row in api.get("/alerts").json()} == {"SIM-00001"}
    assert {row["topic"] for row in api.get("/events").json()} == {
        "price.published",
        "alert.raised",
        "alert.repeated",
    }
    assert_error(api.get("/region_loads"), 403, "42501")
    assert_error(api.get("/quarantined_readings"), 403, "42501")
    assert_error(api.post("/rpc/register_meters", {"meters": []}), 403, "42501")


def test_filters_and_pages(api: RestClient, keys: Keys, closed: datetime) -> None:
    api.headers.update(keys.headers("operator"))
    first = api.get("/meters", {"Prefer": "count=exact"}, order="meter_id", limit=30)
    assert first.status == 206
    assert first.headers["content-range"] == "0-29/100"
    second = api.get("/meters", order="meter_id", limit=30, offset=30)
    assert second.json()[0]["meter_id"] == "SIM-00031"
    assert len(api.get("/readings", limit=5000).json()) == 1000, "a page has 1000 rows at most"

    bucket = (closed - timedelta(minutes=30)).isoformat()
    rows = api.get("/readings_15m", meter_id="eq.SIM-00002", bucket=f"gte.{bucket}").json()
    assert [row["energy_kwh"] for row in rows] == [1.5, 1.5]
    loads = api.get("/region_loads", region="eq.north", order="window_start.desc").json()
    assert [row["energy_kwh"] for row in loads] == [6, 6, 6, 6]
    current = api.get("/tariffs", region="eq.south", order="window_start.desc", limit=1).json()
    assert (current[0]["price"], current[0]["multiplier"]) == (0.18, 1.5)

    wanted = {"severity": "eq.warning", "kind": "eq.high", "meter_id": "eq.SIM-00001", "region": "eq.north"}
    alerts = api.get("/alerts", None, **wanted, status="eq.active").json()
    assert [(row["energy_kwh"], row["threshold_kwh"], row["occurrences"]) for row in alerts] == [(15, 2, 4)]
    assert api.get("/alerts", None, **wanted, status="eq.resolved").json() == []
    (still_open,) = api.get("/open_alerts", None, **wanted).json()
    assert still_open.items() < alerts[0].items(), "the same, without who resolved it and when"


def test_an_alert_is_acknowledged_then_resolved(api: RestClient, keys: Keys, closed: datetime) -> None:
    consumer, operator = keys.headers("consumer"), keys.headers("operator")
    alert_id = api.get("/alerts", headers=consumer).json()[0]["alert_id"]
    body = {"alert_id": alert_id}

    answer = api.post("/rpc/acknowledge_alert", body, headers=consumer)
    assert (answer.status, answer.json()["status"]) == (200, "acknowledged")
    unknown = api.post("/rpc/resolve_alert", {"alert_id": alert_id + 1}, headers=consumer)
    assert_error(unknown, 404, "PT404")
    answer = api.post("/rpc/resolve_alert", body, headers=operator)
    assert (answer.json()["status"], answer.json()["resolved_by"]) == ("resolved", "Otto Operator")
    assert_error(api.post("/rpc/acknowledge_alert", body, headers=operator), 409, "PT409")
    gone = api.post("/rpc/acknowledge_alert", {"alert_id": 999999}, headers=operator)
    assert_error(gone, 404, "PT404", "There is no alert 999999")


def test_events_page_by_cursor(api: RestClient, keys: Keys, closed: datetime) -> None:
    api.headers.update(keys.headers("operator"))
    every = api.get("/events").json()
    seen: list[dict[str, Any]] = []
    body: dict[str, Any] = {"max_events": 7}
    while page := api.post("/rpc/events_after", body).json():
        seen += page
        body["cursor"] = page[-1]["cursor"]
    assert seen == every
    assert len(every) > 7
    assert_error(api.post("/rpc/events_after", {"cursor": "nonsense"}), 400, "PT400")


def test_meters_are_registered(api: RestClient, keys: Keys) -> None:
    api.headers.update(keys.headers("operator"))
    meters = [{"meter_id": "NEW-1", "region": "west"}, {"meter_id": "SIM-00001", "region": "west"}]
    answer = api.post("/rpc/register_meters", {"meters": meters})
    assert answer.json() == [
        {"meter_id": "NEW-1", "created": True, "differs": []},
        {"meter_id": "SIM-00001", "created": False, "differs": ["region"]},
    ]
    assert_error(api.post("/rpc/register_meters", {"meters": "x"}), 422, "PT422")
    unknown = [{"meter_id": "NEW-2", "region": "moon"}]
    assert_error(api.post("/rpc/register_meters", {"meters": unknown}), 400, "22023")


def test_views_can_only_be_read(api: RestClient, keys: Keys) -> None:
    api.headers.update(keys.headers("admin"))
    for view in ("meters", "tariffs", "alerts", "events", "regions"):
        for method, body in (("POST", {}), ("PATCH", {}), ("DELETE", None)):
            response = api.request(method, f"/{view}", body=body)
            assert_error(response, 405, "PT405", f"/{view} can only be read")


def test_the_description_tells_each_role_what_it_may_use(api: RestClient, keys: Keys) -> None:
    operator = api.get("/", headers=keys.headers("operator")).json()
    consumer = api.get("/", headers=keys.headers("consumer")).json()
    assert operator["info"]["title"] == "SEGS, smart energy grid platform"
    assert {"/region_loads", "/rpc/register_meters"} <= set(operator["paths"])
    assert not {"/region_loads", "/rpc/register_meters"} & set(consumer["paths"])
    assert operator["paths"]["/rpc/resolve_alert"]["post"]["summary"] == "Settle an alert"
    for name, definition in operator["definitions"].items():
        for column, described in definition["properties"].items():
            assert described.get("description"), f"{name}.{column}"
