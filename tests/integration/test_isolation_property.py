"""Whatever the tenants, owners and requests: no answer of the REST API tells of someone else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stack import servers as stack
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.ingest import now
from tests.support.keys import Keys
from tests.support.rest import Answer, RestClient
from tests.support.servers import TestServer, free_port
from tests.support.world import CODES, QUARTER, Person, Tenant, World, build, number, plans

EXAMPLES = 30
START = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)

BUCKETS = {
    "readings_1m": timedelta(minutes=1),
    "readings_15m": QUARTER,
    "readings_1h": timedelta(hours=1),
}
OTHERS = [
    "meters",
    "regions",
    "tariffs",
    "current_tariffs",
    "tariff_plans",
    "alerts",
    "open_alerts",
    "alert_rules",
    "alert_thresholds",
    "events",
    "preferences",
    "tenant_settings",
    "region_loads",
    "users",
    "meter_ownerships",
    "quarantined_readings",
    "late_readings",
    "data_quality",
    "devices",
    "readings_daily",
    "readings_monthly",
]
VIEWS = ["readings", "latest_readings", *BUCKETS, *OTHERS]
BY_TIME = ["alerts", "open_alerts", "events", "tariffs", "latest_readings", *BUCKETS]
"""Where what someone sees hangs on when they owned a meter: every person asks in every example."""
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"limit": "3"},
    {"offset": "2"},
    {"select": "*"},
    {"meter_id": "eq.M-1"},
    {"meter_id": "neq.M-1"},
    {"meter_id": "in.(M-1,M-2)"},
    {"or": "(meter_id.eq.M-1,meter_id.not.is.null)"},
    {"not.or": "(meter_id.eq.NONE)"},
    {"region": "eq.north"},
    {"select": "*,meters(*)"},
    {"select": "*,users(*)"},
    {"tenant_id": "gt.0"},
    {"user_id": "not.is.null"},
    {"select": "meter_id::text,region"},
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Prefer": "count=exact"},
    {"Accept-Profile": "grid"},
    {"Range": "1-3"},
    {"Accept": "text/csv"},
    {"Role": "operator", "X-Tenant": "platform"},
)
CALLS = (
    "reading_statistics",
    "estimate_running_bill",
    "alert_summary",
    "events_after",
    "acknowledge_alert",
    "resolve_alert",
    "set_threshold",
    "unassign_meter",
    "deactivate_user",
    "change_role",
)


@dataclass(frozen=True)
class Request:
    """Someone asks for something: a view, or a function with something of anybody's."""

    who: int
    name: str
    filters: Mapping[str, str]
    headers: Mapping[str, str]
    about: int


requests = st.builds(
    Request,
    st.integers(0, 7),
    st.sampled_from(VIEWS) | st.sampled_from([f"rpc/{name}" for name in CALLS]),
    st.sampled_from(FILTERS),
    st.sampled_from(HEADERS),
    st.integers(0, 99),
)


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all examples: each brings tenants of its own."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with database.connect() as administrator:
        yield administrator


@pytest.fixture(scope="module")
def url(runtime: Runtime, database: Database, keys: Keys) -> Iterator[str]:
    """A PostgREST on that database."""
    spec = stack.postgrest(runtime, database.url("authenticator"), keys.jwks_file, free_port(), free_port())
    server = TestServer(spec)
    server.up()
    yield server.url
    server.stop()


class Judge:
    """Decides of one person's answers whether everything in them is theirs to see."""

    def __init__(self, world: World, person: Person) -> None:
        self.world, self.person = world, person

    def judge(self, name: str, answer: Answer) -> None:
        """Fail if the answer tells of anybody else."""
        assert answer.status < 500, answer.text
        self._names(answer.text)
        self._count(name, answer)
        if answer.status >= 300 or "json" not in answer.headers.get("content-type", ""):
            return
        body = answer.json()
        for row in body if isinstance(body, list) else [body]:
            self._row(name, row)

    def _names(self, text: str) -> None:
        for code in re.findall(r"\bt[0-9a-f]{10}\b", text):
            assert code == self.person.tenant.code, f"of another tenant: {text}"
        if self.person.role == "consumer":
            for name in re.findall(r"person-t[0-9a-f]{10}-\w+", text):
                assert name == self.person.name, f"of another person: {text}"

    def _count(self, name: str, answer: Answer) -> None:
        total = answer.headers.get("content-range", "*/*").rpartition("/")[2]
        seen = len(self.alerts())
        limits = {"readings": len(self.readings()), "alerts": seen, "open_alerts": seen}
        if total != "*" and name in limits:
            assert int(total) <= limits[name], "the count tells of others' rows"

    def _row(self, name: str, row: dict[str, Any]) -> None:
        sees, world = self.person.sees, self.world
        if name in ("readings", "latest_readings") and "energy_kwh" in row:
            assert sees(*world.readings[number(row["energy_kwh"])]), row
        elif name in BUCKETS and "energy_kwh" in row:
            self._bucket(row, BUCKETS[name])
        elif name == "tariffs" and "price" in row:
            assert self.person.sees_price(*world.prices[number(row["price"])]), row
        elif name in ("events", "rpc/events_after"):
            self._event(row)
        elif "alert_id" in row:
            assert sees(*world.alerts[row["alert_id"]]), row
        elif "energy_kwh" in row or "total_kwh" in row:
            used = sum(self._used(row["meter_id"])) if "meter_id" in row else 0
            assert number(row.get("energy_kwh", row.get("total_kwh")) or 0) <= used, row
        elif name == "rpc/alert_summary":
            assert row["active"] + row["acknowledged"] + row["resolved"] <= len(self.alerts()), row
        elif row.get("meter_id"):
            self._meter(row)

    def _bucket(self, row: dict[str, Any], width: timedelta) -> None:
        begin = datetime.fromisoformat(row["bucket"])
        meter = self.person.tenant.meter(row["meter_id"])
        assert self.person.sees(meter, begin, begin + width), row
        inside = [energy for ts, energy in meter.readings.items() if begin <= ts < begin + width]
        assert (number(row["energy_kwh"]), row["readings"]) == (sum(inside), len(inside)), row

    def _event(self, row: dict[str, Any]) -> None:
        payload = row["payload"]
        if row["topic"] == "price.published":
            price = self.world.prices.get(number(payload["price"]))
            assert price, f"of another world: {row}"
            assert self.person.sees_price(*price), row
        else:
            assert payload["alert_id"] in self.world.alerts, f"of another world: {row}"
            meter, begin, _ = self.world.alerts[payload["alert_id"]]
            assert self.person.sees(meter, begin, begin + QUARTER), row

    def _meter(self, row: dict[str, Any]) -> None:
        meter = self.person.tenant.meter(row["meter_id"])
        if self.person.role == "consumer":
            assert meter.owned.get(self.person.number), row
        if "region" in row:
            assert row["region"] == meter.region, row

    def _used(self, code: str) -> list[int]:
        meter = self.person.tenant.meter(code)
        return [energy for ts, energy in meter.readings.items() if self.person.sees(meter, ts)]

    def readings(self) -> set[int]:
        """Exactly what /readings must show."""
        return {energy for energy, origin in self.world.readings.items() if self.person.sees(*origin)}

    def alerts(self) -> set[int]:
        """The most that /alerts may show."""
        return {alert for alert, origin in self.world.alerts.items() if self.person.sees(*origin)}


