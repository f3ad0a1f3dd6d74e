"""The whole platform on one database: workers, PostgREST and nginx as real processes behind one origin.

What pg_cron does in a running stack is called by hand here, with the time passed in.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack import servers as stack
from stack.edge import health_peers
from stack.paths import CHECKOUT
from stack.runtime import Runtime
from tests.support import relay as relay_client
from tests.support.accounts import auth_settings, notifier_settings
from tests.support.cluster import Database
from tests.support.ingest import Gateway, now
from tests.support.keys import Keys
from tests.support.rest import RestClient
from tests.support.servers import Redis, TestServer, free_port, worker
from tests.support.wait import patient


class Platform:
    """Everything but pg_cron. ``url`` is the one origin."""

    def __init__(
        self,
        runtime: Runtime,
        directory: Path,
        keys: Keys,
        database: Database,
        redis: Redis,
        *,
        accounts: bool = False,
        **settings: str,
    ) -> None:
        """``accounts``: with the auth worker and a notifier that writes into ``mail_dir``."""
        self.keys, self.database, self.redis = keys, database, redis

        def shared(kind: str) -> dict[str, str]:
            return {**redis.settings_of(kind), "SEGS_JWKS_FILE": str(keys.jwks_file), **settings}

        self.relay = worker(
            "relay", "relay", {**shared("relay"), "SEGS_RELAY_DATABASE_URL": database.url("segs_relay")}
        )
        port, admin_port, edge_port = (free_port() for _ in range(3))
        authenticator = database.url("authenticator")
        self.postgrest = TestServer(stack.postgrest(runtime, authenticator, keys.jwks_file, port, admin_port))
        upstreams = {
            "relay": urlsplit(self.relay.url).netloc,
            "postgrest": f"{stack.LOOPBACK}:{port}",
            "postgrest_admin": f"{stack.LOOPBACK}:{admin_port}",
        }
        self.mail_dir = directory / "mail"
        self.more: tuple[TestServer, ...] = ()
        if accounts:
            auth = worker("auth", "auth", {**shared("auth"), **auth_settings(database, keys)})
            upstreams["auth"] = urlsplit(auth.url).netloc
            mail = {
                **shared("notifier"),
                **notifier_settings(database),
                "SEGS_NOTIFIER_MAIL_DIR": str(self.mail_dir),
            }
            self.more = (auth, worker("notifier", "notifier", mail))
        ingest = {
            **shared("ingest"),
            "SEGS_INGEST_DATABASE_URL": database.url("segs_ingest"),
            "SEGS_INGEST_HEALTH_PEERS": health_peers(upstreams),
        }
        self.ingest = worker("ingest", "ingest", ingest)
        upstreams["ingest"] = urlsplit(self.ingest.url).netloc
        at_edge = {name: value for name, value in settings.items() if name.startswith("SEGS_EDGE_")}
        self.edge_dir = directory / "nginx"
        self.edge = TestServer(stack.nginx(runtime, self.edge_dir, edge_port, upstreams, settings=at_edge))

    @property
    def url(self) -> str:
        """Where all of it is."""
        return self.edge.url

    @contextmanager
    def running(self) -> Iterator[Platform]:
        """Start everything; stop it at the end."""
        servers = (self.ingest, self.relay, self.postgrest, *self.more, self.edge)
        try:
            for server in servers:
                server.start()
            for server in servers:
                server.wait_ready(patient(server.spec.ready_timeout))
            yield self
        finally:
            for server in reversed(servers):
                server.stop()

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        """A device that sends readings."""
        async with Gateway.open(self.url, self.keys.mint("device")) as gateway:
            yield gateway

    @asynccontextmanager
    async def listen(self, role: str = "operator", **subscription: Any) -> AsyncIterator[relay_client.Client]:
        """A subscribed WebSocket of the role's seeded person."""
        async with relay_client.connect(self.url, self.keys.mint(role)) as client:
            await client.subscribe(**subscription)
            yield client

    def rest(self, role: str = "operator") -> RestClient:
        """The REST API as the role's seeded person."""
        return RestClient(f"{self.url}/api/v1", self.keys.headers(role))

    def simulator(self, *options: str) -> subprocess.Popen[str]:
        """Start the simulator against this platform; it ends by itself or by a signal."""
        tokens = ["--token", self.keys.mint("device"), "--operator-token", self.keys.mint("operator")]
        command = [sys.executable, "-m", "simulator", "--target", self.url, *tokens, "--json", *options]
        return subprocess.Popen(
            command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def simulate(self, *options: str) -> dict[str, Any]:
        """Run the simulator to its end; its summary."""
        return finished(self.simulator(*options))

    def close_windows(self, at: datetime | None = None) -> None:
        """What pg_cron does every few seconds; by default as if nothing had arrived for a while."""
        self.database.rows("call grid.close_windows(%s)", (at or now() + timedelta(minutes=3),))


def finished(simulator: subprocess.Popen[str], timeout: float = 90) -> dict[str, Any]:
    """Wait for a simulator to end well; its summary."""
    try:
        output, errors = simulator.communicate(timeout=patient(timeout))
    except subprocess.TimeoutExpired:
        simulator.kill()
        output, errors = simulator.communicate()
    assert simulator.returncode == 0, f"status {simulator.returncode}: {errors[-2000:]}"
    summary: dict[str, Any] = json.loads(output)
    return summary
