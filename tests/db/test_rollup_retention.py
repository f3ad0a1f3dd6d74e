"""A rollup outlives what it was summed from, on both editions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.conftest import Edition
from tests.support.intake import Intake

NOW = "2026-03-02 12:00:00Z"


def test_a_rollup_outlives_a_shorter_kept_source(edition: Edition) -> None:
    """Readings for ever, the finest rollup for 40 days: the coarser ones stay whole."""
    with edition.connect() as session:
        session.execute("update grid.retention set keep = null where name = 'readings'")
        session.execute("update grid.retention set keep = '40 days' where name = 'readings_1m'")
        session.execute(
            "insert into grid.reading (ts, meter_id, energy)"
            " select %s::timestamptz - days * interval '1 day', 1, 1000"
            " from generate_series(0, 80) as n (days)",
            (NOW,),
        )
        session.execute("call rollup.refresh(%s)", (NOW,))
        before = session.execute("select count(*), sum(energy) from rollup.reading_1h").fetchone()
        assert before == (81, 81000)
        session.execute("call grid.apply_retention(%s)", (NOW,))
        kept = session.execute("select count(*) from rollup.reading_1m").fetchone()
        assert kept is not None
        assert kept[0] < 81, "some of the finest rollup has gone"
        session.execute("call rollup.refresh(%s)", ("2026-03-02 13:00:00Z",))
        assert session.execute("select count(*), sum(energy) from rollup.reading_1h").fetchone() == before
        assert session.execute("select count(*), sum(energy) from rollup.reading_15m").fetchone() == before


def test_days_go_with_the_quarters_they_are_summed_from(edition: Edition) -> None:
    with edition.connect() as session:
        session.execute(
            "insert into rollup.store_day"
            " (day, meter_id, readings, energy, energy_peak, first_bucket, last_bucket)"
            " select d, 1, 1, 1, 1, d, d"
            " from generate_series(%s::date - 1500, %s::date, interval '30 days') as d",
            (NOW, NOW),
        )
        session.execute("call grid.apply_retention(%s)", (NOW,))
        kept = session.execute("select %s::date - min(day) from rollup.store_day", (NOW,)).fetchone()
        assert kept is not None
        assert 3 * 365 <= kept[0] <= 3 * 365 + 92
        session.execute("update grid.retention set keep = null where name = 'readings_15m'")
        session.execute("call grid.apply_retention(%s)", ("2036-03-02 12:00:00Z",))
        assert session.execute("select %s::date - min(day) from rollup.store_day", (NOW,)).fetchone() == kept


GONE = datetime(2026, 1, 10, 10, tzinfo=UTC)
"""Some time before NOW, in whose chunks nothing else is."""
TOLD = """
select
    (select sum(energy) from rollup.reading_15m where meter_id = %(meter)s and bucket < %(until)s),
    (select sum(energy) from rollup.reading_1h where meter_id = %(meter)s and bucket < %(until)s),
    (select sum(energy) from rollup.store_day where meter_id = %(meter)s),
    (
        select sum(energy) from (
            select distinct on (region_id, window_start) energy from grid.region_load
            where tenant_id = %(tenant)s and window_start < %(until)s
            order by region_id, window_start, revision desc
        ) as newest
    )
"""


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_late_reading_never_reduces_what_outlived_its_source(edition: Edition, by_hand: bool) -> None:
    """Readings and the finest rollup are gone. Ingest would refuse those of that time; these come by SQL."""
    with edition.connect() as session:
        row = session.execute(
            "insert into grid.tenant (code, name, created_at) values ('late', 'late', '2026-01-01Z')"
            " returning tenant_id"
        ).fetchone()
        assert row
        meters = '[{"meter_id": "M-1", "region": "north", "installed_at": "2026-01-01Z"}]'
        (meter,) = session.execute(
            "select meter_id from grid.register_meters(%s, %s)", (row[0], meters)
        ).fetchone() or (0,)
        intake = Intake(session, edition.data)
        intake.store([(GONE + timedelta(minutes=5 * n), meter, 1000) for n in range(600)])
        intake.store([(datetime.fromisoformat(NOW) - timedelta(hours=1), 1, 1)])
        session.execute(
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until) values (%s, %s, %s)",
            (row[0], GONE + timedelta(days=30), GONE),
        )
        while session.execute("select grid.close_sealed_windows(%s)", (NOW,)).fetchone() != (0,):
            pass
        session.execute("call rollup.refresh(%s, 'infinity')", (NOW,))
        known = {"meter": meter, "tenant": row[0], "until": GONE + timedelta(days=20)}
        before = session.execute(TOLD, known).fetchone()
        assert before == (600_000,) * 4
        if by_hand:
            finest = "store" if edition.name == "apache" else "aggregate"
            for table in ("grid.reading", f"rollup.{finest}_1m"):
                session.execute(
                    "select public.drop_chunks(%s::regclass, older_than => %s::timestamptz)",
                    (table, GONE + timedelta(days=30)),
                )
        else:
            session.execute(
                "update grid.retention set keep = '37 days' where name in ('readings', 'readings_1m')"
            )
            session.execute("call grid.apply_retention(%s)", (NOW,))
        left = session.execute("select count(*) from grid.reading where meter_id = %s", (meter,)).fetchone()
        assert left == (0,)
        assert session.execute(TOLD, known).fetchone() == before
        late = [(GONE + timedelta(minutes=90 * n, seconds=1), meter, 7) for n in range(3)]
        intake.newest.clear()
        intake.store(late)
        if not (by_hand and edition.name == "tsl"):
            told = session.execute(TOLD, known).fetchone()
            assert told
            assert told[:2] >= before[:2], "at once"
        session.execute("call rollup.refresh(%s, 'infinity')", (NOW,))
        session.execute("call grid.close_windows(%s)", (NOW,))
        told = session.execute(TOLD, known).fetchone()
        assert told
        assert all(new >= old for new, old in zip(told, before, strict=True)), "nothing is lost"
        if edition.name == "apache":
            assert told == (600_021,) * 4, "it is added"


def test_the_accepted_age_does_not_reach_what_was_dropped(edition: Edition) -> None:
    with edition.connect() as session:
        session.execute(
            "insert into grid.reading (ts, meter_id, energy) values (now() - interval '120 days', 1, 1000)"
        )
        session.execute("update ingest.limits set max_age = '60 days'")
        session.execute("update grid.retention set keep = '90 days' where name like 'readings%%'", ())
        session.execute("call grid.apply_retention()")
        session.execute("update ingest.limits set max_age = '80 days'")
        with pytest.raises(psycopg.errors.CheckViolation, match="max_age reaches back before"):
            session.execute("update ingest.limits set max_age = '89 days'")
        session.execute("update grid.retention set keep = null where name like 'readings%%'", ())
        with pytest.raises(psycopg.errors.CheckViolation):
            session.execute("update ingest.limits set max_age = '400 days'")
        session.execute("update ingest.limits set max_age = '35 days'")
