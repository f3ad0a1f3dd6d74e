"""The catalog of a database as text: what two ways of arriving at the same schema must agree on."""

from __future__ import annotations

from typing import Any

import psycopg

from deploy.deployer.database import MANAGED_SCHEMAS

# Schemas that this project owns; what TimescaleDB and pgmq make for themselves is theirs.
SCHEMAS = [*MANAGED_SCHEMAS, "api"]

# Every part is a query of one text column over pg_catalog; names, never oids, so that two databases compare.
_PARTS = {
    "schema": """
        select format('%s owner %s acl %s comment %s', n.nspname, n.nspowner::regrole,
                      (select array_agg(a::text order by a::text) from unnest(n.nspacl) as a),
                      obj_description(n.oid, 'pg_namespace'))
        from pg_namespace as n where n.nspname = any (%(schemas)s)""",
    "relation": """
        select format('%s kind %s owner %s rls %s/%s options %s acl %s comment %s',
                      c.oid::regclass, c.relkind,
                      c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
                      (select array_agg(a::text order by a::text) from unnest(c.relacl) as a),
                      obj_description(c.oid, 'pg_class'))
        from pg_class as c
        where c.relnamespace = any (%(oids)s) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'i')""",
    "column": """
        select format('%s.%s %s %s default %s identity %s generated %s acl %s comment %s order %s',
                      c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                      case when a.attnotnull then 'not null' end, pg_get_expr(d.adbin, d.adrelid),
                      a.attidentity, a.attgenerated,
                      (select array_agg(x::text order by x::text) from unnest(a.attacl) as x),
                      col_description(c.oid, a.attnum),
                      row_number() over (partition by c.oid order by a.attnum))
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = any (%(oids)s) and c.relkind in ('r', 'p', 'v', 'm')""",
    "constraint": """
        select format('%s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
        from pg_constraint as k where k.connamespace = any (%(oids)s)""",
    "index": """
        select pg_get_indexdef(i.indexrelid)
        from pg_index as i join pg_class as c on c.oid = i.indexrelid
        where c.relnamespace = any (%(oids)s)""",
    "view": """
        select format('%s %s', c.oid::regclass, pg_get_viewdef(c.oid))
        from pg_class as c where c.relnamespace = any (%(oids)s) and c.relkind in ('v', 'm')""",
    "function": """
        select format('%s owner %s acl %s comment %s: %s', p.oid::regprocedure, p.proowner::regrole,
                      (select array_agg(a::text order by a::text) from unnest(p.proacl) as a),
                      obj_description(p.oid, 'pg_proc'), pg_get_functiondef(p.oid))
        from pg_proc as p where p.pronamespace = any (%(oids)s) and p.prokind in ('f', 'p')""",
    "trigger": """
        select format('%s enabled %s comment %s', pg_get_triggerdef(t.oid), t.tgenabled,
                      obj_description(t.oid, 'pg_trigger'))
        from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
        where c.relnamespace = any (%(oids)s) and not t.tgisinternal""",
    "policy": """
        select format('%s %s %s %s to %s using %s check %s', p.polrelid::regclass, p.polname, p.polcmd,
                      p.polpermissive,
                      (select array_agg(r::regrole::text order by 1) from unnest(p.polroles) as r),
                      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        from pg_policy as p join pg_class as c on c.oid = p.polrelid where c.relnamespace = any (%(oids)s)""",
    "type": """
        select format('%s %s labels %s', t.oid::regtype, t.typtype,
                      (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum as e
                       where e.enumtypid = t.oid))
        from pg_type as t where t.typnamespace = any (%(oids)s) and t.typtype in ('e', 'd', 'r')""",
    "default privilege": """
        select format('%s in %s %s %s',
                      d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype,
                      (select array_agg(a::text order by a::text) from unnest(d.defaclacl) as a))
        from pg_default_acl as d""",
    "hypertable": """
        select format('%s.%s by %s every %s',
                      d.hypertable_schema, d.hypertable_name, d.column_name, d.time_interval)
        from timescaledb_information.dimensions as d where d.hypertable_schema = any (%(schemas)s)""",
    "queue": "select queue_name::text from pgmq.list_queues()",
}


def snapshot(connection: psycopg.Connection[Any]) -> list[str]:
    """One line or more for every object of our schemas: definition, owner, privileges and comment."""
    lines: list[str] = []
    rows = connection.execute("select oid from pg_namespace where nspname = any (%s)", (SCHEMAS,)).fetchall()
    values = {"schemas": SCHEMAS, "oids": [row[0] for row in rows]}
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        for part, query in _PARTS.items():
            found = connection.execute(query.replace("%s", "%%s"), values).fetchall()
            lines += sorted(f"{part}: {row[0]}" for row in found)
    return lines


def snapshot_of(url: str) -> list[str]:
    """The same over a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return snapshot(connection)
