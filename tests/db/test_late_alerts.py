"""Whenever readings come, alerts end as if all had been there in time, on both editions.

The property: for each meter and kind, the alerts that stand tell of exactly the windows that closing on
complete data finds, each told once, with its energy and threshold; and what an alert says (first and last
window, count, energy) follows from its windows. Another order of arrival may divide the windows of one long
fault otherwise into hours, for an alert's hour begins where it was first raised, and no two overlap. Where a
backlog is worked off oldest window first, the alerts are the very same.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Edition

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
WINDOWS = 14
METERS = 6
KWH = 1_000_000
Reading = tuple[datetime, str, int]

TOLD = """
select a.meter_code, a.kind, s.seen_at, s.energy, s.threshold
from alert.alert as a cross join unnest(a.sightings) as s
where a.tenant_id = %s and a.withdrawn_reason is null
order by 1, 2, 3
"""
ALERTS = """
select meter_code, kind, severity, status, raised_at, last_seen_at, occurrences, value, threshold, region.code
from alert.alert join grid.region as region using (region_id)
where alert.tenant_id = %s and withdrawn_reason is null
order by 1, 2, 5
"""
UNTRUE = """
select a.*
from alert.alert as a
cross join lateral (
    select count(*) as n, count(distinct s.seen_at) as windows,
        min(s.seen_at) as first, max(s.seen_at) as last,
        (array_agg(s.energy order by s.seen_at desc))[1] as energy
    from unnest(a.sightings) as s
) as s
where a.occurrences <> s.n or s.n <> s.windows or a.raised_at <> s.first or a.last_seen_at <> s.last
   or a.value is distinct from s.energy
   or (a.withdrawn_reason is not null and (a.status <> 'resolved' or a.resolved_by is not null))
