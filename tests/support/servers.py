"""Real servers for tests: those of the stack and our workers, awaited, signalled, and never left running."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from stack import redis_users
from stack import servers as stack
from stack.paths import CHECKOUT
from stack.process import Server, ServerSpec
from stack.runtime import Runtime
from tests.support.wait import patient, wait_until

PASSWORD = "pw"  # of every server that exists only for tests
PASSWORDS = dict.fromkeys(redis_users.RIGHTS, PASSWORD)


_reserved: list[TextIO] = []


def free_port() -> int:
    """A free port that no other test run on this machine will take while this one lasts."""
    folder = Path(tempfile.gettempdir()) / "segs-test-ports"
    folder.mkdir(exist_ok=True)
    while True:
        port = stack.free_port()
        lock = (folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _reserved.append(lock)  # until this process ends
        return port


class Journal:
    """What every server wrote, by name: a failed test shows what was written while it ran."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            self._lines.setdefault(name, []).append(line)

    def lengths(self) -> dict[str, int]:
        """How much each server has written so far."""
        with self._lock:
            return {name: len(lines) for name, lines in self._lines.items()}

    def since(self, lengths: Mapping[str, int]) -> dict[str, list[str]]:
        """What each has written since then."""
        with self._lock:
            return {name: lines[lengths.get(name, 0) :] for name, lines in self._lines.items()}

    def of(self, name: str) -> list[str]:
        """Everything one server has written."""
        with self._lock:
            return list(self._lines.get(name, []))


JOURNAL = Journal()


class TestServer(Server):
    """A server of a test. ``stop`` is a supervisor's way, ``kill`` is a crash; ``up`` may follow either."""

    __test__ = False

    def __init__(self, spec: ServerSpec) -> None:
        super().__init__(spec, JOURNAL)
        self._before = JOURNAL.lengths()

    @property
    def url(self) -> str:
        """Where it listens (without a password)."""
        return self.spec.url

    def up(self, timeout: float | None = None) -> None:
        """Start and wait until it answers."""
        self.start()
        try:
            self.wait_ready(patient(self.spec.ready_timeout if timeout is None else timeout))
        except BaseException:
            self.stop()
            raise

    async def up_again(self) -> None:
        """``up`` without stopping the event loop. A server ends with its starting thread: this one."""
        self.start()
        await asyncio.to_thread(self.wait_ready, patient(self.spec.ready_timeout))

    def kill(self) -> None:
        """SIGKILL to the server and its children at once, and wait until they are gone."""
        assert self.pid is not None, f"{self.spec.name} does not run"
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        self.wait()
        wait_until(lambda: not any(_alive(int(pid)) for pid in children), "its children are gone")

    def log(self) -> list[str]:
        """Everything it has written: not what one of its name wrote before, for another test."""
        return JOURNAL.since(self._before).get(self.spec.name, [])


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Postgres(TestServer):
    """A PostgreSQL of its own; ``durable`` keeps what a crash must not lose, at the price of time."""

    DATABASE = "segs"  # the database that pg_cron calls its own; its jobs do not run here

    def __init__(
        self, runtime: Runtime, directory: Path, name: str = "postgres", durable: bool = False
    ) -> None:
        self.port = free_port()
        stack.init_postgres(runtime, directory, PASSWORD, self.DATABASE)
        settings = {"shared_buffers": "128MB", "cron.launch_active_jobs": "off"}
        if durable:
            settings |= {"recovery_init_sync_method": "syncfs"}  # file by file it takes many seconds
        else:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        super().__init__(
            stack.postgres(
                runtime, directory, self.port, PASSWORD, database=self.DATABASE, settings=settings, name=name
            )
        )

    @property
    def admin_url(self) -> str:
        """The administrator's URL of the maintenance database."""
        return stack.database_url(self.port, "postgres", PASSWORD, "postgres")


class Redis(TestServer):
    """A Redis of its own."""

    def __init__(self, runtime: Runtime, directory: Path, name: str = "redis") -> None:
        self.port = free_port()
        super().__init__(stack.redis_server(runtime, directory, self.port, PASSWORDS, name=name))

    def url_of(self, worker: str) -> str:
        """The URL of a worker's user, with the password."""
        return stack.redis_url(self.port, f"segs_{worker}", PASSWORD)

    def settings_of(self, worker: str) -> dict[str, str]:
        """What a worker is told of Redis: nothing if it needs none."""
        return {"SEGS_REDIS_URL": self.url_of(worker)} if worker in redis_users.WORKERS else {}

    def administrator(self) -> redis.Redis:
        """A client that may do everything."""
        return redis.Redis.from_url(self.url_of("admin"), socket_timeout=5)

    def flush(self) -> None:
        """Forget every key."""
        retry_on = (RedisConnectionError, RedisTimeoutError)
        with self.administrator() as client:
            wait_until(client.flushall, "Redis is flushed", retry_on=retry_on)


def worker(kind: str, name: str, environment: Mapping[str, str], port: int | None = None) -> TestServer:
    """``python -m workers.<kind>`` by this interpreter, on a free port unless it is given one."""
    port = port or free_port()
    prefix = f"SEGS_{kind.upper()}"
    variables = {
        "PYTHONUNBUFFERED": "1",
        **_coverage_environment(),
        "SEGS_ENVIRONMENT": "development",
        f"{prefix}_HOST": stack.LOOPBACK,
        f"{prefix}_PORT": str(port),
        **environment,
    }
    return TestServer(
        ServerSpec(
            name=name,
            command=lambda _: stack.until_parent_ends([sys.executable, "-m", f"workers.{kind}"]),
            ready=lambda: stack.http_ready(f"http://{stack.LOOPBACK}:{port}/health"),
            url=f"http://{stack.LOOPBACK}:{port}",
            environment=lambda: variables,
            cwd=CHECKOUT,
        )
    )


def _coverage_environment() -> dict[str, str]:
    """What coverage put into our environment so that it measures child processes too."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
