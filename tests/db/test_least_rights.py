"""Who may do what in the database: the whole list is a file; what all may do elsewhere, nobody may here.

``WRITE_GRANTS=1`` writes the list again; look at the difference before you commit it.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from stack.paths import CHECKOUT
from tests.support.catalog import SCHEMAS

Connection = psycopg.Connection[Any]

LISTED = CHECKOUT / "tests" / "db" / "grants.txt"
HEAD = "# Every grant of the database, as tests/db/test_least_rights.py finds it: who, may what, on what.\n"
LOGINS = ("authenticator", "segs_ingest", "segs_relay", "segs_auth", "segs_notifier")
CLAIMED = ("anon", "consumer", "operator", "admin", "platform_admin", "device")

UNCHANGEABLE = ("PUBLIC temporary database",)

GRANTS = """
with roles as (
    select oid, rolname from pg_roles
    where rolname ~ '^segs_[a-z]+$' or rolname = any (array[
        'authenticator', 'anon', 'consumer', 'operator', 'admin', 'platform_admin', 'device'])
    union all
    select 0, 'PUBLIC'
),
granted (grantee, privilege, object) as (
    select a.grantee, a.privilege_type, 'database'
    from pg_database as d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
    where d.datname = current_database() and a.grantee <> d.datdba
    union all
    select a.grantee, a.privilege_type, 'schema ' || n.nspname
    from pg_namespace as n, aclexplode(n.nspacl) as a
    where a.grantee <> n.nspowner and n.nspname !~ '^(_timescaledb|timescaledb|pg_|information_schema)'
    union all
    select a.grantee, a.privilege_type, format('%%s %%s', c.relkind, c.oid::regclass)
    from pg_class as c, aclexplode(c.relacl) as a
    where a.grantee <> c.relowner and c.relnamespace::regnamespace::text = any (%(s)s)
    union all
    select a.grantee, a.privilege_type, format('column %%s.%%s', c.oid::regclass, t.attname)
    from pg_class as c join pg_attribute as t on t.attrelid = c.oid, aclexplode(t.attacl) as a
    where a.grantee <> c.relowner and c.relnamespace::regnamespace::text = any (%(s)s)
    union all
    select a.grantee, a.privilege_type, 'function ' || p.oid::regprocedure
    from pg_proc as p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
    where a.grantee <> p.proowner and (
        p.pronamespace::regnamespace::text = any (%(s)s)
        or a.grantee <> 0 and p.pronamespace <> 'pg_catalog'::regnamespace
        or p.pronamespace = 'pg_catalog'::regnamespace
            and p.proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
    )
    union all
    select a.grantee, a.privilege_type, 'type ' || t.oid::regtype
    from pg_type as t, aclexplode(t.typacl) as a
    where a.grantee <> t.typowner and t.typnamespace::regnamespace::text = any (%(s)s)
    union all
    select a.grantee, a.privilege_type,
        format('%%s made later by %%s', d.defaclobjtype, d.defaclrole::regrole)
    from pg_default_acl as d, aclexplode(d.defaclacl) as a
    where a.grantee <> d.defaclrole
)
select format('%%s %%s %%s', r.rolname, lower(g.privilege), g.object)
from granted as g join roles as r on r.oid = g.grantee
union
select format('%%s is %%s', r.rolname, g.rolname)
from pg_auth_members as m join roles as r on r.oid = m.member join pg_roles as g on g.oid = m.roleid
where r.rolname !~ '^postgres'
union
select format('%%s %%s', r.rolname, concat_ws(' ',
    case when r.rolsuper then 'superuser' end, case when r.rolcreaterole then 'createrole' end,
    case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end,
    case when r.rolbypassrls then 'bypassrls' end, case when r.rolcanlogin then 'login' else 'nologin' end,
    case when r.rolinherit then 'inherit' else 'noinherit' end))
from pg_roles as r join roles using (oid)
order by 1
"""


def single_database(connection: Connection) -> bool:
    """Whether it is PGlite, which cannot change the rights of its one database."""
    return connection.execute("select current_database()").fetchone() == ("template1",)


def grants(connection: Connection) -> list[str]:
    # everything with its schema, whatever the search path
    connection.execute("set search_path = ''")
    rows = connection.execute(GRANTS, {"s": [*SCHEMAS, "pgmq", "cron"]}).fetchall()
    connection.execute("reset search_path")
    return sorted({str(row[0]) for row in rows if "cron." not in row[0] and "schema cron" not in row[0]})


def test_every_grant_is_listed(shared: Connection) -> None:
    found = [line for line in grants(shared) if line not in UNCHANGEABLE or not single_database(shared)]
    if os.environ.get("WRITE_GRANTS"):
        LISTED.write_text(HEAD + "".join(f"{line}\n" for line in found), encoding="utf-8")
    listed = [line for line in LISTED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert sorted(set(found) - set(listed)) == [], "granted, and not listed in tests/db/grants.txt"
    assert sorted(set(listed) - set(found)) == [], "listed, and not granted"


def test_the_list_is_of_something(shared: Connection) -> None:
    """A grant that is made shows."""
    with shared.transaction(force_rollback=True):
        before = set(grants(shared))
        shared.execute("grant select on grid.tenant to consumer")
        shared.execute("grant update (name) on grid.tenant to segs_ingest")
        shared.execute("grant execute on function pg_catalog.lo_creat(integer) to public")
        shared.execute("grant segs_owner to segs_relay")
        assert set(grants(shared)) - before == {
            "consumer select r grid.tenant",
            "segs_ingest update column grid.tenant.name",
            "PUBLIC execute function lo_creat(integer)",
            "segs_relay is segs_owner",
        }


@pytest.mark.parametrize("role", [*LOGINS, *CLAIMED, "segs_api", "segs_cron"])
@pytest.mark.parametrize(
    "statement",
    [
        "create temporary table mine (n integer)",
        "create temporary view mine as select 1 as n",
        "create table public.mine (n integer)",
        "create schema mine",
        "select lo_creat(-1)",
        "select lo_from_bytea(0, 'x')",
        "select lo_open(1, 131072)",
        "copy (select 1) to program 'true'",
        "copy (select 1) to '/tmp/mine'",
        "select pg_read_file('/etc/passwd')",
    ],
)
def test_nobody_makes_what_is_not_theirs(shared: Connection, role: str, statement: str) -> None:
    if "temporary" in statement and single_database(shared):
        pytest.skip("PGlite cannot change the rights of its one database")
    with shared.transaction(force_rollback=True):
        shared.execute(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shared.execute(statement)


@pytest.mark.parametrize("role", [*LOGINS, *CLAIMED, "segs_api"])
def test_nobody_takes_locks_by_number(shared: Connection, role: str) -> None:
    """By none of the functions there are, whatever their arguments."""
    may = shared.execute(
        """
        select p.oid::regprocedure::text, has_function_privilege(%s, p.oid, 'execute') from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ 'advisory'
        """,
        (role,),
    ).fetchall()
    assert len(may) > 15
    assert [name for name, allowed in may if allowed] == []
    with shared.transaction(force_rollback=True):
        shared.execute(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shared.execute("select pg_advisory_lock(1)")
