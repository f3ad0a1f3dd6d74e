"""What one stack consists of: its ports, its database, and its servers in the order in which they start."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from deploy.deployer import database
from stack import edge, redis_users, secrets, servers
from stack.paths import CHECKOUT, DataDir
from stack.process import LineSink, ServerSpec
from stack.progress import SetupError, say
from stack.runtime import Runtime
from stack.supervisor import Stage
from stack.users import find_user, set_demo_password

DATABASE = "segs"
INTERNAL = ("postgres", "redis", "ingest", "relay", "auth", "notifier", "postgrest", "postgrest_admin")
WORKERS = ("ingest", "relay", "auth", "notifier")
SEED = CHECKOUT / "db" / "seed" / "development.sql"
DEFAULT_SIMULATION = ("--meters", "100", "--replay", "uci", "--history", "1d", "--faults", "default")
TENANT = "demo"
SIMULATOR_TOKEN_TTL = 30 * 86400


@dataclass(frozen=True)
class Plan:
    """Everything that follows from the data folder, the edge port and the environment."""

    data: DataDir
    runtime: Runtime
    secrets: secrets.Secrets
    ports: dict[str, int]
    external_url: str | None

    @property
    def edge_url(self) -> str:
        return f"http://{servers.LOOPBACK}:{self.ports['edge']}"

    @property
    def admin_url(self) -> str:
        """The database, as its administrator."""
        if self.external_url is not None:
            return self.external_url
        password = self.secrets.passwords["postgres"]
        return servers.database_url(self.ports["postgres"], "postgres", password, DATABASE)

    def role_url(self, role: str) -> str:
        """The database, as the login role of a service."""
        return with_login(self.admin_url, role, self.secrets.passwords[role])

    def redis_url(self, worker: str) -> str:
        """Redis, as the user of a worker."""
        user = f"segs_{worker}"
        return servers.redis_url(self.ports["redis"], user, self.secrets.redis_passwords[user])

    @property
    def health_peers(self) -> str:
        """What /health at the edge tells of, besides ingest."""
        return edge.health_peers({name: f"{servers.LOOPBACK}:{port}" for name, port in self.ports.items()})

    def token(self, role: str, sub: str, ttl: float, tenant: str = TENANT) -> str:
        """A signed development token."""
        return secrets.mint_token(self.secrets.private_key_file, role=role, tenant=tenant, sub=sub, ttl=ttl)


def with_login(url: str, user: str, password: str) -> str:
    """The same database address with another login."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))


def make_plan(data: DataDir, runtime: Runtime, edge_port: int) -> Plan:
    """Settle secrets and ports. Ports of the last start are kept when they are still free."""
    data.create()
    if not servers.port_is_free(edge_port):
        raise SetupError(f"port {edge_port} is in use on this machine: choose another with --port")
    external = os.environ.get("SEGS_DATABASE_URL") or None
    if external is not None and urlsplit(external).scheme not in ("postgresql", "postgres"):
        raise SetupError("SEGS_DATABASE_URL must be a URL: postgresql://user:password@host:port/database")
    password_was_lost = data.postgres.exists() and not (data.secrets / "passwords.json").exists()
    known = secrets.load_or_create(data.secrets)
    if external is None and password_was_lost:
        say("the passwords of this data folder are gone: setting new ones")
        servers.reset_postgres_password(runtime, data.postgres, known.passwords["postgres"])
    return Plan(data, runtime, known, {"edge": edge_port, **_internal_ports(data)}, external)


def _internal_ports(data: DataDir) -> dict[str, int]:
    file = data.run / "ports.json"
    before: dict[str, int] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    ports: dict[str, int] = {}
    for name in INTERNAL:
        port = before.get(name)
        while port is None or port in ports.values() or not servers.port_is_free(port):
            port = servers.free_port()
        ports[name] = port
    secrets.write_private(file, json.dumps(ports))
    return ports


def make_stages(plan: Plan, sink: LineSink, simulation: list[str] | None) -> list[Stage]:
    """The servers in order of start; ``simulation`` holds the simulator's options, None for no simulator."""
    runtime, data, ports = plan.runtime, plan.data, plan.ports
    stages = []
    if plan.external_url is None:
        password = plan.secrets.passwords["postgres"]
        postgres = servers.postgres(runtime, data.postgres, ports["postgres"], password, database=DATABASE)
        stages.append(
            Stage(
                (postgres,), before=lambda: servers.init_postgres(runtime, data.postgres, password, DATABASE)
            )
        )
    redis_spec = servers.redis_server(runtime, data.redis, ports["redis"], plan.secrets.redis_passwords)
    stages.append(Stage((redis_spec,), before=lambda: deploy(plan, sink)))
    postgrest = servers.postgrest(
        runtime,
        plan.role_url("authenticator"),
        plan.secrets.jwks_file,
        ports["postgrest"],
        ports["postgrest_admin"],
        public_url=plan.edge_url,
        secrets_dir=plan.secrets.directory / "postgrest",
    )
    stages.append(Stage((postgrest, *(worker(plan, name) for name in WORKERS))))
    upstreams = {
        name: f"{servers.LOOPBACK}:{ports[name]}"
        for name in ("ingest", "relay", "auth", "postgrest", "postgrest_admin")
    }
    stages.append(Stage((servers.nginx(runtime, data.nginx, ports["edge"], upstreams),)))
    if simulation is not None:
        stages.append(Stage((simulator(plan, simulation),), restart_when_done=False))
    return stages


