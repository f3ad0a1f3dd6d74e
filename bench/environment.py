"""The servers of a benchmark run, in a temporary folder, on loopback, with durable commits.

PostgreSQL is always there; a part starts what else it needs. All is stopped in reverse order at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from bench import resources
from deploy.deployer import database
from stack import edge, secrets, servers
from stack.paths import CHECKOUT
from stack.process import LogFiles, Server, ServerSpec
from stack.runtime import Runtime

DATABASE = "bench"
TENANT = "bench"
PER_WORKER = {
    "ingest": {
        "SEGS_INGEST_RATE_LIMIT": "0",
        "SEGS_INGEST_READING_RATE": "0",
        "SEGS_INGEST_DAILY_READINGS": "0",
    }
}  # one device here sends for many

IDLE = 0.1  # of one processor
LOG_MIB = 2048  # between two checkpoints under load
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
            'meter_id', %(prefix)s || lpad(n::text, 7, '0'),
            'region', regions.codes[1 + n %% cardinality(regions.codes)],
            'installed_at', '2020-01-01T00:00:00Z'))
        from generate_series(%(first)s::int, %(last)s::int) as n)) as m
"""


@dataclass
class Environment:
    """A running platform as far as it is measured."""

    directory: Path
    runtime: Runtime
    secrets: secrets.Secrets
    _stack: ExitStack
    _logs: LogFiles
    servers: dict[str, Server] = field(default_factory=dict)
    """Everything that runs, by name."""
    urls: dict[str, str] = field(default_factory=dict)
    """Where it answers, by name."""
    ports: dict[str, int] = field(default_factory=dict)
    watch: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered around what is measured: a profiler, if any."""

    @property
    def database_url(self) -> str:
        """The database as its administrator."""
        return self.role_url("postgres")

    def role_url(self, role: str) -> str:
        """The database as a role."""
        return servers.database_url(self.ports["postgres"], role, self.secrets.passwords[role], DATABASE)

    def connect(self, name: str = DATABASE) -> psycopg.Connection[tuple[Any, ...]]:
        """The database, or another one of ours, as its administrator."""
        return psycopg.connect(self.database_url, dbname=name, autocommit=True)

    def folder(self, name: str) -> Path:
        """A folder for one server or one measure."""
        path = self.directory / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def token(self, role: str, sub: str, tenant: str = TENANT, **claims: str) -> str:
        return secrets.mint_token(
            self.secrets.private_key_file, role=role, tenant=tenant, sub=sub, ttl=4 * 3600, **claims
        )

    # servers

    def start(self, spec: ServerSpec) -> Server:
        """Start a server and wait until it answers."""
        server = Server(spec, self._logs)
        server.start()
        self._stack.callback(self._stop, server)
        server.wait_ready()
        self.servers[spec.name] = server
        self.urls[spec.name] = spec.url
        return server

    def stop(self, name: str) -> None:
        """Stop one server before the others."""
        self._stop(self.servers[name])

    def _stop(self, server: Server) -> None:
        self.servers.pop(server.spec.name, None)
        if server.running:
            server.stop()

    def start_postgres(self, settings: Mapping[str, str]) -> None:
        password = self.secrets.passwords["postgres"]
        self.ports["postgres"] = port = servers.free_port()
        data = self.directory / "pg"
        servers.init_postgres(self.runtime, data, password, DATABASE)
        # pg_cron looks elsewhere: what runs in the background would be measured at random
        own = {"cron.database_name": "postgres", **settings}
        self.start(servers.postgres(self.runtime, data, port, password, database=DATABASE, settings=own))
        self.deploy(self.database_url)
        database.set_passwords(self.database_url, self.secrets.role_passwords)
        self._use_log()

    def _use_log(self) -> None:
        """Write log until its segments are used again, as in a server that has run for a while.

        A new one makes each segment by writing zeros first: a tenth of what storing readings costs it.
        """
        with self.connect() as connection:
            for _ in range(LOG_MIB):
                connection.execute("select pg_logical_emit_message(false, 'bench', repeat('x', 1048576))")
            connection.execute("checkpoint")

    def deploy(self, url: str) -> None:
        database.deploy(url, self.runtime.dbmate)
        with psycopg.connect(url, autocommit=True) as connection:
            # The readings are of the past and rounds pause: windows must close by readings, not by the clock.
            connection.execute("update ingest.limits set idle_after = '7 days'")

    def create_database(self, name: str) -> None:
        """Another database beside the first, SEGS deployed in it."""
        with self.connect() as connection:
            connection.execute(f"create database {name}")
        self.deploy(self.database_url.removesuffix(DATABASE) + name)

    def start_redis(self) -> None:
        self.ports["redis"] = port = servers.free_port()
        passwords = self.secrets.redis_passwords
        self.start(servers.redis_server(self.runtime, self.directory / "redis", port, passwords))

    def start_worker(self, kind: str, name: str = "", port: int | None = None, **settings: str) -> None:
        """Start a worker as ``make run`` would, with ``settings`` besides."""
        port = self.ports[name or kind] = servers.free_port() if port is None else port
        prefix, url = f"SEGS_{kind.upper()}", f"http://{servers.LOOPBACK}:{port}"
        environment = {
            "SEGS_ENVIRONMENT": "development",
            "SEGS_JWKS_FILE": str(self.secrets.jwks_file),
            "SEGS_LOG_LEVEL": "WARNING",
            f"{prefix}_HOST": servers.LOOPBACK,
            f"{prefix}_PORT": str(port),
            f"{prefix}_DATABASE_URL": self.role_url(f"segs_{kind}"),
            **PER_WORKER.get(kind, {}),
            **settings,
        }
        if "redis" in self.ports:
            user = f"segs_{kind}"
            if password := self.secrets.redis_passwords.get(user):
                url_of_redis = servers.redis_url(self.ports["redis"], user, password)
                environment.setdefault("SEGS_REDIS_URL", url_of_redis)
        self.start(
            ServerSpec(
                name=name or kind,
                command=lambda _: servers.until_parent_ends([sys.executable, "-m", f"workers.{kind}"]),
                ready=lambda: servers.http_ready(f"{url}/health"),
                url=url,
                environment=lambda: environment,
                cwd=CHECKOUT,
            )
        )

    def start_postgrest(self) -> None:
        self.ports["postgrest"], self.ports["postgrest_admin"] = servers.free_port(), servers.free_port()
        self.start(
            servers.postgrest(
                self.runtime,
                self.role_url("authenticator"),
                self.secrets.jwks_file,
                self.ports["postgrest"],
                self.ports["postgrest_admin"],
            )
        )

    def start_nginx(self, **settings: str) -> None:
        """The edge before everything that runs by now, with no limits on one client, who stands for many."""
        limits = {
            name: "60000" if name.endswith(("_AT_ONCE", "_SOCKETS")) else "1000000"
            for name in edge.settings()
            if name.endswith(edge.NUMBERS)
        }
        names = ("ingest", "relay", "auth", "postgrest", "postgrest_admin")
        upstreams = {name: f"{servers.LOOPBACK}:{self.ports.get(name, 9)}" for name in names}
        self.ports["nginx"] = port = servers.free_port()
        self.start(
            servers.nginx(
                self.runtime, self.directory / "nginx", port, upstreams, settings={**limits, **settings}
            )
        )

    # what is in it

    @cached_property
    def tenant_id(self) -> int:
        """The benchmark tenant."""
        with self.connect() as connection:
            connection.execute(
                "insert into grid.tenant (code, name) values (%s, 'Benchmark') on conflict (code) do nothing",
                (TENANT,),
            )
            row = connection.execute(
                "select tenant_id from grid.tenant where code = %s", (TENANT,)
            ).fetchone()
        assert row is not None
        return int(row[0])

    def register(self, prefix: str, count: int) -> dict[str, int]:
        """Register ``count`` meters, spread over the tenant's regions; their keys by code."""
        keys: dict[str, int] = {}
        assert self.tenant_id
        with self.connect() as connection:
            for first in range(1, count + 1, REGISTER_AT_ONCE):
                last = min(first + REGISTER_AT_ONCE - 1, count)
                given = {"tenant": TENANT, "prefix": prefix, "first": first, "last": last}
                rows = connection.execute(REGISTER, given)
                keys |= {str(code): int(key) for code, key in rows}
            connection.execute("analyze grid.meter")
        return keys

    def user(self, role: str) -> str:
        """The id of an account of that role, made if need be."""
        email = f"{role}@bench.example"
        with self.connect() as connection:
            connection.execute(
                "insert into auth.user_account (tenant_id, email, name, role) values (%s, %s, %s, %s)"
                " on conflict do nothing",
                (self.tenant_id, email, role.title(), role),
            )
            row = connection.execute(
                "select user_id::text from auth.user_account where email = %s", (email,)
            ).fetchone()
        assert row is not None
        return str(row[0])

    # what it costs

    def pids(self) -> dict[str, int]:
        """The process of every server that runs."""
        return {name: server.pid for name, server in self.servers.items() if server.pid is not None}

    def memory(self) -> dict[str, float]:
        """Memory of every server, MiB."""
        return {name: resources.memory_mib(pid) for name, pid in self.pids().items()}

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until the servers have done what they left for later (vacuum, compaction), at most so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with resources.cost_of(self.pids()) as cost:
                time.sleep(0.5)
            if sum(cost.cpu.values()) < IDLE * cost.seconds:
                return

    def settings(self) -> dict[str, str]:
        """What decides how durable and how large the database is, as it says itself."""
        names = [
            "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers", "work_mem",
            "min_wal_size", "max_wal_size", "server_version", "timescaledb.license",
        ]  # fmt: skip
        with self.connect() as connection:
            return {name: str(connection.execute(f"show {name}").fetchone()[0]) for name in names}  # type: ignore[index]


@contextmanager
def running(
    directory: Path, runtime: Runtime, settings: Mapping[str, str] | None = None
) -> Iterator[Environment]:
    """An environment with PostgreSQL, SEGS deployed in it."""
    made = secrets.load_or_create(directory / "secrets")
    logs = LogFiles(directory / "log")
    with ExitStack() as stack:
        stack.callback(logs.close)
        found = Environment(directory, runtime, made, stack, logs)
        found.start_postgres(settings or {})
        yield found
