"""Servers of these tests' own, to be killed, stopped and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.servers import Postgres, Redis


@pytest.fixture(scope="module")
def durable_postgres(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that keeps what it has committed, whatever happens to it."""
    server = Postgres(runtime, tmp_path_factory.mktemp("durable") / "pg", "postgres-durable", durable=True)
    server.up()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def durable_cluster(durable_postgres: Postgres, runtime: Runtime) -> Iterator[Cluster]:
    """The deployed template in it."""
    with Cluster(durable_postgres.admin_url).with_template(runtime.dbmate) as cluster:
        yield cluster


@pytest.fixture
def durable_database(durable_cluster: Cluster) -> Iterator[Database]:
    """A clone of that template."""
    with durable_cluster.clone() as clone:
        yield clone


@pytest.fixture
def own_redis(runtime: Runtime, tmp_path: Path) -> Iterator[Redis]:
    """A Redis that nobody else uses."""
    server = Redis(runtime, tmp_path / "redis", "redis-own")
    server.up()
    yield server
    server.stop()


@pytest.fixture
def durable_platform(
    runtime: Runtime, durable_database: Database, own_redis: Redis, keys: Keys, tmp_path: Path
) -> Iterator[Platform]:
    """A whole platform on servers that a test may kill."""
    with Platform(runtime, tmp_path, keys, durable_database, own_redis).running() as platform:
        yield platform
