"""Whatever fits the API's own description, and what does not: no answer says that the server failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from stack import servers as stack
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.keys import Keys
from tests.support.rest import RestClient
from tests.support.servers import TestServer, free_port
from tests.support.wait import patient

EXAMPLES = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 2}
SEED = 3
ROLES = ("consumer", "admin", "platform_admin")


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here."""
    with cluster.clone() as clone:
        clone.rows(
            "insert into grid.reading (ts, meter_id, energy)"
            " select date_trunc('hour', now()) - n * interval '5 minutes', meter_id, 100000"
            " from grid.meter, generate_series(1, 24) as n"
        )
        yield clone


@pytest.fixture(scope="module")
def url(runtime: Runtime, database: Database, keys: Keys) -> Iterator[str]:
    """A PostgREST on that database."""
    spec = stack.postgrest(runtime, database.url("authenticator"), keys.jwks_file, free_port(), free_port())
    server = TestServer(spec)
    server.up()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def headers(keys: Keys) -> dict[str, dict[str, str]]:
    """The Authorization header of each role."""
    root = keys.users["platform@segs.example"]
    made = {role: keys.headers(role) for role in ROLES if role != "platform_admin"}
    return {**made, "platform_admin": keys.headers("platform_admin", tenant="platform", sub=root)}


Operation = APIOperation[Any, Any, Any, Any]


def operations(url: str, headers: dict[str, str]) -> list[Operation]:
    """What the description that the role is given lists, but for writing to views, which nobody may."""
    described = RestClient(url, headers).get("/").json()
    schema = schemathesis.openapi.from_dict(described)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {operation.path for operation in found} == set(described["paths"])
    return [each for each in found if each.method.upper() == "GET" or each.path.startswith("/rpc/")]


def statuses(operation: Operation, mode: GenerationMode, url: str, headers: dict[str, str]) -> set[int]:
    """Call the operation with generated requests of this mode; fail if the server does."""
    seen: set[int] = set()

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def called(case: Case[Any]) -> None:
        response = case.call(base_url=url, headers=headers, timeout=patient(30))
        assert response.status_code < 500, f"{case.as_curl_command()}\n{response.text}"
        if response.status_code >= 400 and response.content:
            assert set(response.json()) == {"code", "message", "details", "hint"}, response.text
        seen.add(response.status_code)

    with contextlib.suppress(Unsatisfiable):  # there is no wrong way to call what takes nothing
        called()
    return seen


@pytest.mark.parametrize(
    ("role", "mode"),
    [*((role, GenerationMode.POSITIVE) for role in ROLES), ("admin", GenerationMode.NEGATIVE)],
)
def test_nothing_that_is_sent_makes_the_server_fail(
    url: str, headers: dict[str, dict[str, str]], role: str, mode: GenerationMode
) -> None:
    seen: set[int] = set()
    for operation in operations(url, headers[role]):
        seen |= statuses(operation, mode, url, headers[role])
    assert 401 not in seen, "the token is good"
    assert 400 in seen
    if mode is GenerationMode.POSITIVE:
        assert 200 in seen
