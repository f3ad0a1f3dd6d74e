"""Deploys the database: bootstrap, pgmq, migrations, then every function and job in one transaction.

The order is fixed and each step is idempotent:

1. ``db/bootstrap.sql``: roles and extensions, which belong to the cluster.
2. pgmq's SQL (shipped in the PyPI package), unless the schema ``pgmq`` is there.
3. ``db/schema``: numbered migrations, run once each by dbmate; edited ones are refused.
4. ``db/functions`` and ``db/jobs``: applied whole, in one transaction (:func:`apply`).
"""

from __future__ import annotations

import hashlib
import importlib.resources
import random
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent
DB = ROOT / "db"
MIGRATIONS_TABLE = "deploy.migration"
ATTEMPTS = 6
"""How often a step is tried that loses against what runs beside it."""

T = TypeVar("T")
# Schemas whose functions, procedures and views all come from db/functions.
MANAGED_SCHEMAS = ("grid", "ingest", "rollup", "tariff", "alert", "event", "auth", "notify", "upkeep")
# Whose the objects of a schema are, where they are not segs_owner's.
OWNERS = {"api": "segs_api", "upkeep": "segs_cron"}


class DeployError(Exception):
    """A deploy step failed; the message says which file, which line and why."""


@dataclass(frozen=True)
class SourceFile:
    """One file of ``db/functions`` or ``db/jobs``."""

    path: Path

    @property
    def label(self) -> str:
        """The path as a person would name it."""
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text(encoding="utf-8")


def function_files() -> list[SourceFile]:
    """Every file of db/functions, in name order."""
    return [SourceFile(p) for p in sorted(DB.glob("functions/*/*.sql"))]


def job_files() -> list[SourceFile]:
    """Every file of db/jobs, in name order."""
    return [SourceFile(p) for p in sorted(DB.glob("jobs/*.sql"))]


def migration_files() -> list[Path]:
    """Every migration, oldest first."""
    return sorted(DB.glob("schema/*.sql"))


def _patiently(action: Callable[[], T]) -> T:
    """Do it; again, a few times, if it lost against what ran beside it: a deadlock, or the same rows changed.

    The platform goes on while it is deployed, and a transaction that was rolled back has changed nothing.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return action()
        except (DeployError, psycopg.Error) as error:
            if not _lost_a_race(error):
                raise
        time.sleep(random.uniform(0.1, 0.5) * attempt)  # noqa: S311 (so that two do not meet again)
    return action()


def _lost_a_race(error: Exception) -> bool:
    known = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
    if isinstance(error, known) or isinstance(error.__cause__, known):
        return True
    return bool(re.search("concurrently (updated|deleted)|deadlock detected|40P01|40001", str(error)))


def deploy(url: str, dbmate: Path) -> list[str]:
    """Bring the database at ``url`` (an administrator's) to this checkout; returns what was done."""
    done = bootstrap(url)
    done += migrate(url, dbmate)
    done += apply(url)
    done += begin_epoch_after_restore(url)
    done += unknown_zones(url)
    return done


def unknown_zones(url: str) -> list[str]:
    """Tenants whose days this server cannot count: restored from one that knows more time zones."""
    with _connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "select t.time_zone, string_agg(t.code, ', ' order by t.code) from grid.tenant as t"
            " group by t.time_zone having grid.time_zone_fault(t.time_zone) is not null"
        ).fetchall()
    return [
        f"this server does not know the time zone {zone} of {tenants}:"
        " install more (Debian: tzdata-legacy) and restart it, or choose another (grid.tenant)"
        for zone, tenants in rows
    ]


def begin_epoch_after_restore(url: str) -> list[str]:
    """Begin the event log again if this database was restored here from another cluster."""
    with _connect(url, autocommit=True) as connection:
        moved = connection.execute("select cluster <> event.cluster() from event.state").fetchone()
    return [f"this database comes from another cluster: {begin_epoch(url)}"] if moved == (True,) else []


def begin_epoch(url: str) -> str:
    """Begin the event log again; says which epoch it is now."""
    with _connect(url, autocommit=True) as connection:
        row = _patiently(lambda: connection.execute("select event.begin_epoch()").fetchone())
    return f"event epoch {row[0] if row else '?'} has begun, clients are told of a gap"


def bootstrap(url: str) -> list[str]:
    """Roles, extensions and pgmq. Idempotent."""
    done = []
    # Roles belong to the cluster, advisory locks to one database: there is nothing to wait on beforehand.
    with _connect(url, autocommit=True) as connection:
        _patiently(lambda: run_file(connection, SourceFile(DB / "bootstrap.sql")))
        done.append("roles and extensions")
        if connection.execute("select to_regnamespace('pgmq') is null").fetchone() == (True,):
            source = importlib.resources.files("pgmq").joinpath("sql/pgmq.sql").read_text()
            with connection.transaction():
                connection.execute(source)
            done.append("pgmq")
        # each by itself: PGlite's TimescaleDB is not whole before the transaction that made it has ended
        for name in ("pgmq_grants.sql", "public_rights.sql"):
            source_file = SourceFile(DB / name)
            _patiently(lambda file=source_file: run_file(connection, file))  # type: ignore[misc]
    return done


