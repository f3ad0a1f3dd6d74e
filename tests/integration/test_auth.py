"""The auth worker on real PostgreSQL and Redis: registration, codes, sign-in, sessions, passwords."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.conftest import StartWorker
from tests.support.accounts import (
    PASSWORD,
    Answer,
    Client,
    auth_settings,
    client,
    queued,
    queued_code,
    registered,
)
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.servers import Redis, TestServer, worker

NEW_PASSWORD = "quite another passphrase"


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here: each has people of its own."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def auth_server(database: Database, redis_session: Redis, keys: Keys) -> Iterator[TestServer]:
    """One worker for those that need no settings of their own."""
    shared = {"SEGS_REDIS_URL": redis_session.url_of("auth"), "SEGS_JWKS_FILE": str(keys.jwks_file)}
    server = worker("auth", "auth-shared", {**shared, **auth_settings(database, keys)})
    server.up()
    yield server
    server.stop()


@pytest.fixture
async def auth(auth_server: TestServer) -> AsyncIterator[Client]:
    async with client(auth_server.url) as speaker:
        yield speaker


@pytest.fixture
def email() -> str:
    """An address that nobody has used."""
    return f"{uuid4().hex[:12]}@new.example"


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def assert_error(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert set(answer.body) == {"code", "message", "details", "hint"}


async def test_register_confirm_sign_in(auth: Client, database: Database, email: str, keys: Keys) -> None:
    answer = await auth.post(
        "register", name=" Neu  Er ", email=email.upper(), phone="+49 30 901820", password=PASSWORD
    )
    assert answer.status == 202
    (mail,) = queued(database, email)
    assert (mail["kind"], mail["tenant"], mail["name"]) == ("verify_code", "demo", None)
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")

    confirmed = await auth.post("verify-otp", email=email, otp=mail["data"]["code"])
    assert confirmed.status == 200
    assert_error(await auth.post("verify-otp", email=email, otp=mail["data"]["code"]), 400, "invalid_code")

    answer = await auth.post("login", email=email, password=PASSWORD)
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (answer["user"]["name"], answer["user"]["phone"]) == ("Neu Er", "+4930901820")
    claims = claims_of(answer["access_token"])
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 900
    assert (claims["tenant"], claims["role"], claims["iss"]) == ("demo", "consumer", "segs")
    me = await auth.get("me", answer["access_token"])
    assert me.body == answer["user"]
    stored = database.value("select password_hash from auth.user_account where email = %s", (email,))
    assert stored.startswith("$argon2id$")
    assert not database.value(
        "select count(*) from auth.refresh_token where encode(token_hash, 'escape') like %s",
        (f"%{answer['refresh_token']}%",),
    )


async def test_a_code_has_five_attempts_and_a_new_one_replaces_it(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="A", email=email, password=PASSWORD)
    first = queued_code(database, email)
    await auth.post("resend-otp", email=email)
    second = queued_code(database, email)
    if first != second:
        assert_error(await auth.post("verify-otp", email=email, otp=first), 400, "invalid_code")
    wrong = "000000" if second != "000000" else "000001"
    answers = await asyncio.gather(*(auth.post("verify-otp", email=email, otp=wrong) for _ in range(5)))
    assert {answer.status for answer in answers} == {400}
    assert_error(await auth.post("verify-otp", email=email, otp=second), 400, "invalid_code")
    attempts = database.value(
        "select attempts from auth.one_time_code join auth.user_account using (user_id) where email = %s",
        (email,),
    )
    assert attempts == 5


async def test_a_code_expires(auth: Client, database: Database, email: str) -> None:
    await auth.post("register", name="A", email=email, password=PASSWORD)
    database.rows(
        "update auth.one_time_code set created_at = now() - interval '11 minutes',"
        " expires_at = now() - interval '1 second' where user_id ="
        " (select user_id from auth.user_account where email = %s)",
        (email,),
    )
    code = queued_code(database, email)
    assert_error(await auth.post("verify-otp", email=email, otp=code), 400, "invalid_code")


async def test_unknown_waiting_and_known_accounts_get_the_same_answers(
    auth: Client, database: Database, email: str
) -> None:
    """At every door that takes an address. ``waiting`` was registered by who asks, and is not confirmed."""
    await registered(auth, database, email)
    nobody, waiting, disabled = (f"{kind}-{email}" for kind in ("nobody", "waiting", "disabled"))
    await auth.post("register", name="A", email=waiting, password=PASSWORD)
    await registered(auth, database, disabled)
    database.rows("update auth.user_account set disabled_at = now() where email = %s", (disabled,))
    for name, more in (
        ("login", {"password": "not the right one"}),
        ("login", {"password": PASSWORD}),
        ("forgot-password", {}),
        ("resend-otp", {}),
        ("verify-otp", {"otp": "000000"}),
        ("reset-password", {"otp": "000000", "password": NEW_PASSWORD}),
        ("register", {"name": "A", "password": NEW_PASSWORD}),
        ("register", {"name": "A"}),
    ):
        who = [nobody, waiting, disabled, email]
        if more == {"password": PASSWORD}:
            who.remove(email)  # whose password it is
        answers = [await auth.post(name, email=each, **more) for each in who]
        assert len({(answer.status, json.dumps(answer.body)) for answer in answers}) == 1, (name, answers)
        assert len({frozenset(answer.headers) for answer in answers}) == 1, name
    assert queued(database, email)[-1]["kind"] == "already_registered"
    assert (await auth.post("login", email=email, password=PASSWORD)).status == 200, "nothing has changed"


async def test_a_stranger_learns_nothing_by_registering_and_signing_in(
    auth: Client, database: Database, email: str
) -> None:
    await registered(auth, database, email)
    nobody = f"nobody-{email}"
    tried = []
    for address in (email, nobody):
        first = await auth.post("register", name="Eve", email=address, password=NEW_PASSWORD)
        then = await auth.post("login", email=address, password=NEW_PASSWORD)
        tried.append((first.status, first.body, then.status, then.body))
    assert tried[0] == tried[1]


async def test_registering_again_changes_neither_name_nor_phone(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="Ada", email=email, phone="+49 30 901820", password=PASSWORD)
    await auth.post("register", name="Eve", email=email, phone="+49 30 901821", password=PASSWORD)
    await auth.post("register", name="Eve", email=email, password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert (answer["user"]["name"], answer["user"]["phone"]) == ("Ada", "+4930901820")


async def test_registering_an_invited_address_changes_nothing_of_it(
    auth: Client, database: Database, email: str
) -> None:
    database.rows("select auth.invite('demo', %s, 'Invited', 'operator')", (email,))
    await auth.post("register", name="Eve", email=email, phone="+49 30 901821", password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    user = answer["user"]
    assert (user["name"], user["phone"], user["role"], user["has_password"]) == (
        "Invited", None, "operator", False,
    )  # fmt: skip


async def test_mails_to_addresses_that_are_not_confirmed_hold_no_text_of_others(
    auth: Client, database: Database, email: str
) -> None:
    bait = 'Win at https://evil.example, "x" <eve@evil.example>'
    await auth.post("register", name=bait, email=email, password=PASSWORD)
    await auth.post("register", name=bait, email=email, password=NEW_PASSWORD)
    await auth.post("resend-otp", email=email)
    await auth.post("forgot-password", email=email)
    mails = queued(database, email)
    assert [mail["kind"] for mail in mails] == ["verify_code"] * 3 + ["reset_code"]
    assert "evil" not in json.dumps(mails)
    await auth.post("verify-otp", email=email, otp=mails[2]["data"]["code"])
    await auth.post("forgot-password", email=email)
    assert queued(database, email)[-1]["name"] == bait, "who has confirmed is called by their name"


async def test_registering_for_somebody_else_plants_no_password(
    auth: Client, database: Database, email: str
) -> None:
    await auth.post("register", name="Owner", email=email, password=PASSWORD)
    await auth.post("register", name="Stranger", email=email, password=NEW_PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert answer["user"]["has_password"] is False
    assert_error(await auth.post("login", email=email, password=NEW_PASSWORD), 401, "invalid_credentials")
    assert (await auth.post("set-password", answer["access_token"], password=PASSWORD)).status == 200
    answer = await auth.post("set-password", answer["access_token"], password=NEW_PASSWORD)
    assert_error(answer, 409, "password_exists")
    assert (await auth.post("login", email=email, password=PASSWORD)).status == 200


async def test_registering_again_with_the_same_password_keeps_it(
    auth: Client, database: Database, email: str
) -> None:
    for _ in range(2):
        await auth.post("register", name="A", email=email, password=PASSWORD)
    answer = await auth.post("verify-otp", email=email, otp=queued_code(database, email))
    assert answer["user"]["has_password"] is True


async def test_refresh_tokens_rotate_and_reuse_ends_the_family(
    auth: Client, database: Database, email: str
) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert second.status == 200
    assert claims_of(second["access_token"])["sid"] == claims_of(first["access_token"])["sid"]
    assert (await auth.get("me", second["access_token"])).status == 200

    third = await auth.post("refresh", refresh_token=second["refresh_token"])
    reuse = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(reuse, 401, "refresh_token_reused")
    newest = await auth.post("refresh", refresh_token=third["refresh_token"])
    assert_error(newest, 401, "invalid_refresh_token")
    assert_error(await auth.get("me", second["access_token"]), 401, "session_ended")
    assert_error(await auth.post("refresh", refresh_token="made up"), 401, "invalid_refresh_token")


def pair(answer: Answer) -> tuple[str, str]:
    return answer["access_token"], answer["refresh_token"]


async def test_uses_at_once_get_the_same_pair(
    auth: Client, start_auth: StartWorker, database: Database, email: str
) -> None:
    """Twenty tabs and two processes, then an answer that was lost."""
    first = await registered(auth, database, email)
    other = start_auth()
    async with client(other.url) as elsewhere:
        answers = await asyncio.gather(
            *(
                speaker.post("refresh", refresh_token=first["refresh_token"])
                for speaker in (auth, elsewhere)
                for _ in range(10)
            )
        )
    assert {answer.status for answer in answers} == {200}
    assert len({pair(answer) for answer in answers}) == 1
    again = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert pair(again) == pair(answers[0])
    assert (await auth.get("me", again["access_token"])).status == 200
    following = await auth.post("refresh", refresh_token=again["refresh_token"])
    assert following.status == 200
    assert following["refresh_token"] != again["refresh_token"]


async def test_a_lost_answer_is_given_again_for_seconds_only(
    auth: Client, database: Database, email: str
) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    database.rows(
        "update auth.refresh_token set used_at = used_at - interval '10 seconds'"
        " where session_id = %s and used_at is not null",
        (claims_of(first["access_token"])["sid"],),
    )
    answer = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(answer, 401, "refresh_token_reused")
    answer = await auth.post("refresh", refresh_token=second["refresh_token"])
    assert_error(answer, 401, "invalid_refresh_token")


async def test_after_signing_out_no_token_gives_another(auth: Client, database: Database, email: str) -> None:
    first = await registered(auth, database, email)
    second = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert (await auth.post("logout", refresh_token=second["refresh_token"])).status == 200
    for token in (first["refresh_token"], second["refresh_token"]):
        assert_error(await auth.post("refresh", refresh_token=token), 401, "invalid_refresh_token")


async def test_a_session_ends_absolutely(auth: Client, database: Database, email: str) -> None:
    first = await registered(auth, database, email)
    database.rows(
        "update auth.session set created_at = now() - interval '31 days',"
        " expires_at = now() - interval '1 day' where session_id = %s",
        (claims_of(first["access_token"])["sid"],),
    )
    answer = await auth.post("refresh", refresh_token=first["refresh_token"])
    assert_error(answer, 401, "invalid_refresh_token")


async def test_sign_out_here_and_everywhere(auth: Client, database: Database, email: str) -> None:
    here = await registered(auth, database, email)
    there = await auth.post("login", email=email, password=PASSWORD)
    assert (await auth.post("logout", refresh_token=here["refresh_token"])).status == 200
    assert_error(await auth.get("me", here["access_token"]), 401, "session_ended")
    answer = await auth.post("logout-everywhere", there["access_token"])
    assert answer["sessions"] == 1
    assert_error(await auth.get("me", there["access_token"]), 401, "session_ended")
    assert (await auth.post("logout", refresh_token="made up")).status == 200


async def test_changing_the_password_ends_other_sessions(
    auth: Client, database: Database, email: str
) -> None:
    here = await registered(auth, database, email)
    there = await auth.post("login", email=email, password=PASSWORD)
    token = here["access_token"]
    wrong = await auth.post("change-password", token, current_password="wrong one", new_password=NEW_PASSWORD)
    assert_error(wrong, 403, "wrong_password")
    right = await auth.post("change-password", token, current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert right.status == 200
    assert (await auth.get("me", token)).status == 200
    assert_error(await auth.get("me", there["access_token"]), 401, "session_ended")
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")
    assert queued(database, email)[-1]["kind"] == "password_changed"


async def test_a_forgotten_password_is_replaced_by_mail(auth: Client, database: Database, email: str) -> None:
    before = await registered(auth, database, email)
    await auth.post("forgot-password", email=email)
    code = queued_code(database, email)
    wrong = await auth.post("verify-otp", email=email, otp=code)
    assert_error(wrong, 400, "invalid_code")
    answer = await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    assert answer.status == 200
    again = await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    assert_error(again, 400, "invalid_code")
    assert_error(await auth.get("me", before["access_token"]), 401, "session_ended")
    assert (await auth.post("login", email=email, password=NEW_PASSWORD)).status == 200


async def test_an_invited_person_begins_with_a_forgotten_password(
    auth: Client, database: Database, email: str
) -> None:
    database.rows("select auth.invite('demo', %s, 'Invited', 'operator')", (email,))
    assert queued(database, email)[0]["kind"] == "invitation"
    await auth.post("forgot-password", email=email)
    code = queued_code(database, email)
    await auth.post("reset-password", email=email, otp=code, password=NEW_PASSWORD)
    answer = await auth.post("login", email=email, password=NEW_PASSWORD)
    assert claims_of(answer["access_token"])["role"] == "operator"


async def test_a_disabled_account_is_out_at_once(auth: Client, database: Database, email: str) -> None:
    before = await registered(auth, database, email)
    database.rows("update auth.user_account set disabled_at = now() where email = %s", (email,))
    assert_error(await auth.get("me", before["access_token"]), 401, "session_ended")
    refreshed = await auth.post("refresh", refresh_token=before["refresh_token"])
    assert_error(refreshed, 401, "invalid_refresh_token")
    assert_error(await auth.post("login", email=email, password=PASSWORD), 401, "invalid_credentials")


async def test_me_changes_what_is_named(auth: Client, database: Database, email: str) -> None:
    token = (await registered(auth, database, email))["access_token"]
    answer = await auth.send("PATCH", "me", {"phone": "+49 30 901820", "role": "admin"}, token)
    assert (answer["name"], answer["phone"], answer["role"]) == ("Test Person", "+4930901820", "consumer")
    answer = await auth.send("PATCH", "me", {"name": "Other", "phone": None}, token)
    assert (answer["name"], answer["phone"]) == ("Other", None)


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("register", {"name": "A", "email": "no address"}, 422, "invalid_input"),
        ("register", {"name": "", "email": "a@new.example"}, 422, "invalid_input"),
        ("register", {"name": "A\0", "email": "a@new.example"}, 422, "invalid_input"),
        ("register", {"name": "A", "email": "a@new.example", "phone": "12"}, 422, "invalid_input"),
        ("register", {"name": "A", "email": "a@new.example", "tenant": "nowhere"}, 422, "unknown_tenant"),
        ("register", {"name": "A", "email": "a@new.example", "tenant": "platform"}, 422, "unknown_tenant"),
        ("register", {"name": "A", "email": "a@new.example", "password": "password1"}, 422, "weak_password"),
        ("login", {"email": "a@new.example", "password": 7}, 422, "invalid_input"),
        ("login", ["a list"], 400, "malformed_json"),
        ("login", {"email": "a@new.example", "password": "x" * 20_000}, 413, "body_too_large"),
        ("verify-otp", {"email": "a@new.example", "otp": "12345x"}, 422, "invalid_input"),
        ("set-password", {"password": PASSWORD}, 401, "unauthorized"),
        ("no-such-thing", {}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_accepted_says_why(
    auth: Client, name: str, body: Any, status: int, code: str
) -> None:
    assert_error(await auth.send("POST", name, body), status, code)


async def test_a_device_has_no_account(auth: Client, keys: Keys) -> None:
    assert_error(await auth.get("me", keys.mint("device")), 403, "forbidden")


async def test_failures_of_an_account_are_limited(
    start_auth: StartWorker, database: Database, email: str
) -> None:
    server = start_auth(SEGS_AUTH_FAILURES_ACCOUNT="3")
    async with client(server.url) as auth:
        await registered(auth, database, email)
        for who in (email, f"nobody-{email}"):
            answers = await asyncio.gather(
                *(auth.post("login", email=who, password="wrong one") for _ in range(6))
            )
            assert sorted(answer.status for answer in answers) == [401] * 3 + [429] * 3
        limited = await auth.post("login", email=email, password=PASSWORD)
        assert_error(limited, 429, "too_many_attempts")
        assert 0 < int(limited.headers["Retry-After"]) <= 900


def at(address: str) -> dict[str, str]:
    """The header with which nginx says where a request came from."""
    return {"X-Real-IP": address}


async def sign_in(auth: Client, email: str, password: str, address: str) -> int:
    body = {"email": email, "password": password}
    return (await auth.send("POST", "login", body, **at(address))).status


async def test_an_attacker_spends_no_attempts_but_their_own(
    start_auth: StartWorker, database: Database, email: str
) -> None:
    server = start_auth(SEGS_AUTH_FAILURES_ACCOUNT="3", SEGS_AUTH_FAILURES_EVERYWHERE="7")
    async with client(server.url) as auth:
        await registered(auth, database, email)
        assert await sign_in(auth, email, PASSWORD, "192.0.2.1") == 200
        assert await sign_in(auth, email, PASSWORD, "2001:db8:1:2::1") == 200
        # one place: however often it tries, it spends three of the seven
        tries = [await sign_in(auth, email, "wrong one", "198.51.100.1") for _ in range(20)]
        assert tries == [401] * 3 + [429] * 17
        assert await sign_in(auth, email, PASSWORD, "198.51.100.1") == 429
        assert await sign_in(auth, email, PASSWORD, "203.0.113.1") == 200, "from elsewhere it is right"
        # many places: they spend the rest, and anyone who comes from a place that is not known waits
        places = [f"198.51.100.{n}" for n in range(2, 12)]
        tries = [await sign_in(auth, email, "wrong one", place) for place in places]
        assert tries == [401] * 4 + [429] * 6
        assert await sign_in(auth, email, PASSWORD, "203.0.113.99") == 429
        for known in ("192.0.2.1", "203.0.113.1", "2001:db8:1:2:ffff::9"):
            assert await sign_in(auth, email, PASSWORD, known) == 200, known
        tries = [await sign_in(auth, email, "wrong one", "192.0.2.1") for _ in range(5)]
        assert tries == [401] * 3 + [429] * 2, "a known place has a limit too"


async def test_mails_asked_for_by_others_leave_the_owner_theirs(
    start_auth: StartWorker, database: Database, email: str
) -> None:
    server = start_auth(SEGS_AUTH_MAILS_ACCOUNT="2", SEGS_AUTH_MAILS_EVERYWHERE="6")
    async with client(server.url) as auth:
        await registered(auth, database, email)
        assert await sign_in(auth, email, PASSWORD, "192.0.2.1") == 200

        async def ask(address: str) -> int:
            return (await auth.send("POST", "forgot-password", {"email": email}, **at(address))).status

        assert [await ask("198.51.100.1") for _ in range(9)] == [202] * 2 + [429] * 7
        assert await ask("198.51.100.2") == 202
        assert [await ask(f"198.51.100.{n}") for n in range(3, 9)] == [202] * 2 + [429] * 4
        assert await ask("192.0.2.1") == 202, "where the owner has been before"


@pytest.mark.parametrize("kind", ["login", "verify-otp", "reset-password"])
async def test_one_network_of_ipv6_is_one_place(start_auth: StartWorker, email: str, kind: str) -> None:
    server = start_auth(SEGS_AUTH_FAILURES_ADDRESS="4")
    body = {"login": {"password": "wrong one"}, "verify-otp": {"otp": "000000"}}.get(
        kind, {"otp": "000000", "password": NEW_PASSWORD}
    )
    async with client(server.url) as auth:

        async def attempt(n: int, address: str) -> int:
            answer = await auth.send("POST", kind, {"email": f"{n}-{email}", **body}, **at(address))
            return answer.status

        refused = await attempt(0, "2001:db8:9:9::1")
        assert refused in (400, 401)
        inside = [await attempt(n, f"2001:db8:9:9:{n:x}:{n * 7:x}::{n:x}") for n in range(1, 8)]
        assert inside == [refused] * 3 + [429] * 4
        assert await attempt(9, "2001:db8:9:a::1") == refused, "the next network is another place"
        mapped = [await attempt(n, f"::ffff:198.51.100.{n}") for n in range(6)]
        assert mapped == [refused] * 6, "addresses of IPv4 are their own, however they are written"


async def test_limits_hold_while_redis_is_away(start_auth: StartWorker, email: str) -> None:
    server = start_auth(SEGS_AUTH_FAILURES_ACCOUNT="3", SEGS_REDIS_URL="redis://:pw@127.0.0.1:9/0")
    async with client(server.url) as auth:
        answers = [await auth.post("login", email=email, password="wrong one") for _ in range(5)]
        assert [answer.status for answer in answers] == [401] * 3 + [429] * 2
        assert (await auth.get("me")).status == 401


async def test_a_token_of_another_algorithm_is_refused(auth: Client, database: Database, email: str) -> None:
    token = (await registered(auth, database, email))["access_token"]
    payload = token.split(".")[1]
    header = (
        base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "test"}).encode()).rstrip(b"=").decode()
    )
    assert_error(await auth.get("me", f"{header}.{payload}."), 401, "unauthorized")


async def test_the_answer_about_mail_takes_its_time(
    start_auth: StartWorker, database: Database, email: str
) -> None:
    server = start_auth(SEGS_AUTH_ANSWER_FLOOR="0.3", SEGS_AUTH_MASTER_CODE="424242")
    async with client(server.url) as auth:
        begun = time.monotonic()
        await auth.post("forgot-password", email=email)
        assert time.monotonic() - begun >= 0.3
        await auth.post("register", name="A", email=email)
        assert (await auth.post("verify-otp", email=email, otp="424242")).status == 200, "the master code"
