"""A rollup outlives what it was summed from, on both editions."""

from __future__ import annotations

from tests.conftest import Edition

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
