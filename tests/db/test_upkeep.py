"""The jobs' watch and the findings: each thing is made wrong once, and they say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from deploy.deployer import database

Connection = psycopg.Connection[Any]

LATER = datetime.now(UTC) + timedelta(days=10)
"""When the server has run for long."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cron(apache_connection: Connection) -> Iterator[Connection]:
    """The database that has pg_cron (its jobs do not run), left as it was."""
    if apache_connection.execute("select to_regnamespace('cron')").fetchone() == (None,):
        pytest.skip("this server's pg_cron is in another database")
    with apache_connection.transaction(force_rollback=True):
        yield apache_connection


def ran(connection: Connection, at: datetime, status: str = "succeeded", job: str = "%") -> None:
    """As if every job had started then."""
    connection.execute(
        "insert into cron.job_run_details"
        " (jobid, runid, database, username, command, status, start_time, end_time)"
        " select jobid, nextval('cron.runid_seq'), database, username, command, %(status)s, %(at)s,"
        " case when %(status)s <> 'running' then %(at)s::timestamptz + interval '1 second' end"
        " from cron.job where jobname like %(job)s",
        {"at": at, "status": status, "job": job},
    )


def scheduled(connection: Connection, at: datetime) -> None:
    connection.execute("update upkeep.job set scheduled_at = %s", (at,))


def allowance(connection: Connection, job: str) -> timedelta:
    row = connection.execute(
        "select upkeep.job_allowance(schedule) from upkeep.job where name = %s", (job,)
    ).fetchone()
    assert row is not None
    return timedelta(seconds=row[0].total_seconds())


def late(connection: Connection) -> set[str]:
    rows = connection.execute("select name from upkeep.job_runs(%s) where late", (LATER,)).fetchall()
    return {name for (name,) in rows}


def jobs(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select jobname, schedule, command, username, active from cron.job order by jobname"
    ).fetchall()


ALL = {source.path.stem for source in database.job_files()}


def test_every_job_is_known_with_its_allowance(cron: Connection) -> None:
    assert {row[0] for row in cron.execute("select name from upkeep.job").fetchall()} == ALL
    periods = {"5 seconds": 5, "2 seconds": 2, "15 seconds": 15, "17 * * * *": 3600, "* * * * *": 3600}
    for schedule, seconds in periods.items():
        found = cron.execute("select upkeep.job_allowance(%s)", (schedule,)).fetchone()
        assert found == (MINUTE + 2 * timedelta(seconds=seconds),)


def test_a_job_is_late_when_it_has_missed_two_of_its_times(cron: Connection) -> None:
    scheduled(cron, LATER - timedelta(days=9))
    assert late(cron) == ALL, "none has ever run"
    for job in ALL:
        room = allowance(cron, job)
        ran(cron, LATER - room - timedelta(seconds=1), job=job)
        assert job in late(cron)
        ran(cron, LATER - room + timedelta(seconds=1), job=job)
        assert job not in late(cron)
    scheduled(cron, LATER)
    assert late(cron) == set(), "scheduled just now"


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(hours=1), timedelta(days=400)])
def test_a_run_ahead_of_the_clock_tells_of_a_clock_that_was_set_back(
    cron: Connection, ahead: timedelta
) -> None:
    scheduled(cron, LATER - timedelta(days=9))
    ran(cron, LATER + ahead)
    assert late(cron) == ALL
    scheduled(cron, LATER + ahead)  # it was written down by the same clock
    assert late(cron) == ALL


def test_a_job_at_work_is_not_late(cron: Connection) -> None:
    scheduled(cron, LATER - timedelta(days=9))
    ran(cron, LATER - timedelta(hours=9), status="running")
    assert late(cron) == set()


def test_late_jobs_are_scheduled_again_as_new_ones(cron: Connection) -> None:
    before = jobs(cron)
    scheduled(cron, LATER - timedelta(days=9))
    ran(cron, LATER + timedelta(hours=1))
    ids = {row[0] for row in cron.execute("select jobid from cron.job").fetchall()}
    told = cron.execute("select name, late from upkeep.watch_jobs(%s)", (LATER,)).fetchall()
    assert set(told) == {(name, True) for name in ALL}
    assert jobs(cron) == before
    fresh = {row[0] for row in cron.execute("select jobid from cron.job").fetchall()}
    assert fresh.isdisjoint(ids)
    assert late(cron) == set()
    cron.execute("select upkeep.watch_jobs(%s)", (LATER,))
    assert {row[0] for row in cron.execute("select jobid from cron.job").fetchall()} == fresh, (
        "not again and again"
    )