"""


@dataclass
class Utility:
    """A tenant whose windows are closed by hand, one after the other."""

    session: psycopg.Connection[Any]
    code: str
    tenant: int = 0
    meters: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = "insert into grid.tenant (code, name) values (%s, %s) returning tenant_id"
        self.tenant = self.value(made, self.code, self.code)
        meters = [
            {
                "meter_id": f"M-{n}",
                "region": ("north", "south")[n % 2],
                "kind": "two_way" if n == 0 else "one_way",
                "installed_at": "2026-01-01T00:00:00Z",
            }
            for n in range(METERS)
        ]
        registered = self.session.execute(
            "select code, meter_id from grid.register_meters(%s, %s)", (self.tenant, json.dumps(meters))
        )
        self.meters = {row[0]: row[1] for row in registered}
        # All have sent before: none of what is missing lies before a meter's first reading.
        self.take_in([(START - QUARTER, meter, KWH) for meter in self.meters])
        self.session.execute(
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until) values (%s, %s, %s)",
            (self.tenant, START - QUARTER, START - QUARTER),
        )
        self.seal(START - QUARTER)
        self.close(START - QUARTER)

    def value(self, query: str, *parameters: object) -> Any:
        row = self.session.execute(query, parameters).fetchone()
        return row[0] if row else None

    def rows(self, query: str) -> list[Any]:
        return self.session.execute(query, (self.tenant,)).fetchall()

    def take_in(self, readings: list[Reading]) -> None:
        if readings:
            times, codes, energies = zip(*readings, strict=True)
            self.session.execute(
                "insert into grid.reading (ts, meter_id, energy)"
                " select * from unnest(%s::timestamptz[], %s::integer[], %s::bigint[])"
                " on conflict do nothing",
                (list(times), [self.meters[code] for code in codes], list(energies)),
            )

    def seal(self, window: datetime) -> None:
        self.session.execute(
            "update grid.window_progress set sealed_until = %s where tenant_id = %s",
            (window + QUARTER, self.tenant),
        )

    def close(self, window: datetime) -> None:
        with self.session.transaction():
            self.session.execute("select grid.close_window(%s, %s)", (self.tenant, window))
            self.session.execute(
                "update grid.window_progress set closed_until = %s where tenant_id = %s",
                (window + QUARTER, self.tenant),
            )

    def restate(self) -> None:
        """Works off what came late, the newest and the oldest window in turn."""
        with self.session.transaction():
            self.session.execute("select grid.restate_late_windows(now(), 1000)")


def windows() -> list[datetime]:
    return [START + n * QUARTER for n in range(WINDOWS)]


def random_readings(rng: random.Random) -> list[Reading]:
    """Of each meter and window: nothing, nought, too much, fed in, or right; in one reading or several."""
    readings = []
    for meter in range(METERS):
        often = rng.choice(["silent", "high", "zero", "good"])  # long faults, also across hours
        for window in windows():
            what = often if rng.random() < 0.6 else rng.choice(["silent", "high", "zero", "negative", "good"])
            parts = {
                "silent": [],
                "high": [150 * KWH + rng.randint(0, 9)] if rng.random() < 0.5 else [90 * KWH, 60 * KWH, -KWH],
                "zero": [0] if rng.random() < 0.5 else [KWH, -KWH],
                "negative": [-2 * KWH],
                "good": [KWH] if rng.random() < 0.5 else [120 * KWH, -60 * KWH],
            }[what]
            readings += [(window + timedelta(minutes=n), f"M-{meter}", part) for n, part in enumerate(parts)]
    return readings


def in_time(utility: Utility, readings: list[Reading]) -> None:
    utility.take_in(readings)
    for window in windows():
        utility.seal(window)
        utility.close(window)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_arrival_ends_with_the_same_windows_told(edition: Edition, seed: int) -> None:
    rng = random.Random(seed)
    with edition.connect() as session:
        complete, late = Utility(session, "complete"), Utility(session, "late")
        readings = random_readings(rng)
        in_time(complete, readings)

        waiting = readings + rng.sample(readings, len(readings) // 4)  # some are sent twice
        rng.shuffle(waiting)

        def some_arrive() -> None:
            number = rng.randint(0, 1 + len(waiting) // 6)
            utility_gets, waiting[:number] = waiting[:number], []
            late.take_in(utility_gets)
            if rng.random() < 0.5:
                late.restate()

        for window in windows():
            some_arrive()
            late.seal(window)
            some_arrive()  # sealed and not closed: late, and in the first sums
            late.close(window)
        while waiting:
            some_arrive()
        late.restate()

        assert late.rows(TOLD) == complete.rows(TOLD), f"seed {seed}"
        assert session.execute(UNTRUE).fetchall() == []
        before = late.rows(ALERTS)
        late.restate()
        for window in windows():
            session.execute("select grid.restate_window(%s, %s)", (late.tenant, window))
        assert late.rows(ALERTS) == before, "and once more changes nothing"


@pytest.mark.parametrize("seed", range(4))
def test_a_backlog_worked_off_in_order_ends_with_the_same_alerts(edition: Edition, seed: int) -> None:
    rng = random.Random(100 + seed)
    with edition.connect() as session:
        complete, late = Utility(session, "complete"), Utility(session, "late")
        # In an outage of all: what a meter does not send later either is silent, and was found so at once.
        readings = random_readings(rng)
        sent = {(meter, ts.replace(minute=ts.minute // 15 * 15)) for ts, meter, _ in readings}
        readings += [
            (window, f"M-{n}", KWH)
            for window in windows()
            for n in range(METERS)
            if (f"M-{n}", window) not in sent
        ]
        in_time(complete, readings)
        in_time(late, [])
        silent = late.rows(ALERTS)
        assert {row[1] for row in silent} == {"silent"}
        late.take_in(readings)
        for window in windows():
            session.execute("select grid.restate_tenant_window(%s, %s)", (late.tenant, window))
        assert late.rows(ALERTS) == complete.rows(ALERTS)
        assert session.execute(UNTRUE).fetchall() == []
        ended = "select count(*) from alert.alert where tenant_id = %s and withdrawn_reason is not null"
        assert late.rows(ended) == [(len(silent),)], "every silence is withdrawn"


def test_eight_hours_late(edition: Edition) -> None:
    with edition.connect() as session:
        late = Utility(session, "late")
        all_windows = [START + n * QUARTER for n in range(32)]
        others = [(window, f"M-{n}", KWH) for window in all_windows for n in range(1, METERS)]
        late.take_in(others)
        for window in all_windows:
            late.seal(window)
            late.close(window)
        assert [(row[1], row[6]) for row in late.rows(ALERTS)] == [("silent", 4)] * 8
        tooth = START + 13 * QUARTER
        late.take_in([(window, "M-0", 150 * KWH if window == tooth else KWH) for window in all_windows])
        late.restate()
        standing = late.rows(ALERTS)
        assert [row[:4] for row in standing] == [("M-0", "high", "warning", "active")]
        assert standing[0][4:9] == (tooth + QUARTER, tooth + QUARTER, 1, 150 * KWH, 100 * KWH)
        topics = session.execute(
            "select topic, payload ->> 'resolution_reason' is null, count(*) from event.log"
            " where tenant_id = %s and topic in ('alert.raised', 'alert.resolved')"
            " group by 1, 2 order by 1, 2",
            (late.tenant,),
        ).fetchall()
        assert topics == [("alert.raised", True, 9), ("alert.resolved", False, 8)]


def test_what_a_person_settled_stays_and_what_they_took_up_is_withdrawn(edition: Edition) -> None:
    with edition.connect() as session:
        late = Utility(session, "late")
        in_time(late, [])
        first = (
            "select alert_id from alert.alert where tenant_id = %s and meter_code = %s"
            " order by raised_at limit 1"
        )
        ids = {code: late.value(first, late.tenant, code) for code in ("M-1", "M-2", "M-3")}
        for code, status in (("M-1", "resolved"), ("M-2", "acknowledged")):
            session.execute("select alert.set_status(%s, %s, null)", (ids[code], status))
        late.take_in([(window, code, KWH) for window in windows() for code in ids])
        late.restate()
        state = (
            "select status, withdrawn_reason is null, acknowledged_at is null"
            " from alert.alert where alert_id = %s"
        )
        found = {code: session.execute(state, (alert_id,)).fetchone() for code, alert_id in ids.items()}
        assert found == {
            "M-1": ("resolved", True, True),
            "M-2": ("resolved", False, False),
            "M-3": ("resolved", False, True),
        }
