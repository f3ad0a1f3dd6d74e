"""A database with days of readings stored, rolled up and closed; and readings that come late to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from bench.environment import Environment
from bench.windows.filled import WINDOW, Filled, WrongError, hours_ago, milliseconds

DAY = timedelta(days=1)
# Late readings fall in the oldest day stored, every meter in turn, each in a minute of its own.
# Milliseconds keep one delivery apart from the next.
LATE: LiteralString = """
    insert into grid.reading (ts, meter_id, energy, voltage, current)
    select
        %(day)s + (n / %(meters)s * 7 + n * 37) %% 1440 * interval '1 minute'
            + %(delivery)s * interval '1 ms',
        %(first)s + n %% %(meters)s, 1000, 230.1, 1.25
    from generate_series(0, %(count)s::int - 1) as n
"""
FIRST_METER: LiteralString = "select min(meter_id) from grid.meter where tenant_id = %(tenant)s"
# Two sums of the same readings, neither of which may have a row that the other has not.
WRONG_BUCKETS: LiteralString = """
    with wanted as (
        select public.time_bucket(interval '{width}', ts) as bucket, meter_id, count(*) as readings,
            sum(energy)::bigint as energy, min(energy) as energy_min, max(energy) as energy_max
        from grid.reading
        where ts >= %(day)s and ts < %(day)s + interval '1 day'
        group by 1, 2
    ),

    found as (
        select bucket, meter_id, readings, energy, energy_min, energy_max
        from rollup.reading_{name}
        where bucket >= %(day)s and bucket < %(day)s + interval '1 day'
    )

    select (select count(*) from (table wanted except table found) as missing)
        + (select count(*) from (table found except table wanted) as wrong)
"""
ROLLUPS: dict[LiteralString, LiteralString] = {"1m": "1 minute", "15m": "15 minutes", "1h": "1 hour"}


@dataclass
class Stored:
    """A database of its own, brought up to date, and the day that late readings fall in."""

    tenant: Filled
    day: datetime
    until: datetime
    deliveries: int = 0

    @classmethod
    def create(cls, environment: Environment, meters: int, days: int) -> Stored:
        """A reading a meter every 15 minutes for some days, the newest of which was yesterday.

        Days of the tenant's (UTC), so that all of them are over, and stored, whenever this runs.
        """
        name = f"stored_{days}"
        environment.create_database(name)
        connection = environment.connect(name)
        connection.execute("set transaction_timeout = 0")
        tenant = Filled.create(connection, "stored", meters)
        until = hours_ago(0).replace(hour=0)
        start = until - days * DAY
        while (ts := start) < until:
            with connection.transaction():
                while ts < min(start + DAY, until):
                    tenant.send(ts)
                    ts += WINDOW
            start = ts
        tenant.progress(until, first=until - days * DAY)
        stored = cls(tenant, until - days * DAY, until)
        connection.execute("vacuum analyze")
        connection.execute("call grid.close_windows()")
        stored.refresh()
        connection.execute("vacuum analyze")
        return stored

    def send_late(self, count: int) -> None:
        """That many late readings, in as many buckets of a minute."""
        self.deliveries += 1
        first = self.tenant.count(FIRST_METER)
        sent = self.tenant.connection.execute(
            LATE,
            {
                "day": self.day,
                "delivery": self.deliveries,
                "meters": self.tenant.meters,
                "first": first,
                "count": count,
            },
        ).rowcount
        if sent != count:
            raise WrongError(f"{sent} of {count} late readings were new")

    def vacuum(self) -> None:
        """As autovacuum does within a minute, so that no measure pays for the dead rows of the one before."""
        self.tenant.connection.execute("vacuum analyze")

    def refresh(self) -> float:
        """Bring the rollups up to date; milliseconds."""
        return milliseconds(self.tenant.connection, "call rollup.refresh(now(), 'infinity')")

    def restate(self) -> float:
        """Restate every window that late readings changed, in as many steps as that takes; milliseconds."""
        spent = 0.0
        while self.tenant.count("select count(*) from grid.late_window"):
            spent += milliseconds(self.tenant.connection, "select grid.restate_late_windows()")
        return spent

    def check(self) -> None:
        """Rollups and loads of the day with the late readings are what its readings sum up to."""
        for name, width in ROLLUPS.items():
            wrong = self.tenant.count(WRONG_BUCKETS.format(name=name, width=width), day=self.day)
            if wrong:
                raise WrongError(f"{wrong} buckets of rollup {name} are not the sums of their readings")
        for number in range(DAY // WINDOW):
            self.tenant.check_loads(self.day + number * WINDOW)
