"""How connections of PostgREST (role authenticator) plan: settings of the role, in db/bootstrap.sql.

On the Apache edition alone: PGlite has one user, whom no role's settings reach.
"""

from __future__ import annotations

from tests.support.cluster import Database

TWO_CHUNKS = """
    insert into grid.reading (ts, meter_id, energy)
    select at, (select min(meter_id) from grid.meter), 1
    from unnest(array[now(), now() - interval '20 days']) as at
"""


def kept_plan(database: Database, role: str | None = None) -> str:
    """The plan, for any meter, of its latest reading as a connection of ``role`` (or the owner) keeps it."""
    with database.connect(role) as connection:
        connection.execute("set role consumer")
        connection.execute("set plan_cache_mode to force_generic_plan")
        connection.execute("prepare latest (text) as select * from api.latest_readings where meter_id = $1")
        lines = connection.execute("explain execute latest ('M1')").fetchall()
    return "\n".join(str(line[0]) for line in lines)


def test_a_kept_plan_asks_the_index_of_each_chunk(database: Database) -> None:
    """Reading each chunk's constraints at every start, to leave chunks out, takes longer."""
    database.rows(TWO_CHUNKS)
    assert "ChunkAppend" in kept_plan(database)
    plan = kept_plan(database, "authenticator")
    assert "ChunkAppend" not in plan
    assert plan.count("_chunk") == 2


def test_small_requests_start_no_parallel_workers(database: Database) -> None:
    with database.connect("authenticator") as connection:
        row = connection.execute("select current_setting('max_parallel_workers_per_gather')").fetchone()
    assert row == ("0",)
