"""Clients that others have written for PostgREST work with this API as they come: Python and JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import postgrest
import pytest
from postgrest import CountMethod, SyncPostgrestClient

from stack.paths import CHECKOUT
from stack.runtime import Runtime
from tests.support.cluster import Cluster, Database
from tests.support.ingest import now
from tests.support.keys import Keys
from tests.support.platform import Platform
from tests.support.servers import Redis
from tests.support.wait import patient

SCRIPT = CHECKOUT / "tests" / "support" / "postgrest_js.mjs"


@dataclass(frozen=True)
class Answer:
    """What a client made of an answer."""

    data: Any = None
    count: int | None = None
    error: dict[str, Any] | None = None


Answers = dict[str, Answer]


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests here."""
    with cluster.clone() as clone:
        yield clone


@pytest.fixture(scope="module")
def start(database: Database) -> datetime:
    """An hour of readings of SIM-00001 and SIM-00002, 0.1 and 0.2 kWh a quarter; its beginning."""
    begin = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    database.rows(
        "insert into grid.reading (ts, meter_id, energy)"
        " select %s + n * interval '15 minutes', meter_id,"
        " case when code = 'SIM-00001' then 100000 else 200000 end"
        " from grid.meter, generate_series(0, 3) as n where code in ('SIM-00001', 'SIM-00002')",
        (begin,),
    )
    return begin


@pytest.fixture(scope="module")
def platform(
    runtime: Runtime,
    database: Database,
    redis_session: Redis,
    keys: Keys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Platform]:
    directory = tmp_path_factory.mktemp("clients")
    with Platform(runtime, directory, keys, database, redis_session).running() as running:
        yield running


