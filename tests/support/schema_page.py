"""Every table of a database on one page, as a person would write it: ``db/schema.sql``."""

from __future__ import annotations

import textwrap
from typing import Any

import psycopg

from tests.support.catalog import SCHEMAS

TITLE = """\
-- All tables, on one page, to read. Made of a fresh install by `make schema`; nothing runs it.
-- db/schema makes them, with their policies and grants; db/functions has what works on them.
-- Of the editions this is Apache: on Timescale rollup.store_1m and its like are continuous aggregates.
"""

_SCHEMAS = """
    select nspname::text, obj_description(oid, 'pg_namespace')
    from pg_namespace where nspname = any (%s) order by array_position(%s, nspname::text)"""

_TABLES = """
    select c.oid, format('%%s.%%s', n.nspname, c.relname), obj_description(c.oid, 'pg_class'),
        (select format('by %%s, a chunk every %%s', d.column_name, d.time_interval)
         from timescaledb_information.dimensions as d
         where d.hypertable_schema = n.nspname and d.hypertable_name = c.relname)
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = %s and c.relkind in ('r', 'c') order by c.relkind desc, c.relname"""

_COLUMNS = """
    select a.attname::text,
        concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            case when a.attnotnull then 'not null' end,
            case when a.attidentity <> '' then 'generated always as identity' end,
            case when a.attgenerated <> '' then format('generated always as (%%s) stored', e.value)
                 when e.value is not null then 'default ' || e.value end),
        col_description(a.attrelid, a.attnum)
    from pg_attribute as a
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join lateral (select pg_get_expr(d.adbin, d.adrelid) as value) as e on true
    where a.attrelid = %s and a.attnum > 0 and not a.attisdropped order by a.attnum"""

_CONSTRAINTS = """
    select pg_get_constraintdef(k.oid) from pg_constraint as k
    where k.conrelid = %s and k.contype <> 't' and k.contype <> 'n'
    order by array_position(array['p', 'u', 'f', 'x', 'c'], k.contype::text), k.conname"""

_INDEXES = """
    select pg_get_indexdef(i.indexrelid) from pg_index as i
    where i.indrelid = %s and not exists (select from pg_constraint as k where k.conindid = i.indexrelid
        and k.conrelid = i.indrelid)
    order by i.indexrelid::regclass::text"""


def schema_page(connection: psycopg.Connection[Any]) -> str:
    """The page, from the catalog."""
    parts = [TITLE]
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        for schema, comment in connection.execute(_SCHEMAS, (SCHEMAS, SCHEMAS)).fetchall():
            tables = connection.execute(_TABLES, (schema,)).fetchall()
            if tables:
                parts.append(f"\n-- schema {schema}\n{_comment(comment)}")
            parts += [_table(connection, *table) for table in tables]
    return "".join(parts)


def _comment(text: str | None, indent: str = "") -> str:
    prefix = f"{indent}-- "
    return "".join(
        f"{line}\n"
        for line in textwrap.wrap(text or "", 100, initial_indent=prefix, subsequent_indent=prefix)
    )


def _table(
    connection: psycopg.Connection[Any], oid: int, name: str, comment: str | None, hypertable: str | None
) -> str:
    """One table or composite type, its comment above it, its columns' comments above them."""
    lines = []
    for column, definition, says in connection.execute(_COLUMNS, (oid,)).fetchall():
        lines.append(_comment(says, "    ") + f"    {column} {definition}")
    constraints = connection.execute(_CONSTRAINTS, (oid,)).fetchall()
    lines += [f"    {constraint.replace(chr(10), ' ')}" for (constraint,) in constraints]
    indexes = "".join(f"{index};\n" for (index,) in connection.execute(_INDEXES, (oid,)).fetchall())
    chunks = f"-- hypertable {hypertable}\n" if hypertable else ""
    kind = (
        "table"
        if connection.execute("select relkind = 'r' from pg_class where oid = %s", (oid,)).fetchone()
        == (True,)
        else "type"
    )
    opening = "(" if kind == "table" else "as ("
    body = ",\n".join(lines)
    return f"\n{_comment(comment)}create {kind} {name} {opening}\n{body}\n);\n{chunks}{indexes}"
