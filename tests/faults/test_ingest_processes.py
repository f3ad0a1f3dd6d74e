"""Two ingest processes share a port, and one of them is killed: a retry reaches the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psutil
import pytest

from tests.faults.load import METERS, Load
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.servers import Redis, TestServer, free_port, worker
from tests.support.wait import wait_until

Processes = tuple[TestServer, TestServer]


def listens(server: TestServer) -> bool:
    """Whether this very process listens: the other one answers at the same address."""
    return any(
        connection.status == psutil.CONN_LISTEN
        for process in [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
        for connection in process.net_connections("tcp")
    )


@pytest.fixture
def processes(database: Database, redis_server: Redis, keys: Keys) -> Iterator[Processes]:
    port = free_port()
    settings = {
        "SEGS_INGEST_DATABASE_URL": database.url("segs_ingest"),
        "SEGS_INGEST_REUSE_PORT": "true",
        "SEGS_REDIS_URL": redis_server.url_of("ingest"),
        "SEGS_JWKS_FILE": str(keys.jwks_file),
    }
    first, second = (worker("ingest", f"ingest-{name}", settings, port) for name in ("first", "second"))
    try:
        for server in (first, second):
            server.up()
            wait_until(partial(listens, server), "both listen")
        yield first, second
    finally:
        second.stop()
        first.stop()


@pytest.mark.parametrize("meters", [1, METERS], ids=["one a request, gathered", "batches"])
async def test_killed_in_turn_they_lose_and_repeat_nothing(
    processes: Processes, database: Database, keys: Keys, meters: int
) -> None:
    load = Load(processes[0].url, keys, meters)
    async with load.running(clients=16):
        await load.more(400 * meters)
        for server in processes:
            server.kill()
            await load.more(100 * meters, "the other takes readings")
            await server.up_again()
            await load.more(100 * meters, "both take readings")
    load.check(database)
    assert not load.unanswered
    assert load.answers.get(0), "no client saw a process die: was there load?"
