"""A small world of tenants, people, meters and owners, drawn at random, and who may see what of it.

Everything in it can be told apart: tenants and people by their names, measurements and prices by their
number, which occurs once in the world. Meter codes are the same in every tenant.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
from hypothesis import strategies as st

REGIONS = ("north", "south")
CONSUMERS = 2
MINUTES = 150
QUARTER = timedelta(minutes=15)
CODES = ("M-1", "M-2")

_numbers = itertools.count(1001)


@dataclass(frozen=True)
class MeterPlan:
    """Where a meter stands, and by the minute who owned it, what it measured and what it raised."""

    region: str
    owners: list[tuple[int, int | None, int]]
    readings: list[int]
    alerts: list[int]


@dataclass(frozen=True)
class TenantPlan:
    """A tenant's meters, and the quarters in which its regions have a price."""

    meters: list[MeterPlan]
    prices: list[tuple[str, int]]


@st.composite
def _owners(draw: st.DrawFn) -> list[tuple[int, int | None, int]]:
    cuts = sorted(draw(st.lists(st.integers(0, MINUTES), min_size=1, max_size=4, unique=True)))
    owners = []
    for begin, end in itertools.pairwise([*cuts, None]):
        owner = draw(st.none() | st.integers(0, CONSUMERS - 1))
        if begin is not None and owner is not None:
            owners.append((begin, end, owner))
    return owners


_minutes = st.integers(0, MINUTES - 1)
_quarters = st.integers(0, MINUTES // 15)
_regions = st.sampled_from(REGIONS)

meters = st.builds(
    MeterPlan,
    _regions,
    _owners(),
    st.lists(_minutes, min_size=4, max_size=12, unique=True),
    st.lists(_quarters, max_size=3, unique=True),
)
tenants = st.builds(
    TenantPlan,
    st.lists(meters, min_size=1, max_size=len(CODES)),
    st.lists(st.tuples(_regions, _quarters), max_size=6, unique=True),
)
plans = st.lists(tenants, min_size=2, max_size=2)


@dataclass(frozen=True)
class Period:
    """From an instant, inclusive, until another, exclusive."""

    begin: datetime
    end: datetime

    def holds(self, begin: datetime, end: datetime | None = None) -> bool:
        """Whether an instant, or the whole time until ``end``, lies in it."""
        return self.begin <= begin and (begin < self.end if end is None else end <= self.end)


@dataclass
class Meter:
    code: str
    region: str
    owned: dict[int, list[Period]]
    """Periods by consumer; those that touch are one."""
    readings: dict[datetime, int] = field(default_factory=dict)


@dataclass
class Person:
    role: str
    number: int
    user_id: str
    name: str
    tenant: Tenant

    def sees(self, meter: Meter, begin: datetime, end: datetime | None = None) -> bool:
        """Whether what this meter did at an instant, or in all the time until ``end``, is theirs to know."""
        if meter not in self.tenant.meters:
            return False
        return self.role != "consumer" or any(
            period.holds(begin, end) for period in meter.owned.get(self.number, [])
        )

    def sees_price(self, tenant: Tenant, region: str, at: datetime) -> bool:
        """Whether a price of a region is for them."""
        if tenant is not self.tenant:
            return False
        return self.role != "consumer" or any(
            meter.region == region and self.sees(meter, at) for meter in tenant.meters
        )


@dataclass
class Tenant:
    tenant_id: int
    code: str
    meters: list[Meter] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    def meter(self, code: str) -> Meter:
        return next(meter for meter in self.meters if meter.code == code)


@dataclass
class World:
    """What there is, and by its number whose each measurement, alert and price is."""

    start: datetime
    tenants: list[Tenant] = field(default_factory=list)
    readings: dict[int, tuple[Meter, datetime]] = field(default_factory=dict)
    alerts: dict[int, tuple[Meter, datetime, datetime]] = field(default_factory=dict)
    """By alert_id: of all windows from the first instant to the last."""
    prices: dict[int, tuple[Tenant, str, datetime]] = field(default_factory=dict)

    @property
    def people(self) -> list[Person]:
        return [person for tenant in self.tenants for person in tenant.people]


def number(value: Any) -> int:
    """The number in an amount of the API, which shows millionths."""
    return int(Decimal(str(value)) * 1000000)


def build(connection: psycopg.Connection[Any], drawn: list[TenantPlan], start: datetime) -> World:
    """Put the drawn world into the database beside what is there."""
    world = World(start)
    with connection.transaction():
        for plan in drawn:
            world.tenants.append(_tenant(connection, world, plan))
    for alert_id, meter_id, raised_at, last_seen_at in _alerts(connection, world):
        world.alerts[alert_id] = (meter_id, raised_at - QUARTER, last_seen_at)
    return world


def _tenant(connection: psycopg.Connection[Any], world: World, plan: TenantPlan) -> Tenant:
    code = f"t{uuid4().hex[:10]}"
    made = "insert into grid.tenant (code, name) values (%s, %s) returning tenant_id"
    tenant = Tenant(_value(connection, made, code, f"Tenant {code}"), code)
    roles = [*["consumer"] * CONSUMERS, "operator", "admin"]
    for index, role in enumerate(roles):
        person = Person(role, index, str(uuid4()), f"person-{code}-{index}", tenant)
        tenant.people.append(person)
        connection.execute(
            "insert into auth.user_account (user_id, tenant_id, email, name, role)"
            " values (%s, %s, %s, %s, %s)",
            (person.user_id, tenant.tenant_id, f"{person.name}@segs.example", person.name, role),
        )
    for meter_code, meter_plan in zip(CODES, plan.meters, strict=False):
        tenant.meters.append(_meter(connection, world, tenant, meter_code, meter_plan))
    for region, quarter in plan.prices:
        _price(connection, world, tenant, region, world.start + quarter * QUARTER)
    note = json.dumps({"meter_id": "M-1", "note": f"person-{code}-quarantined"})
    connection.execute(
        "insert into ingest.quarantine (tenant_id, source, code, message, reading)"
        " values (%s, 'http', 'unknown_meter', 'no such meter', %s)",
        (tenant.tenant_id, note),
    )
    return tenant


def _meter(
    connection: psycopg.Connection[Any], world: World, tenant: Tenant, code: str, plan: MeterPlan
) -> Meter:
    def at(minute: int) -> datetime:
        return world.start + timedelta(minutes=minute)

    registered = json.dumps(
        [{"meter_id": code, "region": plan.region, "installed_at": "2020-01-01T00:00:00Z"}]
    )
    call = "select meter_id from grid.register_meters(%s, %s)"
    key = _value(connection, call, tenant.tenant_id, registered)
    meter = Meter(code, plan.region, _merged(plan, world.start))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into grid.meter_ownership (meter_id, tenant_id, user_id, period)"
            " values (%s, %s, %s, tstzrange(%s, %s))",
            [
                (key, tenant.tenant_id, tenant.people[owner].user_id, at(begin), end and at(end))
                for begin, end, owner in plan.owners
            ],
        )
        for minute in plan.readings:
            energy = next(_numbers)
            meter.readings[at(minute)] = energy
            world.readings[energy] = (meter, at(minute))
        cursor.executemany(
            "insert into grid.reading (ts, meter_id, energy) values (%s, %s, %s)",
            [(ts, key, energy) for ts, energy in meter.readings.items()],
        )
        cursor.executemany(
            "select alert.raise(%s, %s, 'high', 'warning', %s, %s, 1)",
            [(tenant.tenant_id, key, at(15 * quarter), next(_numbers)) for quarter in sorted(plan.alerts)],
        )
    return meter


