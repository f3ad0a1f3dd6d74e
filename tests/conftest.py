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
from hypothesis import HealthCheck, settings

from stack import runtime as stack_runtime
from stack import servers as stack
from stack.runtime import Runtime
from tests.support import pglite
from tests.support.accounts import auth_settings, notifier_settings
from tests.support.cluster import Cluster, Database, prepare
from tests.support.keys import Keys, make_keys
from tests.support.platform import Platform
from tests.support.servers import Postgres, Redis, TestServer, free_port, worker

pytest_plugins = ["tests.support.report"]

# No test may depend on how fast the machine is at the moment.
settings.register_profile("segs", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("segs")

StartWorker = Callable[..., TestServer]


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    """The programs: PostgreSQL, Redis and the rest, built on first use."""
    return stack_runtime.ensure()


@pytest.fixture(scope="session")
def server_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's servers keep their data."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def cluster(runtime: Runtime, server_dir: Path) -> Iterator[Cluster]:
    """A PostgreSQL (or the one SEGS_DATABASE_URL names) with the deployed template in it."""
    if url := os.environ.get("SEGS_DATABASE_URL"):
        with Cluster(url).with_template(runtime.dbmate) as running:
            yield running
        return
    server = Postgres(runtime, server_dir / "postgres")
    server.up()
    try:
        with Cluster(server.admin_url, server.DATABASE).with_template(runtime.dbmate) as running:
            yield running
    finally:
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
    server.up()
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_session: Redis) -> Redis:
    """A running Redis without any key."""
    redis_session.flush()
    return redis_session


@pytest.fixture(scope="session")
def keys(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The test run's signing key; ``keys.mint(role)`` makes a token of the seeded person of that role."""
    template = cluster.database(cluster.template)
    users: dict[str, str] = dict(template.rows("select email, user_id::text from auth.user_account"))
    return make_keys(tmp_path_factory.mktemp("keys"), users)


@pytest.fixture
def postgrest(runtime: Runtime, database: Database, keys: Keys) -> Iterator[str]:
    """The base URL of a PostgREST on ``database``."""
    spec = stack.postgrest(runtime, database.url("authenticator"), keys.jwks_file, free_port(), free_port())
    server = TestServer(spec)
    server.up()
    yield server.url
    server.stop()


def _worker_starter(kind: str, database: Database, redis: Redis, keys: Keys) -> Iterator[StartWorker]:
    started: list[TestServer] = []

    def start(wait: bool = True, **settings: str) -> TestServer:
        own = {"auth": auth_settings(database, keys), "notifier": notifier_settings(database)}
        environment = {
            **redis.settings_of(kind),
            "SEGS_JWKS_FILE": str(keys.jwks_file),
            f"SEGS_{kind.upper()}_DATABASE_URL": database.url(f"segs_{kind}"),
            **own.get(kind, {}),
            **settings,
        }
        server = worker(kind, f"{kind}-{len(started) + 1}", environment)
        started.append(server)
        if wait:
            server.up()
        else:
            server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start_ingest(database: Database, redis_server: Redis, keys: Keys) -> Iterator[StartWorker]:
    """Start an ingest worker, with settings if need be: ``start_ingest(SEGS_INGEST_RATE_LIMIT="5")``."""
    yield from _worker_starter("ingest", database, redis_server, keys)


@pytest.fixture
def start_relay(database: Database, redis_server: Redis, keys: Keys) -> Iterator[StartWorker]:
    """Start a relay worker, in the same way."""
    yield from _worker_starter("relay", database, redis_server, keys)


@pytest.fixture
def start_auth(database: Database, redis_server: Redis, keys: Keys) -> Iterator[StartWorker]:
    """Start an auth worker, in the same way; its password hashes are cheap."""
    yield from _worker_starter("auth", database, redis_server, keys)


@pytest.fixture
def start_notifier(database: Database, redis_server: Redis, keys: Keys) -> Iterator[StartWorker]:
    """Start a notifier; say where mails go."""
    yield from _worker_starter("notifier", database, redis_server, keys)


@pytest.fixture
def ingest_server(start_ingest: StartWorker) -> TestServer:
    """A healthy ingest worker on ``database``: ``.url``, ``.pid``, ``.stop()``, ``.kill()``, ``.up()``."""
    return start_ingest()


@pytest.fixture
def relay_server(start_relay: StartWorker) -> TestServer:
    """A healthy relay worker on ``database``."""
    return start_relay()


@pytest.fixture
def platform(
    runtime: Runtime, database: Database, redis_server: Redis, keys: Keys, tmp_path: Path
) -> Iterator[Platform]:
    """The whole platform on ``database``, behind one origin (``.url``); pg_cron's work is called by hand."""
    with Platform(runtime, tmp_path, keys, database, redis_server).running() as running:
        yield running


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
    data: Path | None = None
    """Its data folder, if it is the TSL edition."""

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
    server.up()
    try:
        yield Edition("tsl", server.url, runtime.dbmate, server.data)
    finally:
        server.stop()
