"""One auth worker and one database for all tests of accounts: each has people of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from tests.support.accounts import (
    Client,
    auth_settings,
    client,
)
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.servers import Redis, TestServer, worker


@pytest.fixture(scope="package")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests of this folder: each has people of its own."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="package")
def auth_server(database: Database, redis_session: Redis, keys: Keys) -> Iterator[TestServer]:
    """One worker for those that need no settings of their own."""
    shared = {"SEGS_REDIS_URL": redis_session.url_of("auth"), "SEGS_JWKS_FILE": str(keys.jwks_file)}
    server = worker("auth", "auth-shared", {**shared, **auth_settings(database, keys)})
    server.up()
    yield server
    server.stop()


@pytest.fixture
async def auth(auth_server: TestServer) -> AsyncIterator[Client]:
    async with client(auth_server.url) as speaker:
        yield speaker


@pytest.fixture
def email() -> str:
    """An address that nobody has used."""
    return f"{uuid4().hex[:12]}@new.example"
