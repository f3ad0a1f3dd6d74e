"""``segs doctor``: what is missing, wrong, full or late, and what to do about each."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from deploy.deployer import database
from stack import secrets, servers, state
from stack.paths import DataDir
from stack.plan import disks
from workers.lib.checkup import FINDINGS, Finding, disk_finding

PRELOADED = ("timescaledb",)
EXTENSIONS = ("timescaledb", "btree_gist")
MAJOR = 17
LONG_TRANSACTION = 60

Check = Callable[[], Iterator[Finding]]


def examine(data: DataDir, external_url: str | None) -> list[Finding]:
    """Everything there is to say; a check that cannot be made is a finding too."""
    running, found = _stack(data)
    url = external_url or (str(running["database_url"]) if running else None)
    checks: list[tuple[str, Check]] = [
        ("disk", lambda: _disks(data)),
        ("secrets", lambda: _secrets(data)),
        ("edge", lambda: _edge(running)),
    ]
    if url is not None:
        database_url = url
        checks.append(("database", lambda: _database(database_url)))
    for name, check in checks:
        try:
            found += check()
        except Exception as error:
            says = str(error).strip().partition("\n")[0] or type(error).__name__
            found.append(Finding(name, "fail", says, "nothing more could be found out about it"))
    return found


def report(found: list[Finding], as_json: bool) -> int:
    """Print it; the exit status is 1 if anything has failed."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            print(f"{finding.state:<5} {finding.part:<12} {finding.says}")
            if finding.state != "ok":
                print(f"{'':<18} -> {finding.advice}")
    return 1 if any(finding.state == "fail" for finding in found) else 0


def _stack(data: DataDir) -> tuple[dict[str, Any] | None, list[Finding]]:
    try:
        running = state.read(data)
    except state.NotRunning as reason:
        return None, [Finding("stack", "warn", str(reason), "`segs up`, if it should run here")]
    found = []
    for service in running["services"]:
        well = service["state"] in ("healthy", "done")
        says = f"{service['state']}" + (f", restarted {service['restarts']}x" if service["restarts"] else "")
        log = data.logs / f"{service['name']}.log"
        found.append(
            Finding(service["name"], "ok" if well else "fail", says, f"it is started again; see {log}")
        )
    return running, found


def _edge(running: dict[str, Any] | None) -> Iterator[Finding]:
    if running is None:
        return
    url = f"{running['edge_url']}/health"
    try:
        servers.http_ready(url)
    except Exception as error:
        yield Finding("edge", "fail", f"{url}: {error}", "what is away or fails is listed here, too")
    else:
        yield Finding("edge", "ok", f"{url} answers that all is well", "")


def _disks(data: DataDir) -> Iterator[Finding]:
    if not data.path.exists():
        return
    for name, path in disks(data).items():
        yield disk_finding(name, path)
    for path in (data.run, data.logs):
        if path.exists():
            probe = path / ".doctor"
            try:
                probe.write_text("room for a page of text", encoding="utf-8")
            except OSError as error:
                yield Finding("disk", "fail", f"{path}: {error.strerror}", "make room, or make it writable")
            finally:
                _remove(probe)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _secrets(data: DataDir) -> Iterator[Finding]:
    if not data.secrets.exists():
        return
    open_to_others = [
        str(path)
        for path in (data.secrets, *sorted(data.secrets.rglob("*")))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_to_others:
        says = f"others on this machine may read {', '.join(open_to_others[:5])}"
        yield Finding("secrets", "fail", says, "chmod -R go= " + str(data.secrets))
    key, jwks = data.secrets / secrets.PRIVATE_KEY, data.secrets / secrets.PUBLIC_KEYS
    missing = [str(path) for path in (key, jwks) if not path.exists()]
    if missing:
        yield Finding(
            "keys", "fail", f"not there: {', '.join(missing)}", "put them back; `segs up` makes new ones"
        )
        return
    believed = [entry["kid"] for entry in json.loads(jwks.read_text(encoding="utf-8"))["keys"]]
    signs = secrets.public_jwk(key)["kid"]
    if signs in believed:
        yield Finding("keys", "ok", f"{signs} signs, {len(believed)} believed", "")
    else:
        yield Finding("keys", "fail", f"{signs} signs and is not in {jwks}", "`segs keys rotate`")


def _database(url: str) -> Iterator[Finding]:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute("set statement_timeout = '20s'")
        yield from _server(connection)
        yield from _extensions(connection)
        yield from _migrations(url)
        yield from _sessions(connection)
        if connection.execute(
            "select to_regprocedure('upkeep.findings(timestamptz, timestamptz)')"
        ).fetchone() == (None,):
            yield Finding("deployed", "fail", "this database has no upkeep.findings", "`segs db migrate`")
            return
        for row in connection.execute(FINDINGS, (datetime.now(UTC),)).fetchall():
            yield Finding(*row)


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def _server(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    version = connection.info.server_version
    says = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version // 10000 < MAJOR:
        yield Finding("postgresql", "fail", says, f"PostgreSQL {MAJOR} is needed")
    else:
        yield Finding("postgresql", "ok", says, "")
    loaded = str(_one(connection, "select current_setting('shared_preload_libraries')"))
    for library in PRELOADED:
        if library not in loaded:
            says = f"shared_preload_libraries is {loaded!r}"
            yield Finding("postgresql", "fail", says, f"add {library} and restart the server")


def _extensions(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    there = dict(connection.execute("select extname, extversion from pg_extension").fetchall())
    missing = [name for name in EXTENSIONS if name not in there]
    if _one(connection, "select to_regnamespace('pgmq')") is None:
        missing.append("pgmq")
    if missing:
        yield Finding(
            "extensions", "fail", f"not there: {', '.join(missing)}", "`segs db migrate` as a superuser"
        )
    else:
        named = ", ".join(f"{name} {version}" for name, version in sorted(there.items()) if name != "plpgsql")
        yield Finding("extensions", "ok", named, "")


def _migrations(url: str) -> Iterator[Finding]:
    try:
        database.check_unedited(url)
    except database.DeployError as error:
        yield Finding("migrations", "fail", str(error), "deploy from the checkout it came from")
        return
    ran = set(database.applied_migrations(url))
    pending = [path.name for path in database.migration_files() if path.name.split("_")[0] not in ran]
    if pending:
        yield Finding("migrations", "fail", f"not run: {', '.join(pending)}", "`segs db migrate`")
    else:
        yield Finding("migrations", "ok", f"all {len(ran)} have run", "")


def _sessions(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    used, most = (
        int(_one(connection, "select count(*) from pg_stat_activity where backend_type = 'client backend'")),
        int(_one(connection, "select current_setting('max_connections')::int")),
    )
    says = f"{used} of {most} connections"
    advice = "raise max_connections, or find who keeps them: pg_stat_activity"
    yield Finding("connections", "warn" if used > 0.9 * most else "ok", says, advice)
    longest = connection.execute(
        "select pid, usename, extract(epoch from clock_timestamp() - xact_start)::int from pg_stat_activity"
        " where backend_xid is not null and pid <> pg_backend_pid() order by xact_start limit 1"
    ).fetchone()
    if longest is not None and longest[2] > LONG_TRANSACTION:
        says = f"session {longest[0]} ({longest[1]}) holds events back for {longest[2]} s"
        yield Finding("transactions", "warn", says, f"end it: select pg_terminate_backend({longest[0]})")
