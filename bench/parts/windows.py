"""Windows and rollups: what closing costs by the meters, and what late readings cost by what is stored.

All readings are made inside the database and none of that is timed. Every sum is checked afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.environment import Environment
from bench.figures import Sample
from bench.part import Measure, Part, Ratio, Target
from bench.resources import cost_of
from bench.windows.filled import WINDOW, Filled, WrongError, hours_ago, milliseconds
from bench.windows.late import Stored

READINGS = 3
"""Readings a meter in a window."""


@dataclass(frozen=True)
class Scale:
    """Counts of one round."""

    sizes: tuple[int, ...]
    """Meters of the tenants whose windows are closed."""
    outage: int
    """Meters that fall silent together."""
    meters: int
    """Meters of the grid whose late readings are measured; each has sent every 15 minutes."""
    days: tuple[int, ...]
    """Days of readings stored there."""
    late: Mapping[int, int]
    """How many readings come late at once, and how often in a round (the median of which is the figure)."""


FULL = Scale((10_000, 100_000, 1_000_000), 100_000, 1_000, (1, 30), {1: 15, 1_000: 3, 100_000: 1})
QUICK = Scale((1_000, 2_000, 5_000), 1_000, 50, (1, 3), {1: 5, 10: 2, 1_000: 1})


class Closing:
    """Closes windows of one tenant, each round another."""

    def __init__(self, environment: Environment, meters: int, hours: int) -> None:
        self.environment = environment
        self.meters = meters
        self.next_window = hours_ago(hours)
        self.tenant: Filled | None = None

    def _tenant(self) -> Filled:
        if self.tenant is None:
            connection = self.environment.connect()
            connection.execute("set transaction_timeout = 0")  # filling a large window takes a while
            self.tenant = Filled.create(connection, f"close-{self.meters}-{self.next_window:%H}", self.meters)
            self.tenant.progress(self.next_window, self.next_window)
            connection.execute("call grid.close_windows()")
        return self.tenant

    def close(self) -> Sample:
        """Close one window in which every meter reported a few times, but for the odd silent one.

        Then one reading of it comes late.
        """
        tenant = self._tenant()
        start, self.next_window = self.next_window, self.next_window + WINDOW
        sent = tenant.send_window(start, READINGS, shift=start.minute)
        sample = self._timed(tenant)
        found = tenant.count(
            "select sum(readings)::bigint from grid.region_load"
            " where tenant_id = %(tenant)s and window_start = %(start)s",
            start=start,
        )
        alerts = tenant.count(
            "select count(*) from alert.alert where tenant_id = %(tenant)s and last_seen_at = %(end)s",
            end=start + WINDOW,
        )
        if found != sent or not 0 < alerts < self.meters / 100:
            raise WrongError(f"{found} of {sent} readings in the loads, {alerts} alerts")
        tenant.send_one(start + WINDOW / 2)
        sample["one late restated.ms"] = milliseconds(tenant.connection, "select grid.restate_late_windows()")
        tenant.check_loads(start)
        return sample

    def outage(self) -> Sample:
        """Every meter silent: a window raises an alert for each, the next one counts them again."""
        tenant = self._tenant()
        figures = {}
        for name in ("raise", "repeat"):
            start, self.next_window = self.next_window, self.next_window + WINDOW
            figures[f"{name}.ms"] = self._timed(tenant)["ms"]
            told = tenant.count(
                "select count(*) from alert.alert"
                " where tenant_id = %(tenant)s and last_seen_at = %(end)s and kind = 'silent'",
                end=start + WINDOW,
            )
            tenant.check_loads(start)
            if told != self.meters:
                raise WrongError(f"{told} of {self.meters} silent meters were told")
        self.next_window += 4 * WINDOW  # past the hour for which they have been told
        tenant.progress(self.next_window)
        tenant.connection.execute("call grid.close_windows()")
        return figures

    def _timed(self, tenant: Filled) -> Sample:
        tenant.progress(self.next_window)
        pids = {"postgres": self.environment.pids()["postgres"]}
        with cost_of(pids) as cost:
            elapsed = milliseconds(tenant.connection, "call grid.close_windows()")
        return {"ms": elapsed, "postgres cpu.ms": cost.cpu["postgres"] * 1000}


class Rolling:
    """Rolls up windows of new readings, each round another, in a database of its own."""

    def __init__(self, environment: Environment, meters: int) -> None:
        self.environment = environment
        self.meters = meters
        self.next_window = hours_ago(20)
        self.tenant: Filled | None = None

    def measure(self) -> Sample:
        """One window of one tenant, from readings to all rollups."""
        if self.tenant is None:
            self.environment.create_database("rolling")
            self.tenant = Filled.create(self.environment.connect("rolling"), "rolling", self.meters)
            self.tenant.send_window(self.next_window - WINDOW)
            self.tenant.connection.execute("call rollup.refresh(now(), 'infinity')")
        sent = self.tenant.send_window(self.next_window, READINGS)
        self.next_window += WINDOW
        elapsed = milliseconds(self.tenant.connection, "call rollup.refresh(now(), 'infinity')")
        if self.tenant.count("select sum(readings) from rollup.store_1m") < sent:
            raise WrongError("the new readings are not in the rollups")
        return {"ms": elapsed, "a reading.us": elapsed / sent * 1000}


class Late:
    """Readings that come late to a database with some days stored."""

    def __init__(self, environment: Environment, scale: Scale, days: int) -> None:
        self.environment = environment
        self.scale = scale
        self.days = days
        self.stored: Stored | None = None

    def measure(self, count: int) -> Sample:
        if self.stored is None:
            self.stored = Stored.create(self.environment, self.scale.meters, self.days)
        self.stored.vacuum()
        refreshing, restating = [], []
        for _ in range(self.scale.late[count]):
            self.stored.send_late(count)
            refreshing.append(self.stored.refresh())
            restating.append(self.stored.restate())
        self.stored.check()
        return {"refresh.ms": median(refreshing), "restate.ms": median(restating)}


def prepare(environment: Environment, quick: bool) -> Mapping[str, Measure]:
    scale = QUICK if quick else FULL
    measures: dict[str, Measure] = {}
    for number, size in enumerate(scale.sizes):
        # each in hours of its own, so that none looks through the readings of another
        measures[f"close {size:,} meters"] = Closing(environment, size, 30 - 3 * number).close
    measures[f"outage of {scale.outage:,} meters"] = Closing(environment, scale.outage, 20).outage
    measures[f"roll up {scale.outage:,} meters"] = Rolling(environment, scale.outage).measure
    stored = [Late(environment, scale, days) for days in scale.days]
    for count in scale.late:
        for late in stored:
            measures[name_of(count, late.days)] = partial(late.measure, count)
    return measures


def name_of(count: int, days: int) -> str:
    return f"{count:,} late, {days} day{'s' if days > 1 else ''} stored"


PART = Part(
    name="windows",
    about="closing windows of up to a million meters, and what late readings cost",
    prepare=prepare,
    order=4,
    ratios=tuple(
        Ratio(
            f"{name_of(count, FULL.days[1])}.{what}.ms",
            f"{name_of(count, FULL.days[0])}.{what}.ms",
            "under 1.2" if (count, what) == (1, "refresh") else "",
        )
        for what in ("refresh", "restate")
        for count in FULL.late
    ),
    targets=(
        Target("close 100,000 meters.ms", "under 600"),
        Target("close 1,000,000 meters.ms", "under 5000"),
    ),
)
