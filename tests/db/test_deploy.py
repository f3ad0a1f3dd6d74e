"""Deploying: migrations down and up, upgrades, and what a failed, repeated or concurrent deploy leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path

import psycopg
import pytest

from deploy.deployer import database as deployment
from deploy.deployer.database import DeployError
from stack.runtime import Runtime
from tests.support.catalog import snapshot_of
from tests.support.cluster import Cluster, Database


def assert_same(before: list[str], after: list[str]) -> None:
    assert before == after, "\n".join(unified_diff(before, after, "expected", "found", n=0, lineterm=""))


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    """A new database with nothing in it."""
    with cluster.empty() as database:
        yield database


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of db/ that a test may change; deploys in this test take it instead."""
    shutil.copytree(deployment.DB, tmp_path / "db")
    monkeypatch.setattr(deployment, "ROOT", tmp_path)
    monkeypatch.setattr(deployment, "DB", tmp_path / "db")
    return tmp_path / "db"


def a_function(checkout: Path) -> Path:
    """A function file that needs nothing else."""
    return checkout / "functions" / "grid" / "window_start.sql"


def test_migrating_down_leaves_what_bootstrap_made_and_up_again_gives_the_same(
    empty: Database, runtime: Runtime
) -> None:
    deployment.bootstrap(empty.admin_url)
    bare = snapshot_of(empty.admin_url)
    deployment.deploy(empty.admin_url, runtime.dbmate)
    deployed = snapshot_of(empty.admin_url)
    steps = len(deployment.migration_files())
    assert len(deployment.applied_migrations(empty.admin_url)) == steps

    deployment.rollback(empty.admin_url, runtime.dbmate, steps)
    assert_same(bare, snapshot_of(empty.admin_url))
    assert deployment.applied_migrations(empty.admin_url) == []

    deployment.deploy(empty.admin_url, runtime.dbmate)
    assert_same(deployed, snapshot_of(empty.admin_url))


def test_each_migration_goes_down_and_up_by_itself(database: Database, runtime: Runtime) -> None:
    """Without functions, which no migration needs."""
    deployment.remove_managed(database.admin_url)
    migrated = snapshot_of(database.admin_url)
    for steps in range(1, len(deployment.migration_files())):
        deployment.rollback(database.admin_url, runtime.dbmate, steps)
        assert len(deployment.migrate(database.admin_url, runtime.dbmate)) == steps
        assert_same(migrated, snapshot_of(database.admin_url))


def test_an_upgrade_step_by_step_gives_the_same_as_a_fresh_install(
    empty: Database, database: Database, runtime: Runtime, checkout: Path
) -> None:
    fresh = snapshot_of(database.admin_url)
    migrations = sorted((checkout / "schema").glob("*.sql"))
    later = checkout / "later"
    later.mkdir()
    for migration in migrations:
        migration.rename(later / migration.name)
    deployment.bootstrap(empty.admin_url)
    for migration in migrations:
        (later / migration.name).rename(migration)
        assert len(deployment.migrate(empty.admin_url, runtime.dbmate)) == 1
    deployment.apply(empty.admin_url)
    assert_same(fresh, snapshot_of(empty.admin_url))


def test_deploying_twice_changes_nothing(database: Database, runtime: Runtime) -> None:
    before = snapshot_of(database.admin_url)
    deployment.deploy(database.admin_url, runtime.dbmate)
    assert_same(before, snapshot_of(database.admin_url))


def test_concurrent_applies_are_safe(database: Database) -> None:
    before = snapshot_of(database.admin_url)
    with ThreadPoolExecutor(3) as pool:
        results = [pool.submit(deployment.apply, database.admin_url) for _ in range(3)]
        for result in results:
            result.result()
    assert_same(before, snapshot_of(database.admin_url))


def test_apply_waits_for_nobody_who_reads(database: Database) -> None:
    """A session that merely looked at a view does not hold the deploy up."""
    with database.connect() as reader:
        reader.execute("select * from api.meters")
        deployment.apply(database.admin_url)