@pytest.mark.parametrize(
    "fault",
    ["update cron.job set active = false", "delete from cron.job where jobname <> 'drain_queue'"],
    ids=["switched off", "missing"],
)
def test_jobs_that_are_off_or_missing_come_back(cron: Connection, fault: str) -> None:
    before = jobs(cron)
    scheduled(cron, LATER - timedelta(days=9))
    cron.execute(fault)
    cron.execute("select upkeep.watch_jobs(%s)", (LATER,))
    assert jobs(cron) == before


def test_ingest_may_watch_and_nobody_else(cron: Connection) -> None:
    cron.execute("set local role segs_ingest")
    cron.execute("select * from upkeep.watch_jobs()")
    cron.execute("select * from upkeep.findings()")
    for refused in ("upkeep.job", "upkeep.schedule_again()", "upkeep.job_runs()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), cron.transaction():
            cron.execute(f"select * from {refused}")
    cron.execute("set local role segs_relay")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), cron.transaction():
        cron.execute("select * from upkeep.findings()")


def test_late_jobs_are_found(cron: Connection) -> None:
    ran(cron, LATER - timedelta(seconds=1))
    assert states(cron, LATER)["jobs"] == "ok"
    scheduled(cron, LATER - timedelta(days=9))
    ran(cron, LATER - timedelta(hours=1), job="close_windows")
    state, says = cron.execute(
        "select state, says from upkeep.findings(at => %s) where part = 'jobs'", (LATER,)
    ).fetchone() or ("", "")
    assert (state, says) == ("fail", "close_windows has not run for 01:00:00")


def states(
    connection: Connection, at: datetime | None = None, caller: datetime | None = None
) -> dict[str, str]:
    rows = connection.execute(
        "select part, state from upkeep.findings(%s, coalesce(%s, clock_timestamp()))", (caller, at)
    ).fetchall()
    return dict(rows)


@pytest.fixture
def rolled_back(shared: Connection) -> Iterator[Connection]:
    with shared.transaction(force_rollback=True):
        yield shared


def test_all_is_well_at_first(rolled_back: Connection) -> None:
    found = states(rolled_back)
    assert {part: state for part, state in found.items() if part != "jobs"} == {
        "epoch": "ok", "windows": "ok", "queues": "ok",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "state", "fault"),
    [
        ("epoch", "fail", "update event.state set cluster = '7'"),
        ("queues", "warn", "select pgmq.send('raw_readings_dead', '{}')"),
        ("queues", "warn", "select pgmq.send('notifications_dead', '{}')"),
        (
            "queues",
            "warn",
            "select pgmq.send('notifications', '{}');"
            "update pgmq.q_notifications set enqueued_at = now() - interval '1 hour'",
        ),
        (
            "windows",
            "warn",
            "insert into grid.window_progress (tenant_id, sealed_until, closed_until)"
            " select tenant_id, now(), now() - interval '2 hours' from grid.tenant"
            " on conflict (tenant_id) do update set closed_until = excluded.closed_until,"
            " sealed_until = excluded.sealed_until",
        ),
    ],
)
def test_what_is_wrong_is_found(rolled_back: Connection, part: str, state: str, fault: str) -> None:
    assert states(rolled_back)[part] == "ok"
    for statement in fault.split(";"):
        rolled_back.execute(statement)
    assert states(rolled_back)[part] == state


@pytest.mark.parametrize(
    ("off", "state"), [(0, "ok"), (4, "ok"), (-6, "warn"), (6, "warn"), (-31, "fail"), (3600, "fail")]
)
def test_clocks_that_disagree_are_found(rolled_back: Connection, off: int, state: str) -> None:
    assert states(rolled_back, LATER, LATER + timedelta(seconds=off))["clock"] == state


def test_a_database_without_pg_cron_says_that_nothing_runs_by_itself(database: Any) -> None:
    with database.connect() as connection:
        assert connection.execute("select * from upkeep.watch_jobs()").fetchall() == []
        assert states(connection)["jobs"] == "warn"