def migrate(url: str, dbmate: Path) -> list[str]:
    """Run the migrations not yet run. Raises :class:`DeployError` if one that has run was edited since."""
    check_unedited(url)
    before = set(applied_migrations(url))
    _patiently(lambda: _dbmate(url, dbmate, "migrate"))  # it keeps those that have run
    _record_checksums(url)
    return [f"migration {v}" for v in applied_migrations(url) if v not in before]


def rollback(url: str, dbmate: Path, steps: int = 1) -> list[str]:
    """Undo the newest ``steps`` migrations; the functions of dropped schemas go with them."""
    done = []
    for _ in range(steps):
        applied = applied_migrations(url)
        if not applied:
            break
        _patiently(lambda: remove_managed(url))
        _patiently(lambda: _dbmate(url, dbmate, "rollback"))
        with _connect(url, autocommit=True) as connection:
            connection.execute("delete from deploy.checksum where version = %s", (applied[-1],))
        done.append(f"rolled back {applied[-1]}")
    return done


def applied_migrations(url: str) -> list[str]:
    """Versions of the migrations that have run here, oldest first."""
    with _connect(url, autocommit=True) as connection:
        if connection.execute("select to_regclass('deploy.migration') is null").fetchone() == (True,):
            return []
        rows = connection.execute("select version from deploy.migration order by version").fetchall()
    return [row[0] for row in rows]


def check_unedited(url: str) -> None:
    """Raise if a migration that has run differs from the file here, or its file is gone."""
    recorded = _recorded_checksums(url)
    files = {_version(p): p for p in migration_files()}
    for version, checksum in sorted(recorded.items()):
        path = files.get(version)
        if path is None:
            raise DeployError(
                f"migration {version} has run in this database but db/schema has no such file: "
                "deploy from a checkout that has it"
            )
        if _checksum(path) != checksum:
            raise DeployError(
                f"{path.relative_to(ROOT)} was edited after it ran in this database: "
                "restore it and put the change into a new migration"
            )


def apply(url: str) -> list[str]:
    """Apply every file of ``db/functions`` and ``db/jobs`` in one transaction: all of it or nothing."""
    count, jobs = _patiently(lambda: _apply(url))
    if jobs:
        _wake_scheduler(url)
    return [f"{count} function files", f"{jobs} job files"]


def _apply(url: str) -> tuple[int, int]:
    """How many files of each."""
    with _connect(url) as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('segs deploy'))")
        connection.execute("set local check_function_bodies = off")
        count = apply_functions(connection)
        has_cron = connection.execute("select to_regnamespace('cron') is not null").fetchone() == (True,)
        jobs = job_files() if has_cron else []
        if has_cron:
            connection.execute("set local role segs_cron")
            connection.execute("select cron.unschedule(jobid) from cron.job where username = 'segs_cron'")
            for job in jobs:
                run_file(connection, job)
            connection.execute("select upkeep.note_jobs()")
            connection.execute("reset role")
        # PostgREST keeps a picture of schema api and of roles' settings: it looks again when this commits.
        connection.execute("notify pgrst, 'reload schema'")
        connection.execute("notify pgrst, 'reload config'")
    return count, len(jobs)


