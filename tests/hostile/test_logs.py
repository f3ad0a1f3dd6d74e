"""No log holds anything secret, whatever has been done and whatever has gone wrong."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import aiohttp
import pytest

from stack.runtime import Runtime
from tests.support import accounts
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import RestClient
from tests.support.servers import JOURNAL, Redis
from tests.support.wait import wait_until


@pytest.fixture(scope="module")
def target(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """A platform that logs all it can, and is soon tired of one address."""
    settings = {"SEGS_LOG_LEVEL": "DEBUG", "SEGS_EDGE_API_BURST": "40", "SEGS_EDGE_API_RATE": "1"}
    directory = tmp_path_factory.mktemp("logs")
    platform = Platform(runtime, directory, keys, database, redis_session, accounts=True, **settings)
    with platform.running() as running:
        yield running


async def test_nothing_secret_is_in_any_log(target: Platform, keys: Keys) -> None:
    begun = JOURNAL.lengths()
    secrets: dict[str, str] = {}
    email, password = "log@demo.example", "a passphrase of nobody else"
    secrets["password"], secrets["wrong password"] = password, "quite a wrong passphrase"
    async with accounts.client(target.url) as client:
        await client.post("register", name="L", email=email, password=password)
        secrets["code"] = accounts.mailed_code(target.mail_dir, email)
        await client.post("verify-otp", email=email, otp="000000")
        first = await client.post("verify-otp", email=email, otp=secrets["code"])
        assert first.status == 200
        await client.post("login", email=email, password=secrets["wrong password"])
        second = await client.post("login", email=email, password=password)
        for name, answer in (("first", first), ("second", second)):
            secrets[f"{name} access token"] = answer["access_token"]
            secrets[f"{name} refresh token"] = answer["refresh_token"]
        renewed = await client.post("refresh", refresh_token=second["refresh_token"])
        secrets["third access token"] = renewed["access_token"]
        secrets["third refresh token"] = renewed["refresh_token"]
        ticket = await client.post("ws-ticket", renewed["access_token"])
        secrets["ticket"] = ticket["ticket"]

    token = secrets["third access token"]
    admin = target.rest("admin")
    secrets["administrator's token"] = admin.headers["Authorization"].split()[1]
    secrets["device token"] = admin.post("/rpc/create_device_token", {"name": "log"}).json()["token"]
    edge = RestClient(target.url)
    for bearer in (secrets["device token"], keys.mint("device"), token):
        secrets[f"bearer {len(secrets)}"] = bearer
        edge.post("/telemetry/batch", [{"meter_id": "?"}], {"Authorization": f"Bearer {bearer}"})
        edge.post("/telemetry/batch", "x", {"Authorization": f"Bearer {bearer}x"})
    edge.get(f"/api/v1/meters?apikey={token}", {"Authorization": f"Bearer {token}"})
    edge.get("/api/v1/meters?select=json_agg", {"Authorization": f"Bearer {token}"})
    edge.post("/api/v1/rpc/alert_summary", {token: token}, {"Authorization": f"Bearer {token}"})
    await open_socket(target, f"?ticket={secrets['ticket']}")
    await open_socket(target, f"?ticket={secrets['ticket']}")  # used
    await open_socket(target, f"?token={token}")
    await open_socket(target, f"?token={token}x")
    await open_socket(target, "", token)

    # What goes wrong: a header too large, a bad request, a service that is away, a limit reached.
    for path in ("/ws", "/health", "/telemetry/batch", "/api/v1/meters", "/api/v1/user/me", "/nowhere"):
        address = f"{path}?ticket={secrets['ticket']}&token={token}"
        edge.get(address, {"X-Long": "x" * 9000})
        edge.get(address, {"Authorization": f"Bearer {token}"})
        edge.request("FOO", address)
    for stopped in (target.relay, target.postgrest, target.ingest, target.more[0]):
        stopped.stop()
    for path in ("/ws", "/ws/ticket", "/telemetry/batch", "/api/v1/meters", "/api/v1/user/me", "/health"):
        for _ in range(3):
            edge.get(f"{path}?ticket={secrets['ticket']}&token={token}", {"Authorization": f"Bearer {token}"})
    limited = [edge.get(f"/ws?ticket={secrets['ticket']}").status for _ in range(60)]
    assert 429 in limited

    log = target.edge_dir / "access.log"
    wait_until(lambda: '/ws" 429' in log.read_text(), "the last of it is logged")
    logged = {name: "\n".join(lines) for name, lines in JOURNAL.since(begun).items()}
    logged["access.log"] = log.read_text()
    assert {"ingest", "relay", "auth"} <= set(logged), "they do log"
    for server, text in logged.items():
        for name, secret in secrets.items():
            assert secret not in text, f"{server} has logged the {name}"
            signature = secret.rpartition(".")[2]
            assert len(signature) < 20 or signature not in text, f"{server} has logged a part of the {name}"


async def open_socket(target: Platform, query: str, token: str = "") -> None:
    protocols = ("segs.v1", f"bearer.{token}") if token else ("segs.v1",)
    async with aiohttp.ClientSession() as http:
        with contextlib.suppress(aiohttp.WSServerHandshakeError):
            async with http.ws_connect(f"{target.url}/ws{query}", protocols=protocols) as ws:
                assert json.loads((await ws.receive()).data)["type"] == "welcome"
