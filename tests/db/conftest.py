"""One deployed and seeded database of each edition for tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stack.runtime import Runtime
from tests.support import pglite
from tests.support.cluster import Cluster, prepare


@pytest.fixture(scope="session")
def apache(cluster: Cluster, runtime: Runtime) -> Iterator[str]:
    """A database's URL: the one in which pg_cron lives if the server is ours (its jobs do not run)."""
    if cluster.cron_database is None:
        with cluster.clone() as database:
            yield database.admin_url
    else:
        url = cluster.admin_url(cluster.cron_database)
        prepare(url, runtime.dbmate)
        yield url


@pytest.fixture(scope="session")
def tsl(runtime: Runtime, pglite_template: pglite.PGlite, server_dir: Path) -> Iterator[str]:
    """The URL of one PGlite."""
    server = pglite.copy_of(runtime, pglite_template, server_dir / "shared-pglite", "pglite-shared")
    server.up()
    yield server.url
    server.stop()


@pytest.fixture(params=["apache", "tsl"])
def shared_edition(request: pytest.FixtureRequest) -> str:
    """The edition's name."""
    return str(request.param)


@pytest.fixture
def shared(shared_edition: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the edition's shared database, as administrator, committing every statement."""
    with psycopg.connect(request.getfixturevalue(shared_edition), autocommit=True) as connection:
        connection.execute("set client_min_messages = warning")
        yield connection


@pytest.fixture
def apache_connection(apache: str) -> Iterator[psycopg.Connection[Any]]:
    """The same for what the Apache edition's server alone can do."""
    with psycopg.connect(apache, autocommit=True) as connection:
        yield connection
