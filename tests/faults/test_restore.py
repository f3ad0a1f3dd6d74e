"""A dump restored into another cluster, as operate.md says: its transaction ids begin elsewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.deployer import database as deployment
from stack.runtime import PG_BIN, Runtime
from tests.conftest import StartWorker
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.relay import connect, emit_many, numbers, tenant_id
from tests.support.servers import Postgres

FAR = 50_000
BURN = f"""
do $$ begin
    for i in 1..{FAR} loop
        perform pg_current_xact_id();
        commit;
    end loop;
end $$
"""
XID = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@pytest.fixture
def target(runtime: Runtime, cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """Another cluster, with nothing in it."""
    server = Postgres(runtime, tmp_path / "target", "postgres-target")
    server.up()
    yield Cluster(server.admin_url, logins=cluster.logins)  # a dump of roles has them, too
    server.stop()


class Tools:
    """PostgreSQL's programs, on one server."""

    def __init__(self, runtime: Runtime, cluster: Cluster, folder: Path) -> None:
        self._runtime, self._folder = runtime, folder
        at = cluster.database("postgres")
        with at.connect() as connection:
            found = connection.info
            self._environment = {
                **os.environ,
                "PGHOST": found.host,
                "PGPORT": str(found.port),
                "PGUSER": found.user,
                "PGPASSWORD": found.password,
            }

    def run(self, program: str, *words: str, forgiving: bool = False) -> str:
        """What it printed."""
        command = self._runtime.command(f"{PG_BIN}/{program}", *words, binds=[self._folder])
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert forgiving or done.returncode == 0, f"{program}: {done.stderr[-3000:]}"
        return done.stdout


def restore(runtime: Runtime, old: Cluster, new: Cluster, source: Database, folder: Path) -> Database:
    """The commands of docs/how-to/operate.md; a database of the same name in the other cluster."""
    before, after = Tools(runtime, old, folder), Tools(runtime, new, folder)
    roles, dump = folder / "roles.sql", folder / "segs.dump"
    roles.write_text(before.run("pg_dumpall", "--roles-only"))
    before.run("pg_dump", "--format=custom", f"--file={dump}", source.name)
    after.run("psql", f"--file={roles}", "postgres", forgiving=True)
    after.run("createdb", source.name)
    after.run(
        "psql", source.name, "--command=create extension timescaledb",
        "--command=select timescaledb_pre_restore()",
    )  # fmt: skip
    after.run("pg_restore", f"--dbname={source.name}", str(dump))
    after.run("psql", source.name, "--command=select timescaledb_post_restore()")
    return new.database(source.name)


@pytest.mark.parametrize("there", ["lower", "higher"])
async def test_a_restore_is_told_as_a_gap_and_events_go_on(
    there: str,
    runtime: Runtime,
    cluster: Cluster,
    target: Cluster,
    database: Database,
    start_relay: StartWorker,
    keys: Keys,
    tmp_path: Path,
) -> None:
    demo = tenant_id(database)
    emit_many(database, demo, range(6))
    database.rows("update event.log set at = now() - interval '1 year' where (payload ->> 'n')::int < 2")
    database.rows("select event.prune(now() - interval '1 day')")  # retention ran on the old server
    if there == "lower":
        database.rows(BURN)
        emit_many(database, demo, [6])
    else:
        while target.database("postgres").value(XID) < database.value(XID) + FAR:
            target.database("postgres").rows(BURN)
    kept = database.value("select count(*) from event.log")
    (old_cursor,) = database.rows("select event.cursor(xid, id) from event.log order by xid, id limit 1")[0]

    restored = restore(runtime, cluster, target, database, tmp_path)
    assert (restored.value(XID) < database.value(XID)) is (there == "lower")
    assert restored.value("select count(*) from event.log") == kept
    relay = start_relay(SEGS_RELAY_DATABASE_URL=restored.url("segs_relay"))
    async with connect(relay.url, keys.mint("operator")) as early:
        await early.subscribe()
        done = deployment.deploy(restored.admin_url, runtime.dbmate)
        assert [line for line in done if "comes from another cluster" in line]
        assert (await early.expect("gap"))["reason"] == "epoch"
        emit_many(restored, demo, [100, 101])
        assert numbers(await early.events(2)) == [100, 101]

    relay.stop()
    relay.up()
    async with connect(relay.url, keys.mint("operator")) as client:
        await client.subscribe(cursor=old_cursor)
        assert (await client.expect("gap"))["reason"] == "epoch"
        emit_many(restored, demo, [102])
        assert numbers(await client.events(1)) == [102]

    with restored.connect() as rest, pytest.raises(Exception, match="no longer kept"):
        rest.execute("select * from event.resume_from(%s)", (old_cursor,))
    restored.rows("update event.log set at = now() - interval '1 year'")
    assert restored.value("select event.prune(now() - interval '1 day')") == 3
    assert "another cluster" not in "".join(deployment.deploy(restored.admin_url, runtime.dbmate))


def test_no_other_column_holds_what_another_cluster_counts_otherwise(database: Database) -> None:
    """Transaction ids, log positions and object ids mean nothing after a restore: only the log holds any."""
    found = database.rows(
        """
        select format('%s.%s', c.oid::regclass, a.attname)
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        where c.relkind in ('r', 'p', 'm') and a.attnum > 0 and not a.attisdropped
          and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
          and c.relnamespace::regnamespace::text !~ '^_timescaledb'
          and (select t.typname from pg_type as t where t.oid = a.atttypid)
              in ('xid', 'xid8', 'pg_snapshot', 'txid_snapshot', 'pg_lsn', 'oid', 'tid', 'cid')
        order by 1
        """
    )
    assert [name for (name,) in found] == ["event.log.xid", "event.state.pruned_xid"]
