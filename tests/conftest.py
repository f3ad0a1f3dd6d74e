"""Fixtures: real servers on free ports in temporary folders, and a fresh database per test.

Session wide: ``runtime``, ``cluster``, ``redis_server``, ``keys``, ``pglite_template``.
Per test: ``database`` (a clone of the deployed and seeded template), ``edition`` (the same on both
TimescaleDB editions), ``postgrest``, ``ingest_server``, ``relay_server``, and ``start_ingest`` and
``start_relay`` for tests that need other settings or several of them. What servers logged during a test is
attached when it fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis as redis_client

from tests.support import pglite
from tests.support.cluster import Cluster, Database, prepare
from tests.support.keys import Keys, make_keys
from tests.support.processes import LOGS, ROOT, TestProcess, free_port, worker
from tests.support.servers import Postgres, Redis, Runtime

pytest_plugins = ["tests.support.report"]

StartWorker = Callable[..., TestProcess]


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """The programs: PostgreSQL, Redis and the rest, built on first use."""
    return Runtime()


@pytest.fixture(scope="session")
def server_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's servers keep data and logs."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def cluster(runtime: Runtime, server_dir: Path) -> Iterator[Cluster]:
    """A PostgreSQL (or the one SEGS_DATABASE_URL names) with the deployed template in it."""
    url = os.environ.get("SEGS_DATABASE_URL")
    server = None
    if not url:
        server = Postgres(runtime, server_dir / "postgresql")
        server.start()
        url = server.url
    try:
        running = Cluster(url)
        with running.deployed_template(runtime.dbmate):
            yield running
    finally:
        if server:
            server.stop()


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh, deployed and seeded database."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="session")
def redis_session(runtime: Runtime, server_dir: Path) -> Iterator[Redis]:
    """The session's Redis; tests use ``redis_server``, which begins empty."""
    server = Redis(runtime, server_dir / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_session: Redis) -> Redis:
    """A running Redis without any key."""
    with redis_client.Redis.from_url(redis_session.url) as client:
        client.flushall()
    return redis_session


@pytest.fixture(scope="session")
def keys(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The test run's signing key; ``keys.mint(role)`` makes a token of the seeded person of that role."""
    template = cluster.database(cluster.template)
    users: dict[str, str] = dict(template.rows("select email, user_id::text from auth.user_account"))
    return make_keys(tmp_path_factory.mktemp("keys"), users)


@pytest.fixture
def postgrest(runtime: Runtime, database: Database, keys: Keys, tmp_path: Path) -> Iterator[str]:
    """The base URL of a PostgREST on ``database``."""
    port, admin_port = free_port(), free_port()
    env = {
        "PGRST_DB_URI": database.url("authenticator"),
        "PGRST_DB_SCHEMAS": "api",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_PRE_REQUEST": "auth.check_request",
        "PGRST_JWT_SECRET": f"@{keys.jwks_file}",
        "PGRST_JWT_AUD": "segs",
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(admin_port),
    }
    command = [str(runtime.postgrest)]
    if (ROOT / "postgrest.conf").exists():
        command.append(str(ROOT / "postgrest.conf"))
    server = TestProcess(
        "postgrest", command, tmp_path / "postgrest.log", env, f"http://127.0.0.1:{admin_port}"
    )
    server.start()
    try:
        server.wait_healthy("/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def _worker_starter(
    kind: str, database: Database, redis_url: str, keys: Keys, directory: Path
) -> Iterator[StartWorker]:
    started: list[TestProcess] = []

    def start(wait: bool = True, **settings: str) -> TestProcess:
        port = free_port()
        prefix = f"SEGS_{kind.upper()}"
        env = {
            "SEGS_ENVIRONMENT": "development",
            "SEGS_REDIS_URL": redis_url,
            "SEGS_JWKS_FILE": str(keys.jwks_file),
            f"{prefix}_HOST": "127.0.0.1",
            f"{prefix}_PORT": str(port),
            f"{prefix}_DATABASE_URL": database.url(f"segs_{kind}"),
            **settings,
        }
        name = f"{kind}-{len(started) + 1}"
        process = worker(name, f"workers.{kind}", f"http://127.0.0.1:{port}", directory / f"{name}.log", env)
        started.append(process)
        process.start()
        if wait:
            process.wait_healthy()
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def start_ingest(
    database: Database, redis_server: Redis, keys: Keys, tmp_path: Path
) -> Iterator[StartWorker]:
    """Start an ingest worker, with settings if need be: ``start_ingest(SEGS_INGEST_RATE_LIMIT="5")``."""
    yield from _worker_starter("ingest", database, redis_server.url, keys, tmp_path)


@pytest.fixture
def start_relay(database: Database, redis_server: Redis, keys: Keys, tmp_path: Path) -> Iterator[StartWorker]:
    """Start a relay worker, in the same way."""
    yield from _worker_starter("relay", database, redis_server.url, keys, tmp_path)


@pytest.fixture
def ingest_server(start_ingest: StartWorker) -> TestProcess:
    """A healthy ingest worker on ``database``: ``.url``, ``.process``, ``.stop()``, ``.kill()``."""
    return start_ingest()


@pytest.fixture
def relay_server(start_relay: StartWorker) -> TestProcess:
    """A healthy relay worker on ``database``."""
    return start_relay()


@pytest.fixture(scope="session")
def pglite_template(runtime: Runtime, server_dir: Path) -> pglite.PGlite:
    """The TSL edition, deployed and seeded; stopped: copies are made of its data."""
    return pglite.deployed(runtime, server_dir / "pglite-template", prepare)


@dataclass(frozen=True)
class Edition:
    """A deployed and seeded database of one TimescaleDB edition (``apache`` or ``tsl``)."""

    name: str
    url: str
    dbmate: Path

    @property
    def single_connection(self) -> bool:
        """Whether a second connection waits until the first is closed."""
        return self.name == "tsl"

    def connect(self, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as administrator."""
        return psycopg.connect(self.url, autocommit=autocommit)


@pytest.fixture(params=["apache", "tsl"])
def edition(request: pytest.FixtureRequest, runtime: Runtime, tmp_path: Path) -> Iterator[Edition]:
    """A fresh database of each edition in turn."""
    if request.param == "apache":
        database: Database = request.getfixturevalue("database")
        yield Edition("apache", database.admin_url, runtime.dbmate)
        return
    template: pglite.PGlite = request.getfixturevalue("pglite_template")
    server = pglite.copy_of(runtime, template, tmp_path / "pglite")
    server.start()
    try:
        yield Edition("tsl", server.url, runtime.dbmate)
    finally:
        server.stop()


__all__ = ["LOGS", "Cluster", "Database", "Edition", "Keys", "TestProcess"]
