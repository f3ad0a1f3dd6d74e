"""One caller cannot take what all need: connections to the edge, to the database, to the relay."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from stack import secrets
from stack.edge import TEMPLATE
from stack.paths import CHECKOUT
from tests.hostile.conftest import connect
from tests.support import accounts
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import RestClient
from tests.support.wait import wait_until

CROWD = 8_250
AT_ONCE = 8
SUB_IN_TEMPLATE = next(
    line.split('"~*')[1].split('"')[0].replace("?<", "?P<")
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines()
    if "segs_sub" in line
)
WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)


@pytest.fixture
def crowd(target: Platform, many_files: None) -> Iterator[list[socket.socket]]:
    """Connections from one address that have sent half a request and nothing since."""
    with contextlib.ExitStack() as stack:
        found: list[socket.socket] = []
        for _ in range(CROWD):
            found.append(stack.enter_context(contextlib.closing(connect(target, "127.0.0.2"))))
            found[-1].sendall(b"GET /api/v1/meters HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        yield found


def test_others_are_served_beside_thousands_of_slow_connections(
    target: Platform, crowd: list[socket.socket]
) -> None:
    operator = target.rest("operator")
    for _ in range(50):
        assert operator.get("/regions").status == 200
    assert RestClient(target.url).get("/health").status == 200
    assert target.rest("consumer").post("/rpc/alert_summary", {}).status == 200


def closed_with(connection: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionResetError):
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /telemetry/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ],
    ids=["headers", "body", "idle", "silent"],
)
def test_who_is_slow_is_shown_out(target: Platform, begun: bytes) -> None:
    with contextlib.closing(connect(target, "127.0.0.3")) as connection:
        connection.settimeout(120)
        connection.sendall(begun)
        answer = closed_with(connection)  # returns when the edge has ended the connection
    if begun.startswith(b"POST"):
        assert b'"code":"request_timeout"' in answer or not answer


def test_headers_in_drops_are_slow_too(target: Platform) -> None:
    """The time is for all of them together, not from byte to byte."""
    with contextlib.closing(connect(target, "127.0.0.3")) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        connection.settimeout(1)

        def ended() -> bool:
            try:
                connection.sendall(b"x")
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(ended, "the edge has had enough", timeout=120)


def test_slow_bodies_of_one_address_are_counted(target: Platform) -> None:
    """Each is a request under way, so the edge keeps no more than it keeps of one address."""
    slow = b"POST /ws/ticket HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(230):
            connection = stack.enter_context(contextlib.closing(connect(target, "127.0.0.4")))
            connection.sendall(slow)
        answered = RestClient(target.url).post(
            "/api/v1/user/login", {"email": "a@b.example", "password": "x"}
        )
        assert answered.status == 401, "and has room for others"
        log = target.edge_dir / "access.log"
        wait_until(
            lambda: sum('limits="PASSED REJECTED"' in line for line in log.read_text().splitlines()) >= 30,
            "what is over the limit has been refused",
        )


def test_one_account_leaves_connections_to_the_others(
    target: Platform, database: Database, keys: Keys
) -> None:
    """Forty requests that wait for the database, with a token each: eight get there."""
    now = int(time.time())
    with database.connect() as lock, ThreadPoolExecutor(40) as pool:
        lock.autocommit = False
        lock.execute("lock alert.rule in access exclusive mode")
        asked = [
            pool.submit(
                RestClient(f"{target.url}/api/v1", keys.headers("consumer", exp=now + 3000 + n)).get,
                "/alert_rules",
            )
            for n in range(40)
        ]
        wait_until(lambda: sum(request.done() for request in asked) >= 40 - AT_ONCE, "the others are refused")
        for _ in range(20):
            assert target.rest("operator").get("/regions").status == 200, "served while those wait"
        assert database.value(WAITING) <= AT_ONCE
        lock.rollback()
        answers = [request.result() for request in asked]
    statuses = [answer.status for answer in answers]
    assert statuses.count(429) >= 40 - AT_ONCE
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["retry-after"]


def test_one_account_has_fewer_than_the_pool() -> None:
    pool = re.search(r"^db-pool = (\d+)$", (CHECKOUT / "postgrest.conf").read_text(), re.MULTILINE)
    assert pool is not None
    assert int(pool[1]) > 2 * AT_ONCE


async def test_tokens_say_whose_they_are_where_the_edge_looks(
    target: Platform, database: Database, tmp_path: Path
) -> None:
    """It reads the account out of the token's text: one for two sign-ins of a person, two for two people."""
    async with accounts.client(target.url) as client:
        tokens = [
            (await signed_in(client, target, email))["access_token"]
            for email in ("one@demo.example", "one@demo.example", "two@demo.example")
        ]
    tokens.append(secrets.mint_token(_key(tmp_path), role="operator", tenant="demo", sub=str(uuid4())))
    beginnings = [token.split(".")[1][:94] for token in tokens]
    assert beginnings[0] == beginnings[1]
    assert len(set(beginnings)) == 3
    for beginning in beginnings:
        assert re.search(SUB_IN_TEMPLATE, f"Bearer header.{beginning}", re.IGNORECASE)


async def signed_in(client: accounts.Client, target: Platform, email: str) -> accounts.Answer:
    answer = await client.post("login", email=email, password=accounts.PASSWORD)
    if answer.status == 200:
        return answer
    assert (await client.post("register", name="A", email=email, password=accounts.PASSWORD)).status == 202
    code = accounts.mailed_code(target.mail_dir, email)
    answer = await client.post("verify-otp", email=email, otp=code)
    assert answer.status == 200, answer.body
    return answer


def _key(directory: Path) -> Path:
    key = directory / "key.pem"
    key.write_text(secrets.new_private_key(), encoding="utf-8")
    return key
