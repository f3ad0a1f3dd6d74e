"""The servers we did not write: what each is told, and how it is known to be well."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from secrets import choice
from urllib.parse import quote

import psycopg
import redis

from stack import edge, redis_users
from stack.paths import CHECKOUT
from stack.process import NotReady, ServerError, ServerSpec
from stack.runtime import PG_BIN, Runtime
from stack.secrets import write_private

LOOPBACK = "127.0.0.1"
MIB = 1024 * 1024


def free_port() -> int:
    """A free port on loopback, outside the range that the kernel takes for outgoing connections."""
    for _ in range(200):
        port = choice(range(20000, 32000))
        if port_is_free(port):
            return port
    raise ServerError("found no free port between 20000 and 32000")


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def database_url(port: int, user: str, password: str, database: str) -> str:
    """A libpq URL on loopback."""
    return f"postgresql://{user}:{quote(password, safe='')}@{LOOPBACK}:{port}/{database}"


def http_ready(url: str) -> None:
    """Raise unless ``url`` answers with a 2xx status."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (http on loopback)
            answer.read()
    except urllib.error.HTTPError as error:
        raise NotReady(f"{url} answers {error.code}") from error


def until_parent_ends(command: list[str]) -> list[str]:
    """The command, ended by the kernel should its parent be killed (bwrap sees to that itself)."""
    setpriv = shutil.which("setpriv")
    return command if setpriv is None else [setpriv, "--pdeathsig", "TERM", "--", *command]


def memory_bytes() -> int:
    """Memory this machine (or control group) lets us use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text(encoding="utf-8").strip()).isdigit():
        total = min(total, int(text))
    return total


# PostgreSQL


def init_postgres(runtime: Runtime, directory: Path, password: str, database: str = "segs") -> None:
    """Make a cluster with an empty ``database``, unless there is one. If interrupted, begins again."""
    if directory.exists():
        return
    scratch = directory.with_name(directory.name + ".partial")
    subprocess.run(["rm", "-rf", str(scratch)], check=True)
    scratch.mkdir(parents=True, mode=0o700)
    password_file = scratch.with_name(scratch.name + ".password")
    write_private(password_file, password)
    try:
        command = runtime.command(
            f"{PG_BIN}/initdb", "--pgdata", str(scratch), "--username", "postgres",
            "--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--locale", "C.UTF-8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
            "--data-checksums", "--no-instructions", binds=[scratch.parent],
        )  # fmt: skip
        _run(command)
        # not later: pg_cron needs its database to be there when the server starts
        _single_user(runtime, scratch, f"create database {database};")
    finally:
        password_file.unlink()
    scratch.rename(directory)


def reset_postgres_password(runtime: Runtime, directory: Path, password: str) -> None:
    """Give the administrator of a stopped cluster a new password (the old one is lost)."""
    _single_user(runtime, directory, f"alter role postgres password '{password}';")


def _single_user(runtime: Runtime, directory: Path, statement: str) -> None:
    arguments = ["--single", "-D", str(directory), "-c", "shared_preload_libraries=", "postgres"]
    _run(runtime.command(f"{PG_BIN}/postgres", *arguments, binds=[directory]), f"{statement}\n")


def _run(command: list[str], text: str = "") -> None:
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ServerError(f"making the database failed: {(result.stderr or result.stdout).strip()[-800:]}")


def postgres_settings(port: int, database: str, memory: int) -> dict[str, str]:
    """Settings sized to the machine's memory, of which the whole platform leaves at least half to others."""

    def megabytes(share: int, low: int, high: int) -> str:
        return f"{min(max(memory // share // MIB, low), high)}MB"

    return {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "timescaledb,pg_cron",
        "shared_buffers": megabytes(8, 128, 8192),
        "effective_cache_size": megabytes(2, 512, 65536),
        "maintenance_work_mem": megabytes(32, 64, 1024),
        "work_mem": "16MB",
        # many short statements with triggers: compiling one costs seconds and saves milliseconds
        "jit": "off",
        # used segments of the log are kept for the next rush: a new one is written twice, with zeros first
        "min_wal_size": "1GB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "lz4",
        "max_worker_processes": "24",
        "timescaledb.telemetry_level": "off",
        # pg_cron drives everything; TimescaleDB's own jobs would only fail on the Apache edition
        "timescaledb.max_background_workers": "0",
        "cron.database_name": database,
        "cron.use_background_workers": "on",
        "cron.log_statement": "off",
        "cron.log_run": "on",
        # an open writing transaction holds back every reader of the event log
        "transaction_timeout": "10min",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d %a ",  # %a: application_name, with the id of the request
        "log_checkpoints": "off",
    }


def postgres(
    runtime: Runtime,
    directory: Path,
    port: int,
    password: str,
    *,
    database: str = "segs",
    settings: Mapping[str, str] | None = None,
    name: str = "postgres",
) -> ServerSpec:
    """PostgreSQL with TimescaleDB and pg_cron, its data in ``directory`` (see :func:`init_postgres`)."""
    url = database_url(port, "postgres", password, "postgres")

    def command(info_fd: int) -> list[str]:
        lines = ["# Written at every start. Settings of your own: in conf.d/*.conf", "include_dir = 'conf.d'"]
        values = postgres_settings(port, database, memory_bytes()) | dict(settings or {})
        lines[1:1] = [f"{key} = '{value}'" for key, value in values.items()]
        (directory / "conf.d").mkdir(exist_ok=True)
        write_private(directory / "postgresql.conf", "\n".join(lines) + "\n")
        return runtime.command(f"{PG_BIN}/postgres", "-D", str(directory), binds=[directory], info_fd=info_fd)

    def ready() -> None:
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
            if connection.execute("select pg_is_in_recovery()").fetchone() != (False,):
                raise NotReady("in recovery")

    return ServerSpec(
        name=name,
        command=command,
        ready=ready,
        url=f"postgresql://{LOOPBACK}:{port}/{database}",
        in_runtime=runtime.root is not None,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
        stop_timeout=60,
        ready_timeout=120,
    )