@pytest.fixture(scope="module")
def javascript(
    runtime: Runtime, platform: Platform, start: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    """Answers of @supabase/postgrest-js."""
    directory = tmp_path_factory.mktemp("javascript")
    # ES modules are looked up beside the script, so it runs from a folder that has node_modules.
    script = shutil.copy(SCRIPT, directory)
    (directory / "node_modules").symlink_to(runtime.node_modules)
    tokens = {
        "OPERATOR_TOKEN": platform.keys.mint("operator"),
        "CONSUMER_TOKEN": platform.keys.mint("consumer"),
    }
    done = subprocess.run(
        [str(runtime.node), str(script), f"{platform.url}/api/v1", start.isoformat()],
        env={**os.environ, **tokens},
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(60),
    )
    assert done.returncode == 0, done.stderr
    return {
        name: Answer(answer["data"], answer["count"], answer["error"])
        for name, answer in json.loads(done.stdout).items()
    }


def call(client: SyncPostgrestClient, name: str, **arguments: Any) -> Callable[[], Any]:
    """A function call with a JSON body."""
    return lambda: client.rpc(name, arguments)


def python_requests(platform: Platform, start: datetime) -> dict[str, Callable[[], Any]]:
    """The same requests as the script's, by name."""
    url = f"{platform.url}/api/v1"
    # it names the schema in every request, "public" unless told
    nobody = SyncPostgrestClient(url, schema="api")
    operator = SyncPostgrestClient(url, schema="api").auth(platform.keys.mint("operator"))
    consumer = SyncPostgrestClient(url, schema="api").auth(platform.keys.mint("consumer"))
    meters = operator.from_("meters")
    exact = CountMethod.exact
    return {
        "page": lambda: meters.select("meter_id", "region", count=exact).order("meter_id").range(10, 12),
        "one": lambda: meters.select("meter_id").eq("meter_id", "SIM-00007").single(),
        "perhaps": lambda: meters.select("meter_id").eq("meter_id", "NONE").maybe_single(),
        "not_one": lambda: meters.select("meter_id").single(),
        "filtered": lambda: (
            operator.from_("readings_15m")
            .select("meter_id", "energy_kwh")
            .in_("meter_id", ["SIM-00001", "SIM-00002"])
            .gte("bucket", start.isoformat())
            .order("meter_id")
            .order("bucket", desc=True)
            .limit(3)
        ),
        "either": lambda: (
            meters.select("meter_id").or_("meter_id.eq.SIM-00001,meter_id.like.*100").order("meter_id")
        ),
        "counted": lambda: operator.from_("readings").select("*", count=exact, head=True),
        "own": lambda: consumer.from_("meters").select("meter_id"),
        "call": call(consumer, "set_threshold", meter_id="SIM-00001", kwh=1.5),
        "call_by_get": lambda: consumer.rpc("estimate_bill", {"kwh": "100", "region": "north"}, get=True),
        "call_with_json": call(
            consumer, "set_preferences", preferences={"language": "de", "tags": ["a", "b"]}
        ),
        "table_call": call(operator, "register_meters", meters=[{"meter_id": "ZZ-PY", "region": "west"}]),
        "none": lambda: nobody.from_("meters").select("*"),
        "not_mine": lambda: consumer.from_("users").select("*"),
        "not_there": call(consumer, "set_threshold", meter_id="SIM-00002", kwh=1),
        "not_writable": lambda: meters.insert({"meter_id": "X"}),
        "not_a_view": lambda: operator.from_("no_such_view").select("*"),
    }


@pytest.fixture(scope="module")
def python(platform: Platform, start: datetime) -> Answers:
    """Answers of the PyPI package postgrest."""
    answers = {}
    for name, request in python_requests(platform, start).items():
        try:
            answer = request().execute()
        except postgrest.APIError as error:
            answers[name] = Answer(error=error.json())
        else:
            # maybe_single answers None when there is no row
            answers[name] = Answer(answer.data, answer.count) if answer else Answer()
    return answers


@pytest.fixture(params=["javascript", "python"])
def client(request: pytest.FixtureRequest) -> Answers:
    """What each client was answered."""
    answers: Answers = request.getfixturevalue(request.param)
    return answers


def test_both_make_the_same_requests(javascript: Answers, python: Answers) -> None:
    assert list(javascript) == list(python)
    assert {name for name, answer in javascript.items() if answer.error} == {
        name for name, answer in python.items() if answer.error
    }


def test_rows_filters_and_pages(client: Answers) -> None:
    assert client["page"].data[0] == {"meter_id": "SIM-00011", "region": "north"}
    assert [row["meter_id"] for row in client["page"].data] == ["SIM-00011", "SIM-00012", "SIM-00013"]
    assert client["page"].count in (100, 101, 102), "the other client may have registered meters by now"
    assert client["one"].data == {"meter_id": "SIM-00007"}
    assert (client["perhaps"].data, client["perhaps"].error) == (None, None)
    assert [(row["meter_id"], row["energy_kwh"]) for row in client["filtered"].data] == [
        ("SIM-00001", 0.1)
    ] * 3
    assert client["either"].data == [{"meter_id": "SIM-00001"}, {"meter_id": "SIM-00100"}]
    assert client["counted"].count == 8
    assert client["own"].data == [{"meter_id": "SIM-00001"}]


def test_functions(client: Answers) -> None:
    assert client["call"].data["threshold_kwh"] == 1.5
    assert client["call_by_get"].data["amount"] == 12
    assert client["call_with_json"].data == {"language": "de", "tags": ["a", "b"]}
    assert [row["created"] for row in client["table_call"].data] == [True]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("not_one", "PGRST116"),
        ("none", "PT401"),
        ("not_mine", "42501"),
        ("not_there", "PT404"),
        ("not_writable", "PT405"),
        ("not_a_view", "42P01"),
    ],
)
def test_errors_reach_the_program_whole(client: Answers, name: str, code: str) -> None:
    error = client[name].error
    assert error is not None
    assert error["code"] == code
    assert error["message"]
    assert {"code", "message", "details", "hint"} <= set(error)


def test_the_packages_are_the_published_ones(runtime: Runtime) -> None:
    lock = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    name = "node_modules/@supabase/postgrest-js"
    package = Path(runtime.node_modules).parent / name / "package.json"
    assert json.loads(package.read_text())["version"] == lock[name]["version"]
