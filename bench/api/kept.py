"""The answers of the API, kept in tables that hold nothing else: what is left when the query costs nothing.

Through the same edge, with the same check, the same rows are read and made JSON. That is the least a request
can cost here, however its query is written.
"""

from __future__ import annotations

import re
from dataclasses import replace

from psycopg.sql import SQL, Identifier

from bench.api.requests import ASKER, Client, Request
from bench.environment import Environment


def keep(environment: Environment, client: Client, request: Request) -> Request:
    """Keep the answer to one consumer's request in a table; the request for all of that table."""
    name = "kept_" + re.sub(r"[^a-z0-9]+", "_", request.name)
    table, query = Identifier("bench", name), re.sub(r":k\b", str(ASKER), request.query).encode()
    with environment.connect() as connection:
        with connection.transaction():
            client.become(connection, request, ASKER)
            answer = connection.execute(query)
            rows = answer.fetchall()
        connection.execute("create schema if not exists bench")
        connection.execute(SQL("drop table if exists {} cascade").format(table))
        connection.execute(SQL("create table {} as ").format(table).as_bytes() + query + b" with no data")
        places = SQL(", ").join([SQL("%s")] * len(answer.description or ()))
        connection.cursor().executemany(SQL("insert into {} values ({})").format(table, places), rows)
        view = Identifier("api", name)
        connection.execute(SQL("create view {} as select * from {}").format(view, table))
        connection.execute(SQL("grant select on {} to {}").format(view, Identifier(request.role)))
    return replace(request, name=f"{request.name}, kept", path=f"/{name}", rows=len(rows))
