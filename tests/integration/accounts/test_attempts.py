"""Attempts are limited by account and place, so that an attacker spends only their own."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import StartWorker
from tests.support.accounts import (
    PASSWORD,
    Client,
    assert_error,
    client,
    registered,
)
from tests.support.cluster import Database

NEW_PASSWORD = "quite another passphrase"


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
