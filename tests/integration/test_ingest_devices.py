"""Opaque device tokens at the ingest worker: good until revoked, for all meters of a tenant or for some."""

from __future__ import annotations

import pytest

from tests.conftest import StartWorker
from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.servers import TestServer
from tests.support.wait import wait_until_async

REVOKE = "update auth.device_token set revoked_at = now()"


def make_token(database: Database, meters: list[str] | None = None) -> str:
    """A token of tenant demo, as its administrator would make it."""
    token: str = database.value(
        "select d.token from auth.user_account as u,"
        " lateral auth.create_device_token(u.tenant_id, 'Gateway', %s, u.user_id, null) as d"
        " where u.email = 'admin@demo.example'",
        (meters,),
    )
    return token


@pytest.fixture
def server(start_ingest: StartWorker) -> TestServer:
    return start_ingest(SEGS_INGEST_DEVICE_TTL="0.2", SEGS_INGEST_UNKNOWN_METER_TTL="0")


async def test_a_device_token_sends_for_its_tenant_until_revoked(
    server: TestServer, database: Database
) -> None:
    async with Gateway.open(server.url, make_token(database)) as gateway:
        at = now()
        answer = await gateway.send([reading(1, at), reading(2, at)])
        assert (answer["accepted"], answer["rejected"]) == (2, [])
        assert database.value("select last_used_at is not null from auth.device_token") is True

        database.rows(REVOKE)

        async def refused() -> bool:
            status, answer, headers = await gateway.post_readings([reading(1, at)])
            if status == 401:
                assert answer["code"] == "unauthorized"
                assert headers["WWW-Authenticate"] == "Bearer"
            return status == 401

        await wait_until_async(refused, "the revoked token is refused")


async def test_a_restricted_token_knows_no_other_meter(server: TestServer, database: Database) -> None:
    async with Gateway.open(server.url, make_token(database, ["SIM-00002"])) as gateway:
        at = now()
        foreign = {**reading(1, at), "meter_id": "NOBODYS"}
        answer = await gateway.send([reading(1, at), reading(2, at), foreign])
        assert answer["accepted"] == 1
        assert [(item["index"], item["code"], item["message"]) for item in answer["rejected"]] == [
            (0, "unknown_meter", "no such meter"),
            (2, "unknown_meter", "no such meter"),
        ]
    stored = "select m.code from grid.reading join grid.meter as m using (meter_id)"
    assert database.rows(stored) == [("SIM-00002",)]


@pytest.mark.parametrize("token", ["segsd_" + "A" * 43, "segsd_short", "segsd_" + "A" * 42 + "%"])
async def test_a_token_nobody_made_is_refused(server: TestServer, token: str) -> None:
    async with Gateway.open(server.url, token) as gateway:
        status, answer, _ = await gateway.post_readings([reading(1, now())])
    assert (status, answer["code"], answer["message"]) == (401, "unauthorized", "the token is not valid")