def test_databases_of_one_server_can_be_bootstrapped_at_once(cluster: Cluster) -> None:
    with cluster.empty() as one, cluster.empty() as other, ThreadPoolExecutor(2) as pool:
        results = [pool.submit(deployment.bootstrap, database.admin_url) for database in (one, other)]
        for result in results:
            result.result()


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("\n\nselect no_such_function_here();\n", 3),
        ("\n\ncreate table grid.x (a int) bogus;\n", 3),
        ("\n\n\nselect 1 / 0;\n", None),
    ],
    ids=["missing object", "syntax error", "run-time error"],
)
def test_a_failed_apply_changes_nothing_and_names_file_and_line(
    database: Database, checkout: Path, fault: str, line: int | None
) -> None:
    before = snapshot_of(database.admin_url)
    path = a_function(checkout)
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_text(text + fault, encoding="utf-8")
    added = checkout / "functions" / "grid" / "aaa_added.sql"
    added.write_text("create function grid.aaa_added() returns int language sql as 'select 1';\n")
    with pytest.raises(DeployError) as caught:
        deployment.apply(database.admin_url)
    place = "db/functions/grid/window_start.sql:"
    if line is not None:
        place += f"{text.count(chr(10)) + line}:"
    assert place in str(caught.value)
    assert_same(before, snapshot_of(database.admin_url))


def test_a_failed_job_file_changes_nothing(cluster: Cluster, apache: str, checkout: Path) -> None:
    if cluster.cron_database is None:
        pytest.skip("pg_cron lives in another database of this server")
    query = "select jobname, schedule, command from cron.job order by 1"
    with psycopg.connect(apache, autocommit=True) as connection:
        jobs = connection.execute(query).fetchall()
    assert jobs
    before = snapshot_of(apache)
    (checkout / "jobs" / "zzz.sql").write_text("select cron.schedule('bad', 'not a schedule', 'select 1');\n")
    with pytest.raises(DeployError, match=r"db/jobs/zzz\.sql:"):
        deployment.apply(apache)
    assert_same(before, snapshot_of(apache))
    with psycopg.connect(apache, autocommit=True) as connection:
        assert (
            connection.execute("select jobname, schedule, command from cron.job order by 1").fetchall()
            == jobs
        )


def test_an_edited_migration_is_detected(database: Database, runtime: Runtime, checkout: Path) -> None:
    migration = sorted((checkout / "schema").glob("*.sql"))[1]
    migration.write_text(migration.read_text(encoding="utf-8") + "-- edited\n", encoding="utf-8")
    with pytest.raises(DeployError, match=f"{migration.name} was edited"):
        deployment.deploy(database.admin_url, runtime.dbmate)


def test_a_vanished_migration_is_detected(database: Database, runtime: Runtime, checkout: Path) -> None:
    migration = sorted((checkout / "schema").glob("*.sql"))[-1]
    migration.unlink()
    with pytest.raises(DeployError, match="no such file"):
        deployment.deploy(database.admin_url, runtime.dbmate)


def test_a_failed_migration_is_rolled_back_and_can_be_repaired(
    database: Database, runtime: Runtime, checkout: Path
) -> None:
    before = snapshot_of(database.admin_url)
    migration = checkout / "schema" / "9000_new.sql"
    body = "-- migrate:up\ncreate table grid.extra (a int);\n{}\n-- migrate:down\ndrop table grid.extra;\n"
    migration.write_text(body.format("select 1 / 0;"), encoding="utf-8")
    with pytest.raises(DeployError, match="division by zero"):
        deployment.deploy(database.admin_url, runtime.dbmate)
    assert_same(before, snapshot_of(database.admin_url))
    migration.write_text(body.format(""), encoding="utf-8")
    deployment.deploy(database.admin_url, runtime.dbmate)
    deployment.rollback(database.admin_url, runtime.dbmate)
    deployment.apply(database.admin_url)
    assert_same(before, snapshot_of(database.admin_url))


def test_changing_a_signature_leaves_no_overload(database: Database, checkout: Path) -> None:
    path = checkout / "functions" / "grid" / "aaa_added.sql"
    template = (
        "create function grid.aaa_added({}) returns int language sql as 'select 1';\n"
        "revoke all on function grid.aaa_added({}) from public;\n"
    )
    for arguments in ("", "int", "int, text"):
        path.write_text(template.format(arguments, arguments), encoding="utf-8")
        deployment.apply(database.admin_url)
        found = database.value(
            "select string_agg(oid::regprocedure::text, ' ') from pg_proc where proname = 'aaa_added'"
        )
        assert found == f"grid.aaa_added({arguments.replace('int', 'integer').replace(', ', ',')})"
