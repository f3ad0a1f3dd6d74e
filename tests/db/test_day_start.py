"""The first instant of a day, in every zone on the days around each change of its clocks."""

from __future__ import annotations

from typing import Any

import psycopg

# Weeks in which a zone's clock changed, found by asking every week, then the days of it.
CHANGES = """
create temporary table change as
with week as (
    select generate_series(timestamptz '1900-01-01 12:00Z', '2041-01-01 12:00Z', '7 days') as ts
),

probe as (
    select z.name, w.ts, (w.ts at time zone z.name) - (w.ts at time zone 'UTC') as ahead,
        lead(w.ts) over zone as next_ts,
        lead((w.ts at time zone z.name) - (w.ts at time zone 'UTC')) over zone as next_ahead
    from (
        -- One of those that have always had the same time.
        select min(n.name) as name
        from pg_timezone_names as n
        cross join lateral (
            select md5(string_agg((w.ts at time zone n.name)::text, ',' order by w.ts)) as history
            from week as w
        ) as h
        group by h.history
    ) as z
    cross join week as w
    window zone as (partition by z.name order by w.ts)
)

select distinct p.name, d.day
from probe as p
cross join generate_series(-1, 9) as n
cross join lateral (select (p.ts at time zone p.name)::date + n as day) as d
where p.ahead <> p.next_ahead
  and ((d.day + 2)::timestamp at time zone p.name) - ((d.day - 1)::timestamp at time zone p.name) <> '3 days'
"""
# Before the first instant it was never that date nor a later one: asked just before, every five minutes of an
# hour and every hour of a day.
WRONG = """
select c.name, c.day, s.at
from change as c
cross join lateral (select grid.day_start(c.day, c.name) as at) as s
where (s.at at time zone c.name)::date < c.day
   or exists (
       select from (
           select s.at - interval '1 microsecond' as at
           union all
           select s.at - n * interval '5 minutes' from generate_series(1, 12) as n
           union all
           select s.at - n * interval '1 hour' from generate_series(1, 26) as n
       ) as b
       where (b.at at time zone c.name)::date >= c.day
   )
"""
KNOWN = """
select d.day, d.zone, to_char(grid.day_start(d.day::date, d.zone) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
from (values
    ('2023-03-09', 'Antarctica/Casey', '2023-03-08 13:00:00'),  -- put back by 3 hours at 03:00
    ('2011-12-30', 'Pacific/Apia', '2011-12-30 10:00:00'),       -- left out: as the 31st
    ('2011-12-31', 'Pacific/Apia', '2011-12-30 10:00:00'),
    ('1993-08-21', 'Pacific/Kwajalein', '1993-08-21 12:00:00'),  -- left out
    ('1969-10-01', 'Pacific/Kwajalein', '1969-10-01 12:00:00'),  -- the day before was there twice
    ('2018-11-04', 'America/Sao_Paulo', '2018-11-04 03:00:00'),  -- put forward at 00:00
    ('2006-10-29', 'America/St_Johns', '2006-10-29 02:30:00'),   -- put back at 00:01: two midnights
    ('1919-03-31', 'America/Toronto', '1919-03-31 04:30:00'),    -- put forward from 23:30 to 00:30
    ('2026-03-29', 'Europe/Berlin', '2026-03-28 23:00:00'),
    ('2026-10-26', 'Europe/Berlin', '2026-10-25 23:00:00'),
    ('2026-02-01', 'UTC', '2026-02-01 00:00:00')
) as d (day, zone, at)
where grid.day_start(d.day::date, d.zone) is distinct from d.at::timestamp at time zone 'UTC'
"""


def test_known_days_begin_where_they_do(shared: psycopg.Connection[Any]) -> None:
    assert shared.execute(KNOWN).fetchall() == []


def test_every_day_around_every_change_begins_with_its_first_instant(
    apache_connection: psycopg.Connection[Any],
) -> None:
    """Not on the other edition, whose server is the same but runs in one slow process."""
    apache_connection.execute(CHANGES)
    counted = apache_connection.execute("select count(distinct name) > 100, count(*) > 10000 from change")
    assert counted.fetchone() == (True, True), "zones and days that the test is about"
    assert apache_connection.execute(WRONG).fetchmany(10) == []
