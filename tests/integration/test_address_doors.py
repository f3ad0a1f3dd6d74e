"""One address, one account, through every door that takes one; what can never sign in is refused at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from stack.runtime import Runtime
from stack.users import InvitationRefusedError, find_user, invite
from tests.integration.test_rest import assert_error
from tests.support.accounts import PASSWORD, Client, client, queued, queued_code
from tests.support.addresses import ADDRESSES
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import RestClient
from tests.support.servers import Redis

SPELLINGS = [
    ["chef@stadtwerke-zürich.example", "Chef@Stadtwerke-ZÜRICH.Example",
     "chef@xn--stadtwerke-zrich-uzb.example", " chef@stadtwerke-zu\u0308rich.example ",
     "CHEF@XN--STADTWERKE-ZRICH-UZB.EXAMPLE"],
    ["juerg@bücher.example", "juerg@xn--bcher-kva.example", "JUERG@BÜCHER.EXAMPLE",
     "juerg@\uff42ücher.example"],
    ["ada+meter@werke.example", "Ada+Meter@WERKE.example", "\tADA+METER@werke.example\n"],
    ["a@энергия.рф", "A@ЭНЕРГИЯ.РФ", "a@xn--c1adkrq9eta.xn--p1ai"],
]  # fmt: skip
REFUSED = [given for given, normal in ADDRESSES if normal is None]


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def platform(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """REST and the auth worker."""
    directory = tmp_path_factory.mktemp("doors")
    limits = {"SEGS_AUTH_MAILS_ACCOUNT": "100", "SEGS_AUTH_MAILS_EVERYWHERE": "100"}
    with Platform(
        runtime, directory, keys, database, redis_session, accounts=True, **limits
    ).running() as running:
        running.more[1].stop()  # the notifier would take the codes away
        yield running


@pytest.fixture
async def auth(platform: Platform) -> AsyncIterator[Client]:
    async with client(platform.more[0].url) as speaker:
        yield speaker


@pytest.fixture
def platform_admin(platform: Platform, keys: Keys) -> RestClient:
    sub = keys.users["platform@segs.example"]
    headers = keys.headers("platform_admin", tenant="platform", sub=sub)
    return RestClient(platform.postgrest.url, headers)


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda spellings: spellings[0])
async def test_every_spelling_is_one_account_at_every_door(
    platform_admin: RestClient,
    platform: Platform,
    auth: Client,
    database: Database,
    keys: Keys,
    spellings: list[str],
) -> None:
    normal = dict(ADDRESSES)[spellings[0]] or ""
    for number, first in enumerate(spellings):
        tenant = f"t{uuid4().hex[:12]}"
        body = {"code": tenant, "name": "New", "admin_email": first, "admin_name": "Ada"}
        assert platform_admin.post("/rpc/create_tenant", body).status == 200
        others = spellings[number:] + spellings[:number]
        for spelling in others:
            # anyone who registers a spelling of it registers the administrator's address
            answer = await auth.post("register", name="Eve", email=spelling, tenant=tenant)
            assert answer.status == 202
            answer = await auth.post("forgot-password", email=spelling, tenant=tenant)
            assert answer.status == 202
            code = queued_code(database, normal)
            answer = await auth.post(
                "reset-password", email=spelling, tenant=tenant, otp=code, password=PASSWORD
            )
            assert answer.status == 200, spelling
            answer = await auth.post("login", email=spelling, tenant=tenant, password=PASSWORD)
            assert (answer.status, answer["user"]["email"]) == (200, normal), spelling
            assert answer["user"]["role"] == "admin"
            admin = RestClient(platform.postgrest.url, {"Authorization": f"Bearer {answer['access_token']}"})
            meter = {"meter_id": f"M-{uuid4().hex[:8]}", "region": "north"}
            assert admin.post("/rpc/register_meters", {"meters": [meter]}).status == 200
            owned = admin.post("/rpc/assign_meter", {"meter_id": meter["meter_id"], "owner": spelling})
            assert owned.status == 200, owned.text
            assert owned.json()["user_id"] == answer["user"]["user_id"]
            assert find_user(database.admin_url, tenant, email=spelling) == answer["user"]["user_id"]
            with pytest.raises(InvitationRefusedError, match="already"):
                invite(database.admin_url, tenant, spelling, "Eve", "admin")
        count = "select count(*) from auth.user_account join grid.tenant using (tenant_id) where code = %s"
        assert database.value(count, (tenant,)) == 1


@pytest.mark.parametrize("address", REFUSED)
async def test_what_can_never_sign_in_is_refused_when_given(
    platform_admin: RestClient, platform: Platform, auth: Client, database: Database, keys: Keys, address: str
) -> None:
    tenant = f"t{uuid4().hex[:12]}"
    body = {"code": tenant, "name": "New", "admin_email": address, "admin_name": "Ada"}
    assert_error(platform_admin.post("/rpc/create_tenant", body), 422, "PT422")
    assert database.value("select count(*) from grid.tenant where code = %s", (tenant,)) == 0
    with pytest.raises(InvitationRefusedError, match="address"):
        invite(database.admin_url, "demo", address, "Eve", "consumer")
    for door, more in (
        ("register", {"name": "Eve"}),
        ("login", {"password": PASSWORD}),
        ("forgot-password", {}),
        ("resend-otp", {}),
        ("verify-otp", {"otp": "000000"}),
        ("reset-password", {"otp": "000000", "password": PASSWORD}),
    ):
        answer = await auth.post(door, email=address, **more)
        assert (answer.status, answer["code"]) == (422, "invalid_input"), door
    admin = RestClient(platform.postgrest.url, keys.headers("admin"))
    assert_error(admin.post("/rpc/assign_meter", {"meter_id": "SIM-00003", "owner": address}), 404, "PT404")
    assert not queued(database, address)
