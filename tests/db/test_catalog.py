"""Standards of everything in the database, checked against its catalog: the same on both editions."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.deployer import database
from tests.support.catalog import SCHEMAS

Connection = psycopg.Connection[Any]

CREATE = re.compile(
    r"^\s*create\s+(?:or\s+replace\s+)?(?P<kind>function|procedure|aggregate|view|(?:constraint\s+)?trigger)"
    r"\s+(?P<name>[a-z_0-9.]+)",
    re.MULTILINE,
)
# Functions that execute text built by another function, whose parts are all quoted there.
SAFE_DYNAMIC_SQL = {"rollup.materialise": "rollup.bucket_sums quotes with format(%L) and %I"}
FUNCTION_FILES = [source.path for source in database.function_files()]


def relative(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def listed(connection: Connection, query: str) -> list[str]:
    """The first column of the rows, for our schemas (parameter ``%(s)s``)."""
    return [str(row[0]) for row in connection.execute(query, {"s": SCHEMAS}).fetchall()]


def test_every_table_view_and_sequence_owner_is_a_role_without_login(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select format('%%s is owned by %%s', c.oid::regclass, c.relowner::regrole)
        from pg_class as c join pg_roles as r on r.oid = c.relowner
        where c.relnamespace::regnamespace::text = any (%(s)s) and c.relkind in ('r', 'v', 'm', 'S')
          and (r.rolcanlogin or r.rolsuper)
        """,
    )


