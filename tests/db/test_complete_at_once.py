"""Every view has a reading with the commit that stores it, however late it is, on both editions."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Edition
from tests.support.intake import Intake
from tests.support.tap import SUPPORT

START = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 28, 12, tzinfo=UTC)
ZONE = "Europe/Berlin"
PLAIN = """
with quarter as (
    select m.code, grid.window_start(r.ts) as bucket, count(*) as readings, sum(r.energy) as energy
    from grid.reading as r join grid.meter as m using (meter_id)
    where m.tenant_id = tap.tenant('acme')
    group by 1, 2
)
"""
UNITS = {
    "1m": "public.time_bucket('1 minute', r.ts)",
    "15m": "public.time_bucket('15 minutes', r.ts)",
    "1h": "public.time_bucket('1 hour', r.ts)",
}
DIFFERENCES = {
    **{
        f"readings_{name}": f"""
            select m.code, {bucket}, count(*), trim_scale(sum(r.energy) * 0.000001)
            from grid.reading as r join grid.meter as m using (meter_id)
            where m.tenant_id = tap.tenant('acme') group by 1, 2
        """
        for name, bucket in UNITS.items()
    },
    **{
        f"readings_{name}": f"""
            {PLAIN}
            select code, date_trunc('{unit}', bucket at time zone '{ZONE}')::date, sum(readings)::bigint,
                trim_scale(sum(energy) * 0.000001)
            from quarter group by 1, 2
        """
        for name, unit in {"daily": "day", "monthly": "month"}.items()
    },
}
TIMES = {"daily": "day", "monthly": "month"}


def told(connection: psycopg.Connection[Any], query: str) -> list[Any]:
    """What the tenant's operator is told."""
    with connection.transaction():
        connection.execute("select tap.sign_in('acme', 'operator')")
        return connection.execute(query.encode()).fetchall()


def check(connection: psycopg.Connection[Any], when: str) -> None:
    """Every view and function, against the readings."""
    for view, plain in DIFFERENCES.items():
        time = TIMES.get(view.removeprefix("readings_"), "bucket")
        seen = told(
            connection, f"select meter_id, {time}, readings, energy_kwh from api.{view} order by 1, 2"
        )
        assert seen == connection.execute(f"{plain} order by 1, 2".encode()).fetchall(), f"{view} {when}"
    expected = connection.execute(
        f"{PLAIN} select code, trim_scale(sum(energy) * 0.000001), count(*), sum(readings)::bigint"
        " from quarter group by 1 order by 1".encode()
    ).fetchall()
    for code, energy, quarters, _ in expected:
        statistics = told(
            connection,
            "select total_kwh, buckets from api.reading_statistics"
            f"('{code}', '{START - timedelta(days=5)}', '{NOW}')",
        )
        assert statistics == [(energy, quarters)], f"statistics {when}"
    month = connection.execute(
        f"{PLAIN} select code, trim_scale(sum(energy) * 0.000001) from quarter"
        f" where bucket >= '2026-09-01'::timestamp at time zone '{ZONE}' group by 1".encode()
    ).fetchall()
    for code, energy in month:
        bill = told(connection, f"select energy_kwh from api.estimate_running_bill('{code}', '{NOW}')")
        assert bill == [(energy,)], f"running bill {when}"


# Once in WebAssembly, which is slow.
@pytest.mark.parametrize(
    ("edition", "seed"), [("apache", 0), ("apache", 1), ("tsl", 0)], indirect=["edition"]
)
def test_late_readings_are_in_every_view_at_once(edition: Edition, seed: int) -> None:
    rng = random.Random(seed)
    with edition.connect() as connection:
        for path in SUPPORT:
            connection.execute(path.read_text(encoding="utf-8").encode())
        connection.execute("select tap.make_tenant('acme')")
        connection.execute(
            "update grid.tenant set time_zone = %s, created_at = %s where code = 'acme'", (ZONE, START)
        )
        meters = [
            key
            for (key,) in connection.execute(
                "select tap.meter('acme', 'M-' || n) from generate_series(1, 5) as n"
            ).fetchall()
        ]
        intake = Intake(connection, edition.data)
        intake.store(
            [
                (START + timedelta(hours=h, minutes=m), meters[0], 1000 * h)
                for h in range(660)
                for m in (0, 20)
            ]
        )
        connection.execute(
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until)"
            " values (tap.tenant('acme'), %s, %s)",
            (NOW - timedelta(hours=3), NOW - timedelta(hours=3)),
        )
        connection.execute("call rollup.refresh(%s, 'infinity')", (NOW,))
        stored = connection.execute("select count(*) > 20 from rollup.store_day").fetchone()
        assert stored == (True,)
        check(connection, "before anything is late")
        for step in range(6):
            ages = [
                rng.choice([rng.uniform(0, 5), rng.uniform(0, 30), rng.uniform(0, 650)]) for _ in range(20)
            ]
            intake.store(
                [
                    (
                        (NOW - timedelta(hours=age)).replace(microsecond=0),
                        rng.choice(meters),
                        rng.randint(-99, 999),
                    )
                    for age in ages
                ]
            )
            check(connection, f"at once, seed {seed}, step {step}")
            if step % 2:
                connection.execute("call rollup.refresh(%s, '0 s')", (NOW,))
                check(connection, f"in the middle of a refresh, seed {seed}, step {step}")
        connection.execute("call rollup.refresh(%s, 'infinity')", (NOW,))
        check(connection, "after a refresh")
        late = "select (select count(*) from rollup.late_day)"
        assert connection.execute(late).fetchone() == (0,)