def _merged(plan: MeterPlan, start: datetime) -> dict[int, list[Period]]:
    owned: dict[int, list[Period]] = {}
    for begin, end, owner in plan.owners:
        period = Period(
            start + timedelta(minutes=begin),
            start + (timedelta(days=9999) if end is None else timedelta(minutes=end)),
        )
        mine = owned.setdefault(owner, [])
        if mine and mine[-1].end == period.begin:
            period = Period(mine.pop().begin, period.end)
        mine.append(period)
    return owned


def _price(
    connection: psycopg.Connection[Any], world: World, tenant: Tenant, region: str, at: datetime
) -> None:
    price = next(_numbers)
    world.prices[price] = (tenant, region, at)
    connection.execute(
        "insert into tariff.price"
        " (tenant_id, region_id, window_start, price, multiplier, load_energy, plan_id)"
        " select r.tenant_id, r.region_id, %s, %s::numeric / 1000000, 1, 0, p.plan_id"
        " from grid.region as r join tariff.plan as p using (tenant_id)"
        " where r.tenant_id = %s and r.code = %s limit 1",
        (at, price, tenant.tenant_id, region),
    )


def _alerts(
    connection: psycopg.Connection[Any], world: World
) -> Iterator[tuple[int, Meter, datetime, datetime]]:
    for tenant in world.tenants:
        rows = connection.execute(
            "select a.alert_id, m.code, a.raised_at, a.last_seen_at"
            " from alert.alert as a join grid.meter as m using (meter_id) where a.tenant_id = %s",
            (tenant.tenant_id,),
        )
        for alert_id, code, raised_at, last_seen_at in rows:
            yield alert_id, tenant.meter(code), raised_at, last_seen_at


def _value(connection: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]
