"""The servers a benchmark run needs, in a temporary folder, on loopback, with durable commits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from stack import database, runtime, secrets, servers
from stack.paths import CHECKOUT
from stack.process import LogFiles, Server, ServerSpec

DATABASE = "bench"
TENANT = "bench"
METERS = 1_000
EXTRA = {"ingest": {"SEGS_INGEST_RATE_LIMIT": "0"}}  # one device here sends for many

REGISTER_AT_ONCE = 10_000  # as many as the API takes in one call
REGISTER = """
    with t as (
        select tenant_id from grid.tenant where code = %(tenant)s
    ),

    regions as (
        select array_agg(code order by code) as codes from grid.region join t using (tenant_id)
    )

    select m.code, m.meter_id
    from t, regions, grid.register_meters(t.tenant_id, (
        select jsonb_agg(jsonb_build_object(
            'meter_id', %(prefix)s || lpad(n::text, 6, '0'),
            'region', regions.codes[1 + n %% cardinality(regions.codes)],
            'installed_at', '2020-01-01T00:00:00Z'))
        from generate_series(%(first)s::int, %(last)s::int) as n)) as m
"""


@dataclass
class Environment:
    """A running platform as far as it is measured."""

    directory: Path
    database_url: str
    secrets: secrets.Secrets
    urls: dict[str, str] = field(default_factory=dict)
    meters: dict[str, int] = field(default_factory=dict)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.database_url, autocommit=True)

    def token(self, role: str, sub: str) -> str:
        return secrets.mint_token(
            self.secrets.private_key_file, role=role, tenant=TENANT, sub=sub, ttl=4 * 3600
        )

    def settings(self) -> dict[str, str]:
        """What decides how durable and how large the server is, as it says itself."""
        names = [
            "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "max_wal_size",
            "server_version",
        ]  # fmt: skip
        with self.connect() as connection:
            return {name: str(connection.execute(f"show {name}").fetchone()[0]) for name in names}  # type: ignore[index]


@contextmanager
def running(directory: Path, workers: Sequence[str]) -> Iterator[Environment]:
    """Start PostgreSQL, and with any of the ``workers`` Redis too; stop them in reverse."""
    made = secrets.load_or_create(directory / "secrets")
    programs = runtime.ensure()
    logs = LogFiles(directory / "log")
    with ExitStack() as stack:
        stack.callback(logs.close)

        def start(spec: ServerSpec) -> None:
            server = Server(spec, logs)
            server.start()
            stack.callback(server.stop)
            server.wait_ready()

        port = servers.free_port()
        data = directory / "pg"
        servers.init_postgres(programs, data, made.passwords["postgres"], DATABASE)
        start(
            servers.postgres(
                programs, data, port, made.passwords["postgres"], database=DATABASE,
                # pg_cron looks elsewhere: what runs in the background would be measured at random
                settings={"cron.database_name": "postgres"},
            )
        )  # fmt: skip
        url = servers.database_url(port, "postgres", made.passwords["postgres"], DATABASE)
        database.deploy(url, programs.dbmate)
        database.set_passwords(url, made.role_passwords)
        found = Environment(directory, url, made)
        with found.connect() as connection:
            # The readings are of the past and rounds pause: windows must close by readings, not by the clock.
            connection.execute("update ingest.limits set idle_after = '7 days'")
        found.meters = register(found, TENANT, "M", METERS)
        if workers:
            redis_port = servers.free_port()
            password = made.passwords["redis"]
            start(servers.redis_server(programs, directory / "redis", redis_port, password))
            common = {
                "SEGS_ENVIRONMENT": "development",
                "SEGS_REDIS_URL": servers.redis_url(redis_port, password),
                "SEGS_JWKS_FILE": str(made.jwks_file),
                "SEGS_LOG_LEVEL": "WARNING",
            }
            for kind in workers:
                spec = worker(kind, servers.free_port(), port, made, common | EXTRA.get(kind, {}))
                start(spec)
                found.urls[kind] = spec.url
        yield found


def worker(
    kind: str, port: int, database_port: int, made: secrets.Secrets, settings: dict[str, str]
) -> ServerSpec:
    role = f"segs_{kind}"
    prefix = f"SEGS_{kind.upper()}"
    url = f"http://{servers.LOOPBACK}:{port}"
    return ServerSpec(
        name=kind,
        command=lambda _: servers.until_parent_ends([sys.executable, "-m", f"workers.{kind}"]),
        ready=lambda: servers.http_ready(f"{url}/health"),
        url=url,
        environment=lambda: {
            **settings,
            f"{prefix}_HOST": servers.LOOPBACK,
            f"{prefix}_PORT": str(port),
            f"{prefix}_DATABASE_URL": servers.database_url(
                database_port, role, made.passwords[role], DATABASE
            ),
        },
        cwd=CHECKOUT,
    )


def register(found: Environment, tenant: str, prefix: str, count: int) -> dict[str, int]:
    """Make the tenant if need be, and ``count`` meters spread over its regions; their keys by code."""
    keys: dict[str, int] = {}
    with found.connect() as connection:
        connection.execute(
            "insert into grid.tenant (code, name) values (%s, 'Benchmark') on conflict (code) do nothing",
            (tenant,),
        )
        for first in range(1, count + 1, REGISTER_AT_ONCE):
            rows = connection.execute(
                REGISTER,
                {
                    "tenant": tenant,
                    "prefix": prefix,
                    "first": first,
                    "last": min(first + REGISTER_AT_ONCE - 1, count),
                },
            )
            keys |= {str(code): int(key) for code, key in rows}
        connection.execute("analyze grid.meter")
    return keys


def helper(module: str, task: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a load process of ours and hand it its task."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={"PATH": os.environ.get("PATH", "")},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(task) + "\n")
    process.stdin.close()
    return process


def result_of(process: subprocess.Popen[str], timeout: float) -> dict[str, Any]:
    """The JSON line it ended with."""
    assert process.stdout is not None
    try:
        text = process.stdout.read()
        if process.wait(timeout) != 0:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    found: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    return found
