"""One platform for all tests here, with the limits that it has in production, and what a request costs it."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.servers import Redis

TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests of a file."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def target(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """The whole platform behind nginx."""
    directory = tmp_path_factory.mktemp("hostile")
    platform = Platform(runtime, directory, keys, database, redis_session, accounts=True)
    with platform.running() as running:
        yield running


@pytest.fixture(scope="module")
def postmaster(database: Database) -> int:
    """The process id of PostgreSQL, 0 when its processes cannot be seen from here."""
    backend = database.value("select pg_backend_pid()")
    try:
        status = Path(f"/proc/{backend}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0
    return int(status.partition("PPid:")[2].split()[0]) if status.startswith("Name:\tpostgres") else 0


@dataclass(frozen=True)
class Use:
    """What servers have used so far: processor seconds, and resident MiB, by name."""

    seconds: Mapping[str, float]
    memory: Mapping[str, float]


def use(pids: Mapping[str, int]) -> Use:
    """Of each server with all its processes, those that have ended included."""
    trees = {name: _tree(pid) for name, pid in pids.items() if pid}
    return Use(
        {name: sum(map(_seconds, tree)) for name, tree in trees.items()},
        {name: sum(map(_mebibytes, tree)) for name, tree in trees.items()},
    )


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []
    return [pid, *(below for child in children for below in _tree(int(child)))]


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS  # its own, and of children that have been waited for


def _mebibytes(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * 4096 / 2**20
    except FileNotFoundError:
        return 0.0


def connect(platform: Platform, source: str, *, wait: bool = True) -> socket.socket:
    """A connection to the edge from another address of loopback; without ``wait`` it may not be there yet."""
    address = urlsplit(platform.url)
    connection = socket.socket()
    connection.settimeout(60)
    connection.bind((source, 0))
    connection.setblocking(wait)
    if wait:
        connection.settimeout(60)
    connection.connect_ex((address.hostname, address.port))
    return connection


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system allows us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
