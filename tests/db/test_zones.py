"""Time zones of tenants: IANA's, old names too, nothing of the machine; and no check that stops a restore."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from deploy.deployer import database as deployment
from stack.runtime import Runtime
from tests.faults.test_restore import restore, target  # noqa: F401
from tests.support.catalog import SCHEMAS
from tests.support.cluster import Cluster, Database

Connection = psycopg.Connection[Any]

OLD_NAMES = ("Asia/Calcutta", "Europe/Kiev", "US/Eastern", "America/Buenos_Aires", "Asia/Saigon", "GB", "UCT")
NEW_NAMES = ("Asia/Kolkata", "Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "UTC")
OF_THE_MACHINE = ("localtime", "posixrules", "Factory", "right/Europe/Berlin", "posix/Europe/Berlin")
ABBREVIATIONS = ("CET", "EET", "EST", "HST", "MET", "MST", "WET", "CEST", "PST")
NO_NAMES = (
    "",
    "Mars/Phobos",
    "Mars/Phobos5",
    "XYZ5",
    "EST5EDT4,M3.2.0",
    "+02:00",
    "europe/berlin",
    "Europe/Berlin ",
)


def taken(connection: Connection, zones: tuple[str, ...]) -> list[str]:
    """Those that a tenant may have."""
    rows = connection.execute(
        "select z.name from unnest(%s::text[]) as z (name)"
        " where grid.tenant_fault('x', z.name, 'EUR', 60) is null",
        (list(zones),),
    )
    return [row[0] for row in rows.fetchall()]


def test_ianas_names_are_taken_the_older_too(shared: Connection) -> None:
    assert taken(shared, OLD_NAMES + NEW_NAMES) == [*OLD_NAMES, *NEW_NAMES]


def test_what_means_another_thing_elsewhere_is_refused(shared: Connection) -> None:
    assert taken(shared, OF_THE_MACHINE + ABBREVIATIONS + NO_NAMES) == []


def test_no_name_that_is_taken_means_two_things(shared: Connection) -> None:
    """``at time zone`` looks among abbreviations first, a session's TimeZone never does."""
    rows = shared.execute(
        """
        select z.name from pg_timezone_names as z
        join pg_timezone_abbrevs as a on a.abbrev = upper(z.name)
        where grid.time_zone_fault(z.name) is null
          and upper(z.name) not in ('GMT', 'UTC', 'UCT', 'ZULU')
        """
    ).fetchall()
    assert rows == []


def test_the_table_refuses_what_the_api_refuses(shared: Connection) -> None:
    for zone in ("CET", "localtime", "Mars/Phobos5"):
        with pytest.raises(psycopg.errors.CheckViolation):
            shared.execute("insert into grid.tenant (code, name, time_zone) values ('x1', 'x', %s)", (zone,))
        with pytest.raises(psycopg.errors.CheckViolation):
            shared.execute("update grid.tenant set time_zone = %s where code = 'demo'", (zone,))


def checks_that_look_elsewhere(connection: Connection) -> list[str]:
    rows = connection.execute(
        """
        select format('%%s on %%s uses %%s', k.conname, k.conrelid::regclass, p.proname)
        from pg_constraint as k
        cross join lateral regexp_matches(k.conbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') as used (ids)
        join pg_proc as p on p.oid = (used.ids)[1]::oid
        where k.connamespace::regnamespace::text = any (%s) and k.contype = 'c'
          -- "at time zone" is called immutable, and looks into the server's files.
          and (p.provolatile <> 'i' or p.proname = 'timezone')
          -- Of a time and an interval, days alone are the session's.
          and not (p.proname ~ '^timestamptz_(pl|mi)_interval$'
                   and pg_get_constraintdef(k.oid) !~* '\\m(day|week|mon|year|decade|centur)')
        """,
        (SCHEMAS,),
    ).fetchall()
    return [row[0] for row in rows]


def test_no_check_depends_on_the_server(shared: Connection) -> None:
    """A check is asked again while a dump is restored: it may look at its row alone."""
    assert checks_that_look_elsewhere(shared) == []
    with shared.transaction(force_rollback=True):
        shared.execute(
            "create table grid.faulty (zone text constraint f check (now() at time zone zone is not null))"
        )
        assert checks_that_look_elsewhere(shared) == [
            "f on grid.faulty uses timezone",
            "f on grid.faulty uses now",
        ]


def test_a_dump_is_restored_where_its_zones_are_not_known(
    runtime: Runtime,
    cluster: Cluster,
    target: Cluster,  # noqa: F811
    database: Database,
    tmp_path: Any,
) -> None:
    """As of a server with more zones than this one: the row is there, and deploying says what is missing."""
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update grid.tenant set time_zone = 'Mars/Phobos' where code = 'demo'")
    restored = restore(runtime, cluster, target, database, tmp_path)
    told = deployment.deploy(restored.admin_url, runtime.dbmate)
    assert [line for line in told if "the time zone Mars/Phobos of demo" in line]
    assert restored.value("select time_zone from grid.tenant where code = 'demo'") == "Mars/Phobos"
    restored.rows("update grid.tenant set time_zone = 'Asia/Calcutta' where code = 'demo'")
    assert not deployment.unknown_zones(restored.admin_url)
