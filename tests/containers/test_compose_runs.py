"""compose.yaml in real containers: from nothing to a price heard over the edge."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.containers.deployment import Deployment
from tests.support.accounts import PASSWORD, client
from tests.support.relay import Client, Frame, connect
from tests.support.rest import RestClient
from tests.support.wait import wait_until

ADMIN = "ada@power.example"
TENANT_ADMIN = "tom@werke.example"
ONE_SHOT = {"migrate"}
DEADLINE = 300

pytestmark = pytest.mark.timeout(1800)


def test_every_service_is_healthy(deployment: Deployment) -> None:
    for name, state in deployment.states().items():
        if name in ONE_SHOT:
            assert (state["State"]["Status"], state["State"]["ExitCode"]) == ("exited", 0), name
        else:
            assert state["State"]["Health"]["Status"] == "healthy", name


def test_limits_hold_in_the_running_containers(deployment: Deployment) -> None:
    for name, state in deployment.states().items():
        settings = state["HostConfig"]
        assert settings["Memory"] > 0, name
        assert settings["NanoCpus"] > 0, name
        assert settings["PidsLimit"] > 0, name
        assert settings["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in settings["SecurityOpt"], name
        assert settings["ReadonlyRootfs"] or name == "postgres", name
        assert bool(settings["PortBindings"]) == (name == "edge"), name


def test_no_process_is_root(deployment: Deployment) -> None:
    for name in deployment.states().keys() - ONE_SHOT:
        assert deployment.inside(name, "id", "-u").strip() != "0", name


def code_for(deployment: Deployment, address: str) -> str:
    """The one-time code in a mail to an address."""

    def found() -> str | None:
        codes = (re.search(r"^ {4}(\d{6})", text, re.MULTILINE) for text in deployment.mails(address))
        return next((match[1] for match in codes if match), None)

    return str(wait_until(found, f"a code for {address} is mailed", timeout=DEADLINE))


async def signed_in(deployment: Deployment, tenant: str, address: str) -> str:
    """The access token of someone who was invited: they choose a password with a code by mail."""
    async with client(deployment.url) as person:
        asked = await person.post("forgot-password", tenant=tenant, email=address)
        assert asked.status == 202, asked.body
        code = code_for(deployment, address)
        chosen = await person.post(
            "reset-password", tenant=tenant, email=address, otp=code, password=PASSWORD
        )
        assert chosen.status == 200, chosen.body
        entered = await person.post("login", tenant=tenant, email=address, password=PASSWORD)
        assert entered.status == 200, entered.body
        return str(entered["access_token"])


def rest_of(deployment: Deployment, token: str) -> RestClient:
    return RestClient(f"{deployment.url}/api/v1", {"Authorization": f"Bearer {token}"})


async def heard(listener: Client, topic: str) -> Frame:
    """The next event of a topic, however long it takes."""
    while True:
        frame: Frame = await listener.ws.receive_json(timeout=DEADLINE)
        if frame.get("topic") == topic:
            return frame


async def sent(deployment: Deployment, token: str, readings: list[dict[str, Any]]) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{deployment.url}/telemetry/batch", json={"readings": readings}) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_from_an_invitation_to_a_price(deployment: Deployment) -> None:
    invite = f"select auth.invite('platform', '{ADMIN}', 'Ada Admin', 'platform_admin')"
    deployment.inside("postgres", "psql", "-U", "postgres", "segs", "-c", invite)  # as deploy/README.md says
    platform_admin = rest_of(deployment, await signed_in(deployment, "platform", ADMIN))
    made = platform_admin.post(
        "/rpc/create_tenant",
        {"code": "werke", "name": "Werke", "time_zone": "Europe/Berlin", "currency": "EUR",
         "admin_email": TENANT_ADMIN, "admin_name": "Tom"},
    )  # fmt: skip
    assert made.status == 200, made.text
    admin_token = await signed_in(deployment, "werke", TENANT_ADMIN)
    admin = rest_of(deployment, admin_token)

    registered = admin.post(
        "/rpc/register_meters", {"meters": [{"meter_id": "M-1", "region": "north", "kind": "one_way"}]}
    )
    assert registered.status == 200, registered.text
    device = admin.post("/rpc/create_device_token", {"name": "gateway"})
    assert device.status == 200, device.text

    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
    readings = [
        {"meter_id": "M-1", "timestamp": (start + timedelta(minutes=5 * n)).isoformat(), "kwh": 0.1}
        for n in range(24)
    ]
    async with connect(deployment.url, admin_token) as listener:
        await listener.subscribe(topics=["price.published"])
        answer = await sent(deployment, device.json()["token"], readings)
        assert answer["accepted"] == 24
        price = await asyncio.wait_for(heard(listener, "price.published"), DEADLINE)
    assert price["payload"]["region"] in {row["region"] for row in admin.get("/tariffs").json()}


@pytest.mark.parametrize(
    "service", ["redis", "postgrest", "ingest", "relay", "auth", "notifier", "edge", "postgres"]
)
def test_every_service_comes_back_after_a_restart(deployment: Deployment, service: str) -> None:
    deployment.compose("restart", "--timeout", "20", service)
    deployment.compose("up", "--detach", "--wait", "--wait-timeout", "300")
    test_every_service_is_healthy(deployment)
