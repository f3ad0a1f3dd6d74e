"""Meters by the thousand that are silent, or late, are judged in pieces: others' windows close in between."""

from __future__ import annotations

from typing import Any

from tests.conftest import Edition

METERS = 4500
AT = "2026-03-02 10:20Z"
MADE = f"""
with made as (
    insert into grid.tenant (code, name) values ('many', 'many') returning tenant_id
), placed as (
    insert into grid.region (tenant_id, code, name) select tenant_id, 'all', 'All' from made returning *
), metered as (
    insert into grid.meter (tenant_id, region_id, code, installed_at, begins_at)
    select p.tenant_id, p.region_id, 'M-' || n, '2026-01-01Z', '2026-01-01Z'
    from placed as p, generate_series(1, {METERS}) as n
)
insert into grid.window_progress (tenant_id, sealed_until, closed_until)
select tenant_id, '2026-03-02 10:15Z', '2026-03-02 10:00Z' from made
"""
LATE = """
insert into grid.reading (ts, meter_id, energy)
select '2026-03-02 10:00Z'::timestamptz + %s::interval, m.meter_id, %s
from grid.meter as m join grid.tenant as t using (tenant_id)
where t.code = 'many' and (m.code = %s or %s = 'all')
"""
ALERTS = """
select a.kind, a.status, count(*)::int from alert.alert as a join grid.tenant as t using (tenant_id)
where t.code = 'many' group by 1, 2 order by 1, 2
"""
LOAD = """
select l.revision, l.meters, l.energy::bigint
from grid.region_load as l join grid.tenant as t using (tenant_id)
where t.code = 'many' and l.window_start = '2026-03-02 10:00Z' order by 1 desc limit 1
"""


def test_alerts_of_many_meters_are_raised_and_withdrawn_in_pieces(edition: Edition) -> None:
    with edition.connect() as session:

        def rows(query: str, *parameters: Any) -> list[Any]:
            cursor = session.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

        def late(after: str, energy: int, meter: str = "all") -> None:
            rows(LATE, after, energy, meter, meter)
            rows("select grid.restate_late_windows(%s)", AT)

        rows(MADE)
        rows("select grid.close_sealed_windows(%s)", AT)
        assert rows(LOAD) == [(1, 0, 0)], "the window is closed"
        assert rows(ALERTS) == [], "and its meters are judged after it"
        assert rows("select alert.review_due(%s, 1)", AT) == [(1,)]
        assert rows(ALERTS) == [("silent", "active", 2000)], "so many at once"
        rows("call grid.close_windows(%s)", AT)
        assert rows(ALERTS) == [("silent", "active", METERS)], "and all of them in the same run"

        late("1 minute", 1_000)
        assert rows(LOAD) == [(2, METERS, METERS * 1_000)], "loads have at once what comes late"
        assert rows(ALERTS) == [("silent", "active", METERS)]
        # Known later, judged later: not before what was put off.
        late("2 minutes", -1_000, "M-1")
        late("3 minutes", 200_000_000, "M-2")
        assert rows(ALERTS) == [("silent", "active", METERS)]
        rows("select alert.review_due(%s, 1)", AT)
        late("4 minutes", -1_000, "M-3")
        rows("call grid.close_windows(%s)", AT)
        assert rows(ALERTS) == [
            ("high", "active", 1),
            ("silent", "resolved", METERS),
            ("zero", "active", 2),
        ]
        assert rows("select count(*)::int from alert.due") == [(0,)]
        late("5 minutes", 1_000, "M-3")
        assert ("zero", "resolved", 1) in rows(ALERTS), "a few are judged at once"


def test_a_tenant_whose_meters_cannot_be_judged_keeps_nobody_waiting(edition: Edition) -> None:
    with edition.connect() as session:
        session.add_notice_handler(lambda _: None)
        session.execute(MADE)
        session.execute("select grid.close_sealed_windows(%s)", (AT,))
        # A newer window of a tenant whose meter is none.
        session.execute(
            "insert into alert.due (tenant_id, window_start, totals)"
            " select t.tenant_id, '2026-03-02 10:30Z', array[row(-1, -1, 0, 0)::grid.window_total]"
            " from grid.tenant as t where t.code = 'demo'"
        )
        session.execute(
            "create function public.refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no'; end $$"
        )
        session.execute(
            "create trigger refused before delete on alert.due for each row"
            " when (old.window_start = '2026-03-02 10:30Z') execute function public.refuse()"
        )
        assert session.execute("select alert.review_due(%s)", (AT,)).fetchone() == (3,)
        left = session.execute("select count(*)::int from alert.due").fetchone()
        assert left == (1,), "it is tried again"