# Redis


def redis_url(port: int, user: str, password: str) -> str:
    """The URL that a user of Redis (see :mod:`stack.redis_users`) connects with."""
    return f"redis://{user}:{quote(password, safe='')}@{LOOPBACK}:{port}/0"


def redis_server(
    runtime: Runtime, directory: Path, port: int, passwords: Mapping[str, str], *, name: str = "redis"
) -> ServerSpec:
    """Redis as the duplicate filter: a cache that may be lost, so nothing is written to disk.

    ``passwords``: of its users, by user.
    """

    def command(info_fd: int) -> list[str]:
        directory.mkdir(parents=True, exist_ok=True)
        config, users = directory / "redis.conf", directory / "users.acl"
        write_private(users, redis_users.access_list(passwords))
        write_private(
            config,
            f"bind {LOOPBACK}\nport {port}\nprotected-mode no\naclfile {users}\n"
            f'daemonize no\ndir {directory}\nsave ""\nappendonly no\n'
            f"maxmemory {min(max(memory_bytes() // 32, 64 * MIB), 2048 * MIB)}\n"
            "maxmemory-policy allkeys-lru\n",
        )
        return runtime.command("redis-server", str(config), binds=[directory], info_fd=info_fd)

    def ready() -> None:
        with redis.Redis(LOOPBACK, port, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()

    return ServerSpec(
        name=name,
        command=command,
        ready=ready,
        url=f"redis://{LOOPBACK}:{port}/0",
        in_runtime=runtime.root is not None,
    )


# PostgREST


def postgrest(
    runtime: Runtime,
    database_uri: str,
    jwks_file: Path,
    port: int,
    admin_port: int,
    *,
    public_url: str = "",
    secrets_dir: Path | None = None,
    name: str = "postgrest",
) -> ServerSpec:
    """PostgREST over ``database_uri`` (as role authenticator), configured by postgrest.conf."""
    if secrets_dir is not None:
        # a file, so that the password does not stand in the environment
        uri_file = secrets_dir / "postgrest_database_uri"
        write_private(uri_file, database_uri)
        database_uri = f"@{uri_file}"
    environment = {
        "PGRST_DB_URI": database_uri,
        "PGRST_JWT_SECRET": f"@{jwks_file}",
        "PGRST_SERVER_HOST": LOOPBACK,
        "PGRST_SERVER_PORT": str(port),
        "PGRST_ADMIN_SERVER_PORT": str(admin_port),
        # Threads of its runtime. With one for every processor they fight the database for them: on two
        # processors, p95 at 16 connections falls by up to a fifth with one thread.
        "GHCRTS": f"-N{max(1, len(os.sched_getaffinity(0)) // 2)}",
    }
    if public_url:
        environment["PGRST_OPENAPI_SERVER_PROXY_URI"] = f"{public_url}/api/v1"
        environment["PGRST_SERVER_CORS_ALLOWED_ORIGINS"] = origins(public_url)
    return ServerSpec(
        name=name,
        command=lambda _: until_parent_ends([str(runtime.postgrest), str(CHECKOUT / "postgrest.conf")]),
        ready=lambda: http_ready(f"http://{LOOPBACK}:{admin_port}/ready"),
        url=f"http://{LOOPBACK}:{port}",
        environment=lambda: environment,
    )


def origins(public_url: str) -> str:
    """The page's own origin, under both names of loopback."""
    return f"{public_url},{public_url.replace(LOOPBACK, 'localhost')}"


# nginx


def nginx(
    runtime: Runtime,
    directory: Path,
    port: int,
    upstreams: Mapping[str, str],
    *,
    settings: Mapping[str, str] | None = None,
    name: str = "nginx",
) -> ServerSpec:
    """nginx as the one origin on ``port``.

    ``upstreams``: host:port of ingest, relay, auth, postgrest, postgrest_admin. ``settings``: names of the
    template (SEGS_EDGE_...) that shall not be what the environment says.
    """
    url = f"http://{LOOPBACK}:{port}"

    def command(info_fd: int) -> list[str]:
        values = edge.settings(origins(url)) | dict(settings or {})
        config = edge.write_config(runtime, directory, f"{LOOPBACK}:{port}", upstreams, values)
        arguments = ["-c", str(config), "-e", "stderr", "-p", str(directory)]
        # alone: nginx's workers would outlive a killed master, and keep its port
        return runtime.command("nginx", *arguments, binds=[directory], info_fd=info_fd, alone=True)

    def ready() -> None:
        edge.rotate_access_log(directory)
        http_ready(f"{url}/")

    return ServerSpec(name=name, command=command, ready=ready, url=url, in_runtime=runtime.root is not None)