def repair_rollups(url: str, since: str, until: str, even_if_fewer: bool) -> list[str]:
    """Sum the rollups again from what is kept; returns what the database said to it."""
    said: list[str] = []
    with _connect(url, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        connection.execute("call rollup.repair(%s, %s, %s)", (since, until, even_if_fewer))
        connection.execute("call rollup.refresh()")
    return [*said, "repaired"]


def _wake_scheduler(url: str) -> None:
    """Touch pg_cron's list of jobs until it runs one.

    Its scheduler overlooks a change of the list that comes while it reads the list, and then runs nothing at
    all until the next change (seen with 1.6.5 in one of three new databases).
    """
    with _connect(url, autocommit=True) as connection:
        row = connection.execute("select has_table_privilege('cron.job', 'update')").fetchone()
        newest = "select coalesce(max(runid), 0) from cron.job_run_details"
        before = connection.execute(newest).fetchone()
        for _ in range(10 if row == (True,) else 0):
            connection.execute("update cron.job set active = active where username = 'segs_cron'")
            time.sleep(1)
            if connection.execute(newest).fetchone() != before:
                break


def apply_functions(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Drop every managed object, then create each from its file.

    Views and SQL functions may need one another, so a file that fails for want of another is tried again
    after the rest; when a round makes no progress, the file that waits for no other one has the real error.
    """
    _drop_managed(connection)
    pending = function_files()
    total = len(pending)
    missing = (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.UndefinedObject,
        psycopg.errors.UndefinedColumn,
    )
    while pending:
        failed: list[tuple[SourceFile, DeployError]] = []
        for source in pending:
            owner = OWNERS.get(source.path.parent.name, "segs_owner")
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(owner)))
            try:
                with connection.transaction():
                    run_file(connection, source)
            except DeployError as error:
                if not isinstance(error.__cause__, missing):
                    raise
                failed.append((source, error))
        if len(failed) == len(pending):
            raise _root_error(failed)
        pending = [source for source, _ in failed]
    connection.execute("reset role")
    return total


def _root_error(failed: list[tuple[SourceFile, DeployError]]) -> DeployError:
    """The error that does not merely miss what another failed file would have made."""
    names = {source: f"{source.path.parent.name}.{source.path.stem}" for source, _ in failed}
    for source, error in failed:
        missed = set(re.findall(r"[a-z_0-9]+\.[a-z_0-9]+", str(error.__cause__)))
        if not missed & {name for other, name in names.items() if other != source}:
            return error
    return failed[0][1]


def remove_managed(url: str) -> None:
    """Drop everything ``db/functions`` defines, so that migrations can go down."""
    with _connect(url) as connection:
        _drop_managed(connection)


def run_file(connection: psycopg.Connection[tuple[object, ...]], source: SourceFile) -> None:
    """Execute a whole file; an error names the file and the line."""
    text = source.text
    try:
        connection.execute(text)
    except psycopg.Error as error:
        position = error.diag.statement_position
        line = text[: int(position) - 1].count("\n") + 1 if position else 1
        message = error.diag.message_primary or str(error)
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        raise DeployError(f"{source.label}:{line}: {message}{detail}") from error


def _drop_managed(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drop triggers, views and functions of the managed schemas and of ``api`` (not tables, not extensions').

    Tables, continuous aggregates and what TimescaleDB made for them stay: those belong to migrations.
    Migration-made functions are marked by a comment that begins with "migration:" and stay too.
    """
    rows = connection.execute(
        """
        select format('drop trigger if exists %%I on %%s', t.tgname, t.tgrelid::regclass)
        from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        join pg_proc as p on p.oid = t.tgfoid
        where not t.tgisinternal and t.tgparentid = 0
          and c.relnamespace = any (select oid from pg_namespace where nspname = any (%(schemas)s))
          and p.pronamespace = any (select oid from pg_namespace where nspname = any (%(schemas)s))
        union all
        select format('drop view if exists %%s cascade', c.oid::regclass)
        from pg_class as c
        where c.relkind = 'v'
          and c.relnamespace = any (
              select oid from pg_namespace where nspname = any (%(schemas)s || array['api'])
          )
          and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'migration:%%'
        union all
        select format('drop %%s if exists %%s cascade',
                      case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
                      p.oid::regprocedure)
        from pg_proc as p
        where p.pronamespace = any (
            select oid from pg_namespace where nspname = any (%(schemas)s || array['api'])
        )
          and coalesce(obj_description(p.oid, 'pg_proc'), '') not like 'migration:%%'
        """,
        {"schemas": list(MANAGED_SCHEMAS)},
    ).fetchall()
    for (statement,) in rows:
        connection.execute(str(statement))


def _connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """Prepares nothing: poolers and PGlite may keep one session's statements for the next."""
    return psycopg.connect(url, autocommit=autocommit, prepare_threshold=None)


def set_passwords(url: str, passwords: dict[str, str]) -> None:
    """Set the passwords of login roles (stored as SCRAM verifiers)."""
    with _connect(url, autocommit=True) as connection:
        for role, password in passwords.items():
            statement = sql.SQL("alter role {} password {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
            _patiently(lambda statement=statement: connection.execute(statement))  # type: ignore[misc]


def _dbmate(url: str, dbmate: Path, command: str) -> None:
    result = subprocess.run(
        [
            str(dbmate), "--url", _dbmate_url(url), "--migrations-dir", str(DB / "schema"),
            "--migrations-table", MIGRATIONS_TABLE, "--no-dump-schema", command,
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if result.returncode != 0:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        raise DeployError(f"dbmate {command} failed: " + " | ".join(lines[-4:]))


def _dbmate_url(url: str) -> str:
    """Add what dbmate's driver lacks: it defaults to sslmode=require; ours is loopback unless told."""
    if "sslmode=" in url:
        return url
    return url + ("&" if "?" in url else "?") + "sslmode=disable"


def _version(path: Path) -> str:
    match = re.match(r"\d+", path.name)
    if match is None:
        raise DeployError(f"{path.relative_to(ROOT)}: a migration's name begins with its number")
    return match.group()


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _recorded_checksums(url: str) -> dict[str, str]:
    with _connect(url, autocommit=True) as connection:
        if connection.execute("select to_regclass('deploy.checksum') is null").fetchone() == (True,):
            return {}
        return {row[0]: row[1] for row in connection.execute("select version, sha256 from deploy.checksum")}


def _record_checksums(url: str) -> None:
    with _connect(url, autocommit=True) as connection:
        connection.execute("create schema if not exists deploy")
        connection.execute(
            "create table if not exists deploy.checksum"
            " (version text primary key, sha256 text not null, run_at timestamptz not null default now())"
        )
        known = {row[0] for row in connection.execute("select version from deploy.checksum")}
        for path in migration_files():
            if _version(path) not in known:
                connection.execute(
                    "insert into deploy.checksum (version, sha256) values (%s, %s)",
                    (_version(path), _checksum(path)),
                )
