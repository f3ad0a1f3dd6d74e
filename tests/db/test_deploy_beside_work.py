"""A deploy beside a platform that works: who loses a deadlock tries again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from deploy.deployer import database as deployment
from stack.runtime import Runtime
from tests.support.catalog import snapshot_of
from tests.support.cluster import Database
from tests.support.wait import wait_until

DEPLOY_LOCK = "select pg_advisory_xact_lock(hashtext('segs deploy'))"
BLOCKED = """
select count(*) from pg_stat_activity
where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0
"""


@contextmanager
def rival(database: Database, held: str, wanted: str) -> Iterator[None]:
    """A session that holds a lock until the deploy waits for it, and then wants one that the deploy holds.

    The deploy is the one that PostgreSQL chooses to end: it waited first, and the other never looks.
    """
    database.rows(f"alter database {database.name} set deadlock_timeout = '3s'")
    with database.connect(autocommit=False) as session, ThreadPoolExecutor(1) as pool:
        session.execute("set local deadlock_timeout = '10min'")
        session.execute(held)

        def meet() -> None:
            wait_until(lambda: database.value(BLOCKED), "the deploy waits", 120)
            session.execute(wanted)
            session.commit()

        meeting = pool.submit(meet)
        yield
        meeting.result()


def deadlocks(database: Database) -> int:
    """As PostgreSQL has counted them."""
    return int(
        database.value("select deadlocks from pg_stat_database where datname = current_database()") or 0
    )


def test_apply_tries_again_after_a_deadlock(database: Database) -> None:
    before = snapshot_of(database.admin_url)
    with rival(database, "lock table tariff.price in access share mode", DEPLOY_LOCK):
        deployment.apply(database.admin_url)
    wait_until(lambda: deadlocks(database) > 0, "the deadlock is counted")
    assert snapshot_of(database.admin_url) == before


def test_a_migration_tries_again_after_a_deadlock(
    database: Database, runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(deployment.DB, tmp_path / "db")
    monkeypatch.setattr(deployment, "ROOT", tmp_path)
    monkeypatch.setattr(deployment, "DB", tmp_path / "db")
    (tmp_path / "db/schema/9000_new.sql").write_text(
        f"-- migrate:up\n{DEPLOY_LOCK};\nalter table tariff.price add column extra integer;\n"
        "-- migrate:down\nalter table tariff.price drop column extra;\n",
        encoding="utf-8",
    )
    with rival(database, "lock table tariff.price in access share mode", DEPLOY_LOCK):
        assert deployment.migrate(database.admin_url, runtime.dbmate) == ["migration 9000"]
    wait_until(lambda: deadlocks(database) > 0, "the deadlock is counted")
    with rival(database, "lock table tariff.price in access share mode", DEPLOY_LOCK):
        deployment.apply(database.admin_url)
    deployment.rollback(database.admin_url, runtime.dbmate)
    assert deployment.applied_migrations(database.admin_url)[-1] != "9000"


def test_an_epoch_begins_beside_a_pruner(database: Database) -> None:
    """Both want the one row and the log: in the same order, so that neither waits for the other."""
    database.rows(
        "insert into event.log (tenant_id, topic, happened, payload)"
        " select tenant_id, 'load.closed', tstzrange(now(), now(), '[]'), '{}'"
        " from grid.tenant, generate_series(1, 5000) where code = 'demo'"
    )

    def prune(_: int) -> None:
        for _ in range(20):
            database.rows("select event.prune(now() + interval '1 day', 50)")

    def begin(_: int) -> None:
        for _ in range(5):
            deployment.begin_epoch(database.admin_url)

    before = deadlocks(database)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, n) for n in range(2) for work in (prune, begin)]:
            done.result()
    assert deadlocks(database) == before


def test_what_is_no_race_is_not_tried_again() -> None:
    tried: list[int] = []

    def fail() -> None:
        tried.append(1)
        raise psycopg.errors.DivisionByZero("division by zero")

    with pytest.raises(psycopg.errors.DivisionByZero):
        deployment._patiently(fail)
    assert len(tried) == 1


def test_a_race_that_is_always_lost_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "ATTEMPTS", 3)
    tried: list[int] = []

    def lose() -> None:
        tried.append(1)
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    with pytest.raises(psycopg.errors.DeadlockDetected):
        deployment._patiently(lose)
    assert len(tried) == 3