def foreign(world: World, person: Person) -> Tenant:
    return next(tenant for tenant in world.tenants if tenant is not person.tenant)


def arguments(world: World, person: Person, request: Request) -> dict[str, Any]:
    """What the function is called with; changes of people only ever aim at another tenant's."""
    code = CODES[request.about % len(CODES)]
    stranger = foreign(world, person).people[request.about % 4]
    period = {"since": START.isoformat(), "until": (START + timedelta(hours=5)).isoformat()}
    alerts = sorted(world.alerts) or [0]
    made: dict[str, dict[str, Any]] = {
        "reading_statistics": {"meter_id": code, **period},
        "estimate_running_bill": {"meter_id": code},
        "alert_summary": {},
        "events_after": {"max_events": 200},
        "acknowledge_alert": {"alert_id": alerts[request.about % len(alerts)]},
        "resolve_alert": {"alert_id": alerts[request.about % len(alerts)]},
        "set_threshold": {"meter_id": code, "kwh": 5},
        "unassign_meter": {"meter_id": "NONE"},
        "deactivate_user": {"user_id": stranger.user_id},
        "change_role": {"user_id": stranger.user_id, "role": "admin"},
    }
    return made[request.name.removeprefix("rpc/")]


def ask(client: RestClient, world: World, person: Person, request: Request) -> None:
    """One request; the answer is judged, and what must be refused was."""
    judge = Judge(world, person)
    if not request.name.startswith("rpc/"):
        answer = client.get(f"/{request.name}", request.headers, **request.filters)
        judge.judge(request.name, answer)
        return
    body = arguments(world, person, request)
    answer = client.post(f"/{request.name}", body)
    judge.judge(request.name, answer)
    if "user_id" in body:
        assert answer.status in (403, 404), answer.text
    if body.get("alert_id", 0) not in {0, *judge.alerts()}:
        assert answer.status in (403, 404), answer.text
    if "meter_id" in body and answer.status == 200:
        assert person.tenant.meter(body["meter_id"]).owned.get(person.number) or person.role != "consumer"


def untouched(connection: psycopg.Connection[Any], world: World) -> None:
    """Nobody has done anything to another tenant's alerts, people or rules."""
    ids = [tenant.tenant_id for tenant in world.tenants]
    crossed = connection.execute(
        "select 1 from alert.alert as a join auth.user_account as u"
        " on u.user_id in (a.acknowledged_by, a.resolved_by)"
        " where a.tenant_id = any (%(ids)s) and u.tenant_id <> a.tenant_id"
        " union all select 1 from auth.user_account"
        " where tenant_id = any (%(ids)s) and (disabled_at is not null or deleted_at is not null)"
        " union all select 1 from alert.rule as r join auth.user_account as u using (user_id)"
        " where r.tenant_id = any (%(ids)s) and u.tenant_id <> r.tenant_id",
        {"ids": ids},
    )
    assert crossed.fetchall() == []


def client_of(url: str, keys: Keys) -> Callable[[Person], RestClient]:
    return lambda person: RestClient(
        url, keys.headers(person.role, sub=person.user_id, tenant=person.tenant.code)
    )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to make a failing example smaller would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=plans, asked=st.lists(requests, min_size=6, max_size=16))
def test_no_answer_holds_what_is_somebody_elses(
    url: str, keys: Keys, connection: psycopg.Connection[Any], drawn: Any, asked: list[Request]
) -> None:
    world = build(connection, drawn, START)
    clients = client_of(url, keys)
    for person in world.people:
        client, judge = clients(person), Judge(world, person)
        shown = client.get("/readings", limit=1000).json()
        assert sorted(number(row["energy_kwh"]) for row in shown) == sorted(judge.readings())
        if person.role == "consumer":
            for name in BY_TIME:
                judge.judge(name, client.get(f"/{name}"))
    for request in asked:
        person = world.people[request.who]
        ask(clients(person), world, person, request)
    untouched(connection, world)