def test_every_table_and_view_is_commented(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text = any (%(s)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and obj_description(c.oid, 'pg_class') is null
        """,
    )


def test_every_column_of_an_api_view_is_commented(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select format('%%s.%%s', c.oid::regclass, a.attname)
        from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'
          and col_description(c.oid, a.attnum) is null
        """,
    )


def test_every_function_and_trigger_is_commented(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text = any (%(s)s) and obj_description(p.oid, 'pg_proc') is null
        union all
        select format('%%s on %%s', t.tgname, t.tgrelid::regclass)
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_proc as p on p.oid = t.tgfoid
        where not t.tgisinternal and c.relnamespace::regnamespace::text = any (%(s)s)
          and p.pronamespace::regnamespace::text = any (%(s)s)
          and obj_description(t.oid, 'pg_trigger') is null
        """,
    )


def test_api_holds_no_state(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'api'::regnamespace and c.relkind <> 'v'
        """,
    )


def test_api_views_are_security_barriers(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'
          and not 'security_barrier=true' = any (coalesce(c.reloptions, '{}'))
        """,
    )


def test_every_security_definer_pins_search_path(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select p.oid::regprocedure::text from pg_proc as p
        where p.pronamespace::regnamespace::text = any (%(s)s) and p.prosecdef
          and not exists (select from unnest(p.proconfig) as setting
                          where setting ~ '^search_path=(""|pg_catalog)(, ?pg_temp)?$')
        """,
    )


def test_public_executes_and_touches_nothing(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select format('execute on %%s', p.oid::regprocedure) from pg_proc as p,
            aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
        where p.pronamespace::regnamespace::text = any (%(s)s) and a.grantee = 0
        union all
        select format('%%s on %%s', a.privilege_type, c.oid::regclass)
        from pg_class as c, aclexplode(c.relacl) as a
        where c.relnamespace::regnamespace::text = any (%(s)s) and a.grantee = 0
        union all
        select format('%%s on schema %%s', a.privilege_type, n.nspname)
        from pg_namespace as n, aclexplode(n.nspacl) as a
        where n.nspname = any (%(s)s) and a.grantee = 0
        """,
    )


def test_api_roles_have_no_right_outside_api_but_the_request_check(shared: Connection) -> None:
    assert not listed(
        shared,
        """
        select format('%%s: %%s on %%s', a.grantee::regrole, a.privilege_type, c.oid::regclass)
        from pg_class as c, aclexplode(c.relacl) as a
        where c.relnamespace::regnamespace::text = any (%(s)s) and c.relnamespace <> 'api'::regnamespace
          and a.grantee::regrole::text
              in ('anon', 'consumer', 'operator', 'admin', 'device', 'authenticator')
        """,
    )


def test_no_function_is_overloaded(shared: Connection) -> None:
    names = listed(
        shared,
        """
        select format('%%s.%%s', p.pronamespace::regnamespace, p.proname) from pg_proc as p
        where p.pronamespace::regnamespace::text = any (%(s)s)
        """,
    )
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_files_and_objects_match_one_to_one(shared: Connection) -> None:
    """Every function, view and trigger of ours has its file; a trigger's file is in its function's folder."""
    objects = listed(
        shared,
        """
        select format('%%s/%%s', p.pronamespace::regnamespace, p.proname) from pg_proc as p
        where p.pronamespace::regnamespace::text = any (%(s)s)
          and coalesce(obj_description(p.oid, 'pg_proc'), '') not like 'migration:%%'
        union all
        select format('%%s/%%s', c.relnamespace::regnamespace, c.relname) from pg_class as c
        where c.relnamespace::regnamespace::text = any (%(s)s) and c.relkind = 'v'
          and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'migration:%%'
        union all
        select distinct format('%%s/%%s', p.pronamespace::regnamespace, t.tgname)
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_proc as p on p.oid = t.tgfoid
        where not t.tgisinternal and t.tgparentid = 0
          and c.relnamespace::regnamespace::text = any (%(s)s)
          and p.pronamespace::regnamespace::text = any (%(s)s)
        """,
    )
    files = {relative(path) for path in FUNCTION_FILES}
    assert set(objects) - files == set(), "objects without a file"
    edition_bound = {name for name in files if _depends_on_the_edition(name)}
    assert files - set(objects) - edition_bound == set(), "files whose object is not there"


def _depends_on_the_edition(name: str) -> bool:
    """Whether the file makes its object inside a ``do`` block that looks at the edition."""
    text = (database.DB / "functions" / f"{name}.sql").read_text(encoding="utf-8")
    return re.search(r"^do \$", text, re.MULTILINE) is not None and "rollup.driver()" in text


@pytest.mark.parametrize("path", FUNCTION_FILES, ids=relative)
def test_a_file_makes_the_one_object_it_is_named_after(path: Path) -> None:
    found = [match["name"] for match in CREATE.finditer(path.read_text(encoding="utf-8"))]
    assert len(found) == 1, f"makes {found}"
    assert found[0] in (f"{path.parent.name}.{path.stem}", path.stem)


@pytest.mark.parametrize("path", FUNCTION_FILES, ids=relative)
def test_a_security_definer_says_why(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    if re.search(r"security\s+definer", code):
        assert re.search(r"--.*security definer", text, re.IGNORECASE), (
            "no comment says why it is SECURITY DEFINER"
        )


def test_plpgsql_check_finds_nothing(apache_connection: Connection) -> None:
    """Every PL/pgSQL function, trigger functions once for each trigger that uses them."""
    apache_connection.execute("create extension if not exists plpgsql_check")
    found = listed(
        apache_connection,
        """
        select format('%%s line %%s: %%s: %%s %%s %%s',
                      p.oid::regprocedure, c.lineno, c.level, c.message, c.detail, c.hint)
        from pg_proc as p
        join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
        left join pg_trigger as t on t.tgfoid = p.oid and not t.tgisinternal and t.tgparentid = 0
        cross join lateral plpgsql_check_function_tb(
            funcoid => p.oid, relid => coalesce(t.tgrelid, 0), oldtable => t.tgoldtable,
            newtable => t.tgnewtable, fatal_errors => false, extra_warnings => true, security_warnings => true
        ) as c
        where p.pronamespace::regnamespace::text = any (%(s)s)
        """,
    )
    found = [
        line for line in found if not (": security: " in line and line.split("(")[0] in SAFE_DYNAMIC_SQL)
    ]
    assert not found, "\n".join(found)


def test_sql_functions_are_valid(apache_connection: Connection) -> None:
    """Deploy does not check bodies (order would matter): make every SQL function again with the check on."""
    definitions = listed(
        apache_connection,
        """
        select pg_get_functiondef(p.oid) from pg_proc as p
        join pg_language as l on l.oid = p.prolang and l.lanname = 'sql'
        where p.pronamespace::regnamespace::text = any (%(s)s) and p.prokind in ('f', 'p')
        """,
    )
    with apache_connection.transaction(force_rollback=True):
        apache_connection.execute("set local check_function_bodies = on")
        for definition in definitions:
            apache_connection.execute(definition)


def test_plpgsql_check_is_looking(apache_connection: Connection) -> None:
    """The check above does find a fault when there is one."""
    apache_connection.execute("create extension if not exists plpgsql_check")
    with apache_connection.transaction(force_rollback=True):
        apache_connection.execute(
            "create function public.faulty() returns int language plpgsql as"
            " $$ begin return (select no_such_column from grid.tenant); end $$"
        )
        rows = apache_connection.execute(
            "select * from plpgsql_check_function_tb('public.faulty()')"
        ).fetchall()
    assert "no_such_column" in str(rows)
