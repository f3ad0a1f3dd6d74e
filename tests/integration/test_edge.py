"""The edge: one health answer, headers, limits, nginx's own errors in the one shape, request ids."""

from __future__ import annotations

import functools
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stack.edge import MAX_LOG_BYTES, access_log, rotate_access_log
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.rest import Answer, RestClient
from tests.support.servers import JOURNAL, Redis
from tests.support.wait import patient, wait_until
from workers.lib import db, request_id

PAGE = "https://page.example"
REQUEST_ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def edge(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    """The platform behind nginx, with one other origin allowed and few requests to the account pages."""
    settings = {
        "SEGS_EDGE_ALLOWED_ORIGINS": f"http://127.0.0.1:1,{PAGE},https://third.example",
        "SEGS_EDGE_TRUSTED_PROXY": "127.0.0.1",
        "SEGS_EDGE_USER_RATE": "1",
        "SEGS_EDGE_USER_BURST": "3",
        "SEGS_LOG_LEVEL": "DEBUG",
    }
    directory = tmp_path_factory.mktemp("edge")
    platform = Platform(runtime, directory, keys, database, redis_session, accounts=True, **settings)
    with platform.running() as running:
        yield running


@pytest.fixture
def client(edge: Platform) -> RestClient:
    """Plain requests to the edge."""
    return RestClient(edge.url)


def assert_error(answer: Answer, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status, body["code"]) == (status, code)
    assert list(body) == ["code", "message", "details", "hint"]
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    return body


def health_without(client: RestClient, part: str) -> Answer:
    """The first answer of /health in which the part is not well: each is kept for a second."""
    found: list[Answer] = []

    def told() -> bool:
        found.append(client.get("/health"))
        return bool(found[-1].json().get(part) != "ok")

    wait_until(told, f"/health tells of {part}")
    return found[-1]


def test_health_tells_of_every_part(edge: Platform, client: RestClient) -> None:
    health = client.get("/health")
    assert health.status == 200
    parts = ("postgresql", "redis", "ingest", "relay", "rest", "auth")
    found = ("clock", "epoch", "queues", "windows")
    expected = {"live": True, "ready": True, **dict.fromkeys((*parts, *found), "ok"), "jobs": "warn"}
    wait_until(lambda: client.get("/health").json() == expected, "it tells of what the database knows, too")
    for part in ("ingest", "events", "rest", "accounts"):
        assert client.get(f"/health/{part}").status == 200

    edge.relay.stop()
    try:
        health = health_without(client, "relay")
        assert (health.status, health.json()["ready"], health.json()["relay"]) == (503, False, "away")
        assert health.json()["ingest"] == "ok"
        away = assert_error(client.post("/ws/ticket", {}), 503, "unavailable")
        assert "try again" in away["message"]
        assert client.post("/ws/ticket", {}).headers["retry-after"] == "2"
    finally:
        edge.relay.up()
    wait_until(lambda: client.get("/health").status == 200, "all is well again")
    edge.ingest.stop()
    try:
        health = health_without(client, "ingest")
        assert (health.status, health.json()) == (503, {"live": True, "ready": False, "ingest": "away"})
    finally:
        edge.ingest.up()


def test_every_answer_has_the_security_headers(edge: Platform, client: RestClient) -> None:
    for path in ("/", "/health", "/api/v1/", "/api/v1/meters", "/ws", "/nowhere", "/docs/"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["server"] == "nginx", path
        assert "strict-transport-security" not in headers, "only behind TLS"
        secure = client.get(path, {"X-Forwarded-Proto": "https"}).headers
        assert secure["strict-transport-security"] == "max-age=31536000", path


def test_only_listed_origins_are_allowed(edge: Platform, client: RestClient, keys: Keys) -> None:
    operator = keys.headers("operator")
    for path in ("/api/v1/regions", "/health", "/nowhere"):
        allowed = client.get(path, {"Origin": PAGE, **operator}).headers
        assert allowed["access-control-allow-origin"] == PAGE, path
        assert "X-Request-Id" in allowed["access-control-expose-headers"]
        assert "Origin" in allowed["vary"]
        for stranger in (
            "https://evil.example",
            "https://page.example.evil",
            "null",
            f"{PAGE},x",
            "page.example",
        ):
            refused = client.get(path, {"Origin": stranger, **operator}).headers
            assert not [name for name in refused if name.startswith("access-control")], stranger

    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in ("/api/v1/rpc/acknowledge_alert", "/telemetry/batch", "/ws/ticket"):
        answer = client.request("OPTIONS", path, {"Origin": PAGE, **asked})
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, PAGE)
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        refused = client.request("OPTIONS", path, {"Origin": "https://evil.example", **asked}).headers
        assert not [name for name in refused if name.startswith("access-control")]


def test_bodies_are_limited_by_route(edge: Platform, client: RestClient, keys: Keys) -> None:
    text = "x" * 70_000
    operator = keys.headers("operator")
    for path, size in (
        ("/ws/ticket", 1),
        ("/api/v1/user/login", 1),
        ("/api/v1/rpc/register_meters", 40),
        ("/api/v1/rpc/set_threshold", 1),
        ("/api/v1/meters", 1),
        ("/telemetry/batch", 170),
        ("/nowhere", 1),
    ):
        assert_error(client.post(path, text * size, operator), 413, "body_too_large")
    big = [{"meter_id": "SIM-00001", "timestamp": "2026-01-01T00:00:00Z", "kwh": 0.1}] * 9000
    answer = client.post("/telemetry/batch", big, keys.headers("device"))
    assert answer.status == 200, "a whole batch passes"


def test_one_address_is_limited_by_route(edge: Platform, client: RestClient) -> None:
    answers = [client.post("/api/v1/user/login", {}) for _ in range(8)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited
    assert_error(limited[0], 429, "rate_limited")
    assert limited[0].headers["retry-after"] == "1"
    assert client.get("/api/v1/").status == 200, "other routes have limits of their own"
    elsewhere = {"X-Forwarded-For": "203.0.113.7", "X-Request-Id": "from-elsewhere"}
    assert client.post("/api/v1/user/login", {}, elsewhere).status != 429, "and so have other addresses"
    (line,) = wait_until(
        lambda: [x for x in access_log(edge.edge_dir).read_text().splitlines() if "from-elsewhere" in x],
        "nginx has logged it",
    )
    assert line.split()[1] == "203.0.113.7"


def refused(client: RestClient, addresses: list[str]) -> int:
    """How many of these requests, each from one of the addresses, are over the limit (three at once)."""
    answers = [client.post("/api/v1/user/login", {}, {"X-Forwarded-For": address}) for address in addresses]
    return sum(answer.status == 429 for answer in answers)


def test_an_address_is_what_one_client_has(client: RestClient) -> None:
    """IPv4: itself, also where it is written as IPv6. IPv6: its network of 64 bits."""
    assert refused(client, [f"2001:db8:0:7:{n:x}::{n:x}" for n in range(1, 13)]) > 0
    assert refused(client, [f"2001:db8:0:{n:x}::1" for n in range(16, 28)]) == 0
    assert refused(client, [f"::ffff:198.51.100.{n}" for n in range(1, 13)]) == 0
    assert refused(client, ["::ffff:198.51.100.77", "198.51.100.77"] * 6) > 0
    assert refused(client, [f"198.51.100.{n}" for n in range(101, 113)]) == 0


def is_well(edge: Platform, page: str) -> bool:
    return RestClient(edge.url).get(f"/health/{page}").status == 200


def test_health_is_asked_once_a_second_at_most(edge: Platform) -> None:
    pages = {"accounts": "auth", "ingest": "ingest", "events": "relay"}
    for page, worker in pages.items():
        # what it was a moment ago, in another test, is forgotten
        wait_until(functools.partial(is_well, edge, page), f"{page} is well")
        before, begun = len(JOURNAL.of(worker)), time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(RestClient(edge.url).get, [f"/health/{page}?x={n}" for n in range(200)]))
        assert {answer.status for answer in answers} == {200}
        asked = sum("GET /health:" in line for line in JOURNAL.of(worker)[before:])
        # a second, more or less what the clocks of two programs round away
        assert asked <= 2 + 1.5 * (time.monotonic() - begun)


def test_the_description_for_everybody_is_made_once_a_second_at_most(edge: Platform) -> None:
    client = RestClient(edge.url)
    first = client.get("/api/v1/")
    assert "/rpc/set_threshold" not in first.json()["paths"]
    own = client.get("/api/v1/", edge.keys.headers("consumer"))
    assert "/rpc/set_threshold" in own.json()["paths"]
    assert "/rpc/set_threshold" not in client.get("/api/v1/").json()["paths"], "nobody gets another's"
    assert client.get("/api/v1/?a=b", {"Accept": "text/html"}).text == first.text


def test_errors_of_nginx_have_the_one_shape(edge: Platform, client: RestClient) -> None:
    assert_error(client.get("/nowhere"), 404, "not_found")
    assert_error(client.get("/" + "x" * 9000), 414, "uri_too_long")
    assert_error(client.get("/", {"X-Long": "x" * 9000}), 400, "bad_request")
    assert_error(client.request("TRACE", "/"), 405, "method_not_allowed")
    assert b'"code":"bad_request"' in raw(edge, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert b'"code":"bad_request"' in raw(edge, b"complete nonsense\r\n\r\n")


def raw(edge: Platform, request: bytes) -> bytes:
    host, port = edge.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=patient(10)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_gets_an_id_or_keeps_its_own(client: RestClient, keys: Keys) -> None:
    operator = keys.headers("operator")
    for path in ("/", "/health", "/api/v1/regions", "/ws", "/nowhere", "/telemetry/batch"):
        assert REQUEST_ID.fullmatch(client.get(path, operator).headers["x-request-id"]), path
        assert client.get(path, {"X-Request-Id": "mine-1", **operator}).headers["x-request-id"] == "mine-1"
        for odd in ("x" * 41, "two words", "a'b", 'a"b'):
            answer = client.get(path, {"X-Request-Id": odd, **operator})
            assert REQUEST_ID.fullmatch(answer.headers["x-request-id"]), odd


def test_one_id_finds_a_request_everywhere(
    edge: Platform, client: RestClient, keys: Keys, database: Database
) -> None:
    """In nginx's log, in the workers' and in PostgreSQL's."""
    request = {"X-Request-Id": "find-me-rest", **keys.headers("operator")}
    assert client.post("/api/v1/rpc/register_meters", {"meters": "x"}, request).status == 422
    request = {"X-Request-Id": "find-me-ingest", **keys.headers("device")}
    reading = {"meter_id": "SIM-00001", "timestamp": "2026-01-01T00:00:00Z", "kwh": 0.1}
    assert client.post("/telemetry/batch", [reading], request).status == 200
    assert client.get("/ws", {"X-Request-Id": "find-me-relay"}).status == 400
    request = {"X-Request-Id": "find-me-auth", "X-Forwarded-For": "203.0.113.8"}
    assert client.get("/api/v1/user/me", request).status == 401

    def logged(name: str) -> bool:
        lines = access_log(edge.edge_dir).read_text().splitlines()
        return any(line.endswith(f" find-me-{name}") for line in lines)

    for name in ("rest", "ingest", "relay", "auth"):
        wait_until(partial(logged, name), f"nginx has logged the request to {name}")
    said = {
        "ingest": "POST /telemetry/batch: 200",
        "relay": "GET /ws: 400",
        "auth": "GET /api/v1/user/me: 401",
    }

    def told(worker: str, answer: str) -> bool:
        return any(f"[find-me-{worker}]" in line and answer in line for line in JOURNAL.of(worker))

    for worker, answer in said.items():
        wait_until(partial(told, worker, answer), f"{worker} has logged its request")
    assert_in_postgres_log("postgrest find-me-rest")


def test_a_write_carries_the_id_of_its_request(client: RestClient, keys: Keys, database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            "create function public.tell_name() returns trigger language plpgsql as"
            " $$ begin raise log 'stored by %', current_setting('application_name'); return null; end $$"
        )
        connection.execute(
            "create trigger tell after insert on ingest.batch for each statement"
            " execute function public.tell_name()"
        )
    request = {"X-Request-Id": "find-my-write", **keys.headers("device")}
    for kwh in (0.1, 0.1):  # by COPY, then as a duplicate by INSERT
        reading = {"meter_id": "SIM-00002", "timestamp": "2026-01-01T00:00:00Z", "kwh": kwh}
        assert client.post("/telemetry/batch", [reading], request).status == 200
    found = assert_in_postgres_log("stored by segs-ingest find-my-write")
    assert "segs-ingest find-my-write LOG:" in found, "log_line_prefix says it too"


async def test_pooled_connections_are_named_after_the_request_they_serve(database: Database) -> None:
    async def name(pool: db.Pool) -> str:
        async with pool.connection() as connection:
            row = await (await connection.execute("select current_setting('application_name')")).fetchone()
        return str(row[0]) if row else ""

    async with db.pool(database.url("segs_relay"), "segs relay", size=1) as pool:
        assert await name(pool) == "segs relay"
        token = request_id.current.set("find-my-look-up")
        assert await name(pool) == "segs relay find-my-look-up"
        request_id.current.reset(token)
        assert await name(pool) == "segs relay", "and no longer"


def assert_in_postgres_log(text: str) -> str:
    def found() -> list[str]:
        return [line for line in JOURNAL.of("postgres") if text in line]

    if not JOURNAL.of("postgres"):
        pytest.skip("the log of a server that is not ours cannot be read")
    wait_until(found, f"PostgreSQL's log names {text}")
    return found()[0]


def test_the_access_log_is_kept_small(tmp_path: Path) -> None:
    log = access_log(tmp_path)
    rotate_access_log(tmp_path)
    log.write_text("x" * (MAX_LOG_BYTES + 1))
    with log.open("a") as nginx:
        rotate_access_log(tmp_path)
        nginx.write("next\n")
    assert log.read_text() == "next\n"
    assert len((tmp_path / "access.log.1").read_text()) == MAX_LOG_BYTES + 1
