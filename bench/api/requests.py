"""What the API part asks: each request as a client sends it, and the query that PostgREST makes of it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import psycopg

from bench.api.data import METER, PERSON, TIME_ZONE, Grid
from bench.environment import TENANT, Environment
from bench.wrk import LoadError, http_request

PREFIX = "/api/v1"
DIFFERENT = 2000
"""Requests of a kind that differ in who asks for which meter; wrk begins again after them."""
ASKER = 44
"""Number of the consumer who asks, and of the meter asked for, where one stands for all; an alert is open."""


@dataclass(frozen=True)
class Request:
    """One kind of request. ``{meter}`` and pgbench's ``:k`` stand for the number of a meter and its owner."""

    name: str
    path: str
    query: str
    rows: int
    """Rows (or one object) in every answer; -1: any number."""
    role: str = "consumer"

    @property
    def resource(self) -> str:
        """What PostgREST tells the pre-request function as the path."""
        return self.path.partition("?")[0]


def requests(grid: Grid) -> list[Request]:
    """All of them. Times end with the newest reading: a part of every answer is not yet materialised."""
    quarter = grid.newest.astimezone(UTC).replace(minute=grid.newest.minute // 15 * 15)
    until, since = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (quarter + _quarter(1), quarter - _quarter(95)))
    day = f"{datetime.now(ZoneInfo(TIME_ZONE)).date() - timedelta(days=29)}"
    if grid.newest.astimezone(ZoneInfo(TIME_ZONE)).date() != datetime.now(ZoneInfo(TIME_ZONE)).date():
        raise LoadError("the day changed while loading: begin again")
    meter = "'M' || lpad(:k::text, 7, '0')"
    quarters = f"where meter_id = {meter} and bucket >= '{since}' and bucket < '{until}' order by bucket"
    quarters_path = f"/readings_15m?meter_id=eq.{{meter}}&bucket=gte.{since}&bucket=lt.{until}&order=bucket"
    alerts = "/open_alerts?order=raised_at.desc&limit=50"
    newest = "select * from api.open_alerts order by raised_at desc limit 50"
    return [
        Request(
            "latest reading", "/latest_readings?meter_id=eq.{meter}",
            f"select * from api.latest_readings where meter_id = {meter}", 1,
        ),
        Request("day at 15 m", quarters_path, f"select * from api.readings_15m {quarters}", 96),
        Request(
            "day at 15 m, operator", quarters_path, f"select * from api.readings_15m {quarters}", 96,
            role="operator",
        ),
        Request(
            "month by day", f"/readings_daily?meter_id=eq.{{meter}}&day=gte.{day}&order=day",
            f"select * from api.readings_daily where meter_id = {meter} and day >= '{day}' order by day", 30,
        ),
        Request("current tariff", "/current_tariffs", "select * from api.current_tariffs", 1),
        Request(
            "open alerts, operator", alerts, newest, min(50, grid.alerts // 50), role="operator",
        ),
        Request("open alerts, consumer", alerts, newest, -1),
        Request(
            "bill estimate", "/rpc/estimate_bill?kwh=250", "select * from api.estimate_bill(kwh => 250)", 1,
        ),
        Request(
            "running bill", "/rpc/estimate_running_bill?meter_id={meter}",
            f"select * from api.estimate_running_bill(meter_id => {meter})", 1,
        ),
    ]  # fmt: skip


def _quarter(count: int) -> timedelta:
    return timedelta(minutes=15 * count)


class Client:
    """Asks on behalf of the people of a grid."""

    def __init__(self, environment: Environment, grid: Grid) -> None:
        self._environment = environment
        self._grid = grid
        self._tokens: dict[str, str] = {}

    def numbers(self) -> Iterator[int]:
        """Consumers all over the grid, in an order that no cache likes."""
        return ((n * 7919) % self._grid.consumers + 1 for n in range(min(DIFFERENT, self._grid.consumers)))

    def person(self, request: Request, k: int) -> str:
        return PERSON.format(k) if request.role == "consumer" else self._grid.operator

    def claims(self, request: Request, k: int) -> dict[str, Any]:
        """Of a token as the auth worker makes it."""
        person = self.person(request, k)
        return {"role": request.role, "tenant": TENANT, "sub": person, "sid": person}

    def become(self, connection: psycopg.Connection[tuple[Any, ...]], request: Request, k: int) -> None:
        """Be them for the rest of the transaction, checked as PostgREST has it done."""
        claims = {"iss": "segs", "aud": "segs", "exp": 9_999_999_999, **self.claims(request, k)}
        connection.execute(
            "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),"
            " set_config('request.method', 'GET', true), set_config('request.path', %s, true)",
            (request.role, json.dumps(claims), request.resource),
        )
        connection.execute("select auth.check_request()")

    def token(self, request: Request, k: int) -> str:
        claims = self.claims(request, k)
        known = self._tokens.get(claims["sub"])
        if known is None:
            known = self._environment.token(**claims)
            self._tokens[claims["sub"]] = known
        return known

    def path(self, request: Request, k: int) -> str:
        return request.path.replace("{meter}", METER.format(k))

    def messages(self, request: Request, prefix: str) -> Iterator[bytes]:
        """Whole HTTP requests."""
        for k in self.numbers():
            headers = {"Authorization": f"Bearer {self.token(request, k)}"}
            yield http_request("GET", prefix + self.path(request, k), headers)

    def check(self, request: Request, url: str) -> None:
        """Ask for a few, and look at the answers."""
        found = 0
        for k in list(self.numbers())[:5]:
            asked = urllib.request.Request(
                url + quote(self.path(request, k), safe="/?&=.:"),
                headers={"Authorization": f"Bearer {self.token(request, k)}"},
            )
            with urllib.request.urlopen(asked, timeout=60) as answer:
                body = json.loads(answer.read())
            rows = body if isinstance(body, list) else [body]
            found += len(rows)
            if request.rows not in (-1, len(rows)) or any(row.get("amount", 0) is None for row in rows):
                raise LoadError(f"{request.name}: {len(rows)} rows instead of {request.rows}: {rows[:1]}")
        if not found and request.rows:
            raise LoadError(f"{request.name}: nothing found for anybody")