def deploy(plan: Plan, sink: LineSink) -> None:
    """Bring the database to this checkout: roles, migrations, functions, passwords, demo data."""
    for done in database.deploy(plan.admin_url, plan.runtime.dbmate):
        sink("deploy", done)
    database.set_passwords(plan.admin_url, plan.secrets.role_passwords)
    with psycopg.connect(plan.admin_url, autocommit=True) as connection:
        if SEED.exists():
            database.run_file(connection, database.SourceFile(SEED))
            set_demo_password(connection, plan.secrets.passwords["demo"])
        if connection.execute("select to_regnamespace('cron') is null").fetchone() == (True,):
            sink("deploy", "pg_cron is not in this database: windows will not close by themselves")


def disks(data: DataDir) -> dict[str, Path]:
    """A folder of each file system that the data folder reaches over."""
    found: dict[int, tuple[str, Path]] = {}
    for name, path in (("data", data.path), ("pg", data.postgres), ("log", data.logs), ("run", data.run)):
        if path.exists():
            found.setdefault(path.stat().st_dev, (name, path))
    return dict(found.values())


def worker(plan: Plan, name: str) -> ServerSpec:
    """One of our own workers. Its secrets are files, not environment variables."""
    directory = plan.secrets.directory / name
    secrets.write_private(directory / f"segs_{name}_database_url", plan.role_url(f"segs_{name}"))
    redis_url = directory / "segs_redis_url"
    if name in redis_users.WORKERS:
        secrets.write_private(redis_url, plan.redis_url(name))
    else:
        redis_url.unlink(missing_ok=True)
    if name == "auth":
        secrets.write_private(directory / "segs_auth_code_key", plan.secrets.passwords["auth_code_key"])
    prefix = f"SEGS_{name.upper()}"
    port = plan.ports[name]
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if key.startswith("SEGS_")
            and key != "SEGS_DATABASE_URL"
            and (key != "SEGS_REDIS_URL" or name in redis_users.WORKERS)
        },
        "SEGS_ENVIRONMENT": "development",
        "SEGS_SECRETS_DIR": str(directory),
        "SEGS_JWKS_FILE": str(plan.secrets.jwks_file),
        f"{prefix}_HOST": servers.LOOPBACK,
        f"{prefix}_PORT": str(port),
    }
    if name == "auth":
        environment["SEGS_AUTH_SIGNING_KEY_FILE"] = str(plan.secrets.private_key_file)
    if name == "notifier" and "SEGS_NOTIFIER_SMTP_HOST" not in os.environ:
        environment["SEGS_NOTIFIER_MAIL_DIR"] = str(plan.data.mail)
    if name == "relay":
        environment["SEGS_RELAY_ALLOWED_ORIGINS"] = edge.allowed_origins(servers.origins(plan.edge_url))
    if name == "ingest":
        environment["SEGS_INGEST_HEALTH_PEERS"] = plan.health_peers
        environment["SEGS_INGEST_DISKS"] = ":".join(f"{k}={v}" for k, v in disks(plan.data).items())
    return ServerSpec(
        name=name,
        command=lambda _: servers.until_parent_ends([sys.executable, "-m", f"workers.{name}"]),
        ready=lambda: servers.http_ready(f"http://{servers.LOOPBACK}:{port}/health"),
        url=f"http://{servers.LOOPBACK}:{port}",
        environment=lambda: environment,
        cwd=CHECKOUT,
    )


def simulator(plan: Plan, options: list[str]) -> ServerSpec:
    """The simulated grid, a client like any other: it knows the edge and two tokens."""

    def environment() -> dict[str, str]:
        operator = find_user(plan.admin_url, TENANT, role="operator")
        return {
            "SEGS_TARGET": plan.edge_url,
            "SEGS_TOKEN": plan.token("device", "simulator", SIMULATOR_TOKEN_TTL),
            "SEGS_OPERATOR_TOKEN": plan.token("operator", operator, SIMULATOR_TOKEN_TTL),
        }

    return ServerSpec(
        name="simulator",
        command=lambda _: servers.until_parent_ends([sys.executable, "-m", "simulator", *options]),
        ready=lambda: None,
        url=plan.edge_url,
        environment=environment,
        cwd=CHECKOUT,
    )
