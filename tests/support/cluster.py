"""The database server of the tests: one cluster a run, a deployed template, and a clone of it per test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.rows import TupleRow, tuple_row
from pytest_postgresql.janitor import DatabaseJanitor

from deploy.deployer import database as deployment
from tests.support.servers import PASSWORD
from tests.support.wait import wait_until

SEED = deployment.DB / "seed" / "development.sql"
IN_USE = (psycopg.errors.ObjectInUse,)
Parameters = Sequence[Any] | Mapping[str, Any] | None
ROLES = ("segs_ingest", "segs_relay", "segs_auth", "segs_notifier", "authenticator")
"""What workers and PostgREST log in as. Tests log in as members of them, made for the run: the server may be
one that a platform uses (SEGS_DATABASE_URL), whose logins must keep their passwords."""


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@dataclass
class Database:
    """One database of the cluster, and how to reach it in each role."""

    admin_url: str
    name: str
    logins: Mapping[str, str] = field(default_factory=dict)

    def url(self, role: str) -> str:
        """The URL of this run's login for one of ROLES."""
        parts = urlsplit(self.admin_url)
        place = f"{parts.hostname}:{parts.port or 5432}"
        return urlunsplit(parts._replace(netloc=f"{self.logins[role]}:{PASSWORD}@{place}"))

    def connect(
        self, role: str | None = None, autocommit: bool = True, **options: Any
    ) -> psycopg.Connection[TupleRow]:
        """A connection, as administrator unless a role is named."""
        url = self.url(role) if role else self.admin_url
        return psycopg.connect(url, autocommit=autocommit, row_factory=tuple_row, **options)

    def rows(self, query: str, parameters: Parameters = None) -> list[TupleRow]:
        """Run one statement as administrator, committed; its rows, if it has any."""
        with self.connect() as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, parameters: Parameters = None) -> Any:
        """The first column of the first row."""
        rows = self.rows(query, parameters)
        return rows[0][0] if rows else None

    def terminate_connections(self) -> None:
        """End every other session of this database, as a crash of the server would."""
        self.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


class Janitor(DatabaseJanitor):
    """Patient: a server may have background workers of its own in any database, for a moment."""

    def init(self) -> None:
        """Make the database."""
        wait_until(lambda: _done(super(Janitor, self).init), "the database is made", retry_on=IN_USE)

    def drop(self) -> None:
        """Drop the database, no matter who is connected."""
        wait_until(lambda: _done(super(Janitor, self).drop), "the database is dropped", retry_on=IN_USE)


def _done(action: Callable[[], None]) -> bool:
    action()
    return True


@dataclass
class Cluster:
    """A running server and the template database in it."""

    url: str
    cron_database: str | None = None
    template: str = ""
    logins: dict[str, str] = field(default_factory=dict)
    """Names of this run's logins, by the role that each is a member of."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def admin_url(self, dbname: str = "postgres") -> str:
        """The administrator's URL of a database."""
        return with_database(self.url, dbname)

    def database(self, name: str) -> Database:
        """A database of this name, whether or not it exists yet."""
        return Database(self.admin_url(name), name, self.logins)

    def janitor(self, name: str, template: str | None = None, as_template: bool = False) -> Janitor:
        """Makes and drops a database."""
        parts = urlsplit(self.url)
        return Janitor(
            user=parts.username or "postgres",
            password=parts.password,
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 5432,
            dbname=name,
            template_dbname=template,
            maintenance_dbname=parts.path.lstrip("/") or "postgres",
            as_template=as_template,
        )

    def new_name(self, kind: str) -> str:
        """A database name no other run uses."""
        return f"segs_{kind}_{os.getpid()}_{next(self._numbers)}"

    @contextmanager
    def empty(self) -> Iterator[Database]:
        """A new empty database, dropped at the end."""
        name = self.new_name("empty")
        with self.janitor(name):
            yield self.database(name)

    @contextmanager
    def clone(self) -> Iterator[Database]:
        """A new copy of the template, dropped at the end."""
        name = self.new_name("test")
        with self.janitor(name, self.template):
            yield self.database(name)

    @contextmanager
    def with_template(self, dbmate: Path) -> Iterator[Cluster]:
        """Deploy and seed the template; drop it at the end."""
        self.template = self.new_name("template")
        with self.janitor(self.template, as_template=True):
            prepare(self.admin_url(self.template), dbmate)
            try:
                self._make_logins()
                yield self
            finally:
                self._drop_logins()

    def _make_logins(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for role in ROLES:
                name = self.logins[role] = self.new_name(role)
                connection.execute(
                    f"create role {name} login noinherit password '{PASSWORD}'"
                    if role == "authenticator"
                    else f"create role {name} login password '{PASSWORD}' in role {role}"
                )
                for statement in connection.execute(_AS_THE_ROLE, {"role": role, "name": name}).fetchall():
                    connection.execute(statement[0])

    def _drop_logins(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for name in self.logins.values():
                connection.execute(f"drop role if exists {name}")


# PostgREST reads the settings of the roles that its login itself is a member of.
_AS_THE_ROLE = """
select format(
    'alter role %%I set %%s to %%L', %(name)s::text, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
)
from pg_roles as r, unnest(r.rolconfig) as s
where r.rolname = %(role)s
union all
select format('grant %%I to %%I', m.roleid::regrole::text, %(name)s::text)
from pg_auth_members as m
where m.member = %(role)s::text::regrole
"""


def prepare(url: str, dbmate: Path) -> None:
    """Deploy this checkout into the database and seed it."""
    deployment.deploy(url, dbmate)
    with psycopg.connect(url, autocommit=True) as connection:
        if SEED.exists():
            connection.execute(SEED.read_text())
        connection.execute("create extension if not exists pgtap")
