"""What a list of meters may hold, and how one that is wrong is refused: with its place, in our own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.rest import RestClient
from workers.ingest.readings import well_formed

GOOD = {"meter_id": "NEW-0", "region": "north"}
NO_CODES: list[object] = [
    "1EMH00 12345678", "1-0:1.8.0*255", "Zähler-1", "MTR/1", "", " ", "-1", ".1", "M" * 65, "M\n",
    "M\u0001",
    "\u0130D", "M,1", 'M"1', "M(1)", "ME\u200bTER", None, 5, True, [], {},
]  # fmt: skip
NO_KINDS: list[object] = ["twoway", "", "ONE_WAY", 5, [], {}, True]
NO_TIMES: list[object] = ["infinity", "-infinity", "", "x", "2026-02-30", "01.11.2026", 5, [], {}, True]
WRONG: list[tuple[Any, str]] = [
    (5, "a meter is an object"),
    (None, "a meter is an object"),
    ([], "a meter is an object"),
    ({}, "meter_id is not"),
    ({"meterId": "NEW-1", "region": "north"}, "unknown field: meterId"),
    ({"meter_id": "NEW-1", "region": "north", "owner": None}, "unknown field: owner"),
    *[
        ({"meter_id": code, "region": "north"}, "meter_id is not")
        for code in NO_CODES
    ],
    ({"meter_id": "NEW-1"}, "region is not"),
    ({"meter_id": "NEW-1", "region": None}, "region is not"),
    ({"meter_id": "NEW-1", "region": 5}, "region is not"),
    *[
        ({**GOOD, "meter_id": "NEW-1", "kind": kind}, "kind is not one_way or two_way")
        for kind in NO_KINDS
    ],
    *[
        ({**GOOD, "meter_id": "NEW-1", "installed_at": time}, "installed_at is not a date or time")
        for time in NO_TIMES
    ],
    ({**GOOD, "kind": "two_way"}, "meter_id NEW-0 is that of meters[0] too"),
]  # fmt: skip
# What is printed on meters and in contracts, written without blanks.
REAL = {
    "DIN 43863-5": "1EMH0012345678",
    "metering location (MeLo, Germany)": "DE00056266802AO6G56M11SN51G21M24S",
    "market location (MaLo, Germany)": "51238696781",
    "NMI (Australia)": "QB12345678",
    "MPAN (Great Britain)": "2000012345678",
    "PRM (France)": "14203456789012",
    "CUPS (Spain)": "ES0021000000000001JN0F",
    "POD (Italy)": "IT001E12345678",
    "EAN-18 (Benelux)": "541448860000000001",
    "serial number": "LGZ-50.123_456",
}


@pytest.fixture
def operator(postgrest: str, keys: Keys) -> RestClient:
    return RestClient(postgrest, keys.headers("operator"))


@pytest.mark.parametrize("place", [1, 7])
def test_a_wrong_meter_is_named_by_its_place_and_nothing_is_registered(
    operator: RestClient, database: Database, place: int
) -> None:
    before = database.value("select count(*) from grid.meter")
    good = [{"meter_id": f"NEW-{n}0" if n else "NEW-0", "region": "north"} for n in range(place)]
    for meter, words in WRONG:
        answer = operator.post("/rpc/register_meters", {"meters": [*good, meter]})
        assert (answer.status, answer.json()["code"]) == (422, "PT422"), (meter, answer.text)
        assert answer.json()["message"].startswith(f"meters[{place}]: {words}"), (meter, answer.text)
    answer = operator.post(
        "/rpc/register_meters", {"meters": [*good, {**GOOD, "meter_id": "N", "region": "moon"}]}
    )
    assert (answer.status, answer.json()["code"]) == (400, "22023")
    assert answer.json()["message"] == f"meters[{place}]: there is no region moon"
    assert database.value("select count(*) from grid.meter") == before


def test_all_that_is_wrong_is_told_at_once(operator: RestClient) -> None:
    body = operator.post("/rpc/register_meters", {"meters": [{"a": 1}, GOOD, 5, GOOD]}).json()
    assert body["message"] == "meters[0]: unknown field: a"
    assert body["details"].split("; ") == [
        body["message"],
        "meters[2]: a meter is an object",
        "meters[3]: meter_id NEW-0 is that of meters[1] too",
    ]


def test_ids_that_real_meters_bear_are_taken(operator: RestClient) -> None:
    meters = [
        {"meter_id": code, "region": "north", "kind": None, "installed_at": None} for code in REAL.values()
    ]
    answer = operator.post("/rpc/register_meters", {"meters": meters})
    assert {row["meter_id"] for row in answer.json() if row["created"]} == set(REAL.values())
    for code in REAL.values():
        assert [row["meter_id"] for row in operator.get("/meters", meter_id=f"eq.{code}").json()] == [code]
        listed = operator.get("/meters", meter_id=f"in.({code},SIM-00001)").json()
        assert len(listed) == 2, "no character of a code needs quoting in a list"


def test_a_meter_that_exists_is_not_silently_something_else(operator: RestClient) -> None:
    meter = {"meter_id": "OLD", "region": "north", "kind": "one_way", "installed_at": "2026-01-01T00:00:00Z"}
    first = operator.post("/rpc/register_meters", {"meters": [meter]}).json()
    assert first == [{"meter_id": "OLD", "created": True, "differs": []}]
    for change, differs in (
        ({}, []),
        ({"region": "south"}, ["region"]),
        ({"kind": "two_way"}, ["kind"]),
        ({"installed_at": "2026-01-01T01:00:00+01:00"}, []),
        (
            {"installed_at": "2026-01-02", "region": "east", "kind": "two_way"},
            ["region", "kind", "installed_at"],
        ),
        ({"kind": None, "installed_at": None}, []),
    ):
        again = operator.post("/rpc/register_meters", {"meters": [{**meter, **change}]}).json()
        assert again == [{"meter_id": "OLD", "created": False, "differs": differs}]
    row = operator.get("/meters", meter_id="eq.OLD").json()[0]
    assert (row["region"], row["kind"]) == ("north", "one_way")


def test_every_door_has_the_same_rule_of_codes(operator: RestClient, database: Database) -> None:
    refused = [code for code in NO_CODES if isinstance(code, str)]
    assert well_formed(refused) == set(), "POST /telemetry/batch"
    assert well_formed(REAL.values()) == set(REAL.values())
    queue = (
        "select ingest.shape_error(jsonb_build_object('meter_id', %s::text, 'timestamp', %s::text, 'kwh', 1))"
    )
    for code in refused:
        assert database.value(queue, (code, "2026-01-01T00:00:00Z")) is not None, f"raw_readings: {code!r}"
        answer = operator.post("/rpc/set_threshold", {"meter_id": code, "kwh": 5})
        assert (answer.status, answer.json()["code"]) == (404, "PT404"), "there can be no such meter"
    for code in REAL.values():
        assert database.value(queue, (code, "2026-01-01T00:00:00Z")) is None, f"raw_readings: {code!r}"
