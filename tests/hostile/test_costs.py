"""No request costs much: processor seconds and memory of every server are measured, not the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.hostile.conftest import use
from tests.support.platform import Platform
from tests.support.rest import RestClient
from tests.support.wait import patient

SECONDS = 1.0
"""Processor time of one request at all servers together. Before there were limits: 2 to 35 s each."""
MEMORY = 64
"""MiB that one server may grow by."""

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CSV = {"Content-Type": "text/csv"}


@dataclass(frozen=True)
class Hostile:
    """A request, and whose token it bears ('' for nobody's)."""

    path: str
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    role: str = "consumer"
    method: str = ""


def arguments(count: int, name: str = "a") -> str:
    return "&".join(f"{name}{n}=1" for n in range(count))


LONG = "ab" * 3500
NAMES = json.dumps({f"name{n}": 1 for n in range(1500)})

REQUESTS = {
    "arguments of a call": Hostile(f"/api/v1/rpc/alert_summary?{arguments(999)}"),
    "arguments of a call, of nobody": Hostile(f"/api/v1/rpc/alert_summary?{arguments(999)}", role=""),
    "arguments after semicolons": Hostile(f"/api/v1/rpc/alert_summary?{arguments(800).replace('&', ';')}"),
    "long arguments": Hostile(f"/api/v1/rpc/alert_summary?{arguments(15, 'n' * 60)}"),
    "one long argument": Hostile(f"/api/v1/rpc/alert_summary?{LONG}=1"),
    "one long argument without a value": Hostile(f"/api/v1/rpc/alert_summary?x=1&{LONG}"),
    "a long name": Hostile(f"/api/v1/rpc/{LONG}"),
    "a long name of a view": Hostile(f"/api/v1/{LONG}"),
    "a name beyond a name": Hostile(f"/api/v1/rpc/alert_summary/{LONG}"),
    "columns": Hostile(
        f"/api/v1/rpc/alert_summary?columns={','.join(f'a{n}' for n in range(1200))}", "{}", JSON
    ),
    "a long column": Hostile(f"/api/v1/rpc/alert_summary?columns={LONG}", "{}", JSON),
    "names in a body": Hostile("/api/v1/rpc/alert_summary", NAMES, JSON),
    "names in a short body": Hostile("/api/v1/rpc/alert_summary", NAMES[:2000] + "}", JSON),
    "names in a form": Hostile("/api/v1/rpc/alert_summary", arguments(3000), FORM),
    "names in CSV": Hostile("/api/v1/rpc/alert_summary", f"{','.join(f'a{n}' for n in range(3000))}\n", CSV),
    "a long name in a body": Hostile("/api/v1/rpc/alert_summary", json.dumps({"ab" * 9500: 1}), JSON),
    "a name as long as a body may be": Hostile(
        "/api/v1/rpc/alert_summary", json.dumps({"ab" * 1000: 1}), JSON
    ),
    "names in a list's body": Hostile("/api/v1/rpc/register_meters", NAMES, JSON, "operator"),
    "a long name in a list's body": Hostile(
        "/api/v1/rpc/register_meters", json.dumps({"ab" * 500_000: 1}), JSON, "operator"
    ),
    "names in a list's form": Hostile("/api/v1/rpc/register_meters", arguments(3000), FORM, "operator"),
    "names in a list's CSV": Hostile(
        "/api/v1/rpc/replay_quarantined", f"{','.join(f'a{n}' for n in range(3000))}\n", CSV, "operator"
    ),
    "columns of a list": Hostile(f"/api/v1/rpc/register_meters?columns={LONG[:500]}", "[]", JSON, "operator"),
    "a deep list": Hostile("/api/v1/rpc/register_meters", "[" * 1_000_000, JSON, "operator"),
    "a deep object": Hostile(
        "/api/v1/rpc/set_preferences", '{"preferences":' + '{"a":' * 200_000 + "1" + "}" * 200_001, JSON
    ),
    "a list of calls": Hostile(
        "/api/v1/rpc/register_meters", f"[{','.join(['{}'] * 500_000)}]", JSON, "operator"
    ),
    "a bulk call": Hostile(
        "/api/v1/rpc/set_threshold",
        json.dumps([{"meter_id": "SIM-00001", "kwh": 1}] * 40),
        {**JSON, "Prefer": "params=multiple-objects"},
    ),
    "a number without end": Hostile(
        "/api/v1/rpc/set_threshold", '{"meter_id":"SIM-00001","kwh":1e131071}', JSON
    ),
    "a body for a view": Hostile("/api/v1/meters", f"[{','.join(['{}'] * 500_000)}]", JSON, method="PATCH"),
    "a body of a GET": Hostile("/api/v1/meters", f"[{','.join(['{}'] * 500_000)}]", JSON, method="GET"),
    "a body for the root": Hostile("/api/v1/", "[" * 1_000_000, JSON, role=""),
    "columns selected": Hostile(f"/api/v1/meters?select={','.join(['region'] * 1000)}"),
    "columns selected, encoded": Hostile(f"/api/v1/meters?select={'%2c'.join(['region'] * 800)}"),
    "aliases": Hostile(f"/api/v1/meters?select={','.join(f'a{n}:region' for n in range(500))}"),
    "aliases of whole rows": Hostile(
        f"/api/v1/readings?select={','.join(f'a{n}:json_agg' for n in range(60))}"
    ),
    "orders": Hostile(f"/api/v1/meters?order={','.join(['region.desc.nullslast'] * 300)}"),
    "filters": Hostile(f"/api/v1/meters?{'&'.join(['region=eq.north'] * 400)}"),
    "deep logic": Hostile(f"/api/v1/meters?and=({'and(' * 400}region.eq.a{')' * 401}"),
    "deep logic, open": Hostile(f"/api/v1/meters?or=({'not.or(' * 60}region.eq.a"),
    "deep embedding": Hostile(f"/api/v1/meters?select={'a(' * 60}b{')' * 60}"),
    "a deep path": Hostile(f"/api/v1/events?select=payload{'->a' * 2000}"),
    "a list of values": Hostile(f"/api/v1/meters?region=in.({','.join(['a'] * 3900)})"),
    "a list of patterns": Hostile(f"/api/v1/meters?meter_id=like(any).{{{','.join(['*a*'] * 1000)}}}"),
    "a pattern": Hostile(f"/api/v1/meters?meter_id=like.{'*a' * 3000}"),
    "an expression": Hostile("/api/v1/regions?region=match.(a?)%7B255%7D(a?)%7B255%7D(a?)%7B255%7Db"),
    "an expression, any": Hostile("/api/v1/regions?region=imatch(any).%7B(a?)%7B255%7D(a?)%7B255%7Db%7D"),
    "an expression in logic": Hostile(
        "/api/v1/regions?or=(region.eq.a,region.not.match.(a?)%7B255%7D(a?)%7B255%7Db)"
    ),
    "a text search": Hostile(f"/api/v1/meters?region=wfts.{'a%20' * 1500}"),
    "a large limit": Hostile(f"/api/v1/meters?limit={'9' * 7000}"),
    "a large range": Hostile("/api/v1/meters", headers={"Range": f"0-{'9' * 7000}"}),
    "preferences": Hostile("/api/v1/meters", headers={"Prefer": "a=b," * 1800}),
    "kinds of answer": Hostile("/api/v1/meters", headers={"Accept": "a/b;q=0.1," * 700}),
    "cookies": Hostile("/api/v1/meters", headers={"Cookie": ";".join(f"a{n}=b" for n in range(900))}),
    "a long token": Hostile(
        "/api/v1/meters", headers={"Authorization": f"Bearer {'a' * 2000}.{'b' * 2000}.{'c' * 2000}"}
    ),
    "no token at all": Hostile(f"/api/v1/rpc/{'x' * 60}", headers={"Authorization": "Basic eDp5"}, role=""),
    "letters in percent": Hostile(f"/api/v1/meters?{'%61' * 2000}=1"),
}


def send(platform: Platform, hostile: Hostile) -> tuple[int, str]:
    at = urlsplit(platform.url)
    headers = {"Authorization": f"Bearer {platform.keys.mint(hostile.role)}"} if hostile.role else {}
    connection = HTTPConnection(str(at.hostname), at.port, timeout=patient(24))
    try:
        method = hostile.method or ("GET" if hostile.body is None else "POST")
        connection.request(method, hostile.path, hostile.body, {**headers, **hostile.headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (BrokenPipeError, ConnectionResetError):
        return 413, ""  # refused while we were still sending
    finally:
        connection.close()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_bounded(name: str, target: Platform, postmaster: int) -> None:
    pids = {
        "nginx": target.edge.pid or 0,
        "postgrest": target.postgrest.pid or 0,
        "auth": target.more[0].pid or 0,
        "postgres": postmaster,
    }
    before = use(pids)
    status, text = send(target, REQUESTS[name])
    after = use(pids)
    assert status in (200, 400, 401, 404, 405, 413, 414, 415, 422), text
    if status >= 400 and text:
        assert set(json.loads(text)) == {"code", "message", "details", "hint"}
    spent = {server: after.seconds[server] - before.seconds[server] for server in before.seconds}
    assert sum(spent.values()) < SECONDS, spent
    assert len(text) < 2**20
    grown = {server: after.memory[server] - before.memory[server] for server in ("nginx", "postgrest")}
    assert max(grown.values()) < MEMORY, grown


def test_others_are_served_meanwhile(target: Platform) -> None:
    """A stranger sends all of them again and again, eight at once; an operator is served all the same."""
    worst = [REQUESTS[name] for name in REQUESTS if "token" not in name]
    operator = target.rest("operator")
    done = False

    def attack(first: int) -> None:
        for n in range(first, first + 10_000):
            if done:
                return
            send(target, worst[n % len(worst)])

    with ThreadPoolExecutor(8) as pool:
        attackers = [pool.submit(attack, 7 * n) for n in range(8)]
        try:
            answers = [operator.get("/meters", limit=1) for _ in range(30)]
            health = RestClient(target.url).get("/health")
        finally:
            done = True
        for attacker in attackers:
            attacker.result()
    assert [answer.status for answer in answers] == [200] * 30
    assert health.status == 200
