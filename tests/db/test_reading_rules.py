"""What comes by the queue or is replayed is judged as what comes by HTTP: the same rules, the same words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import vectors
from workers.ingest.readings import Limits, Meter, screen, shape
from workers.ingest.rows import EPOCH_SHIFT, as_rows

FILE = vectors.readings()
JUDGE = """
select j.code, j.message, case when j.code is null then j.ts end, j.energy,
    j.voltage::float8, j.current::float8
from grid.tenant as t
cross join ingest.judge(
    array_fill(t.tenant_id, array[cardinality(%(sent)s::jsonb[])]), %(sent)s::jsonb[], %(stamped)s::text[],
    %(at)s
) as j
where t.code = 'vectors' order by j.place
"""


@pytest.fixture
def judged(shared: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """The meters of the vectors, in a transaction that is rolled back."""
    with shared.transaction(force_rollback=True):
        shared.execute("insert into grid.tenant (code, name) values ('vectors', 'Vectors')")
        meters = [
            {"meter_id": meter["meter_id"], "region": "north", "kind": meter["kind"]} for meter in FILE.meters
        ]
        shared.execute(
            "select grid.register_meters(t.tenant_id, %s) from grid.tenant as t where t.code = 'vectors'",
            (json.dumps(meters),),
        )
        shared.execute(
            "update grid.tenant set reading_interval = %s where code = 'vectors'", (FILE.interval,)
        )
        for meter in FILE.meters:
            shared.execute(
                "update grid.meter set connection_kw = %s"
                " where code = %s and tenant_id = (select tenant_id from grid.tenant where code = 'vectors')",
                (meter["connection_kw"], meter["meter_id"]),
            )
        yield shared


def verdicts(
    connection: psycopg.Connection[Any], texts: list[str], stamped: list[str | None]
) -> list[dict[str, Any]]:
    rows = connection.execute(JUDGE, {"sent": texts, "stamped": stamped, "at": FILE.at}).fetchall()
    return [
        {"ts": ts, "mwh": energy, "voltage": voltage, "current": current}
        if code is None
        else {"code": code, "message": message}
        for code, message, ts, energy, voltage, current in rows
    ]


def test_readings_are_judged_as_written_down(judged: psycopg.Connection[Any]) -> None:
    cases = [case for case in FILE.cases if case.jsonb]
    found = verdicts(judged, [case.text for case in cases], [case.stamped for case in cases])
    assert {case.name: one for case, one in zip(cases, found, strict=True)} == {
        case.name: case.expected for case in cases
    }


def test_the_rest_cannot_be_sent_to_the_queue(judged: psycopg.Connection[Any]) -> None:
    for case in FILE.cases:
        if not case.jsonb:
            with pytest.raises(psycopg.DataError), judged.transaction():
                judged.execute("select %s::jsonb", (case.text,))


METERS = {
    meter["meter_id"]: Meter(
        number,
        meter["highest"],
        meter["kind"] == "two_way",
        FILE.interval // timedelta(microseconds=1),
        False,
    )
    for number, meter in enumerate(FILE.meters, 1)
}
# Readings that are right but for some letters.
plain = json.dumps({"meter_id": "M-1", "timestamp": "2026-11-24T10:00:00.25+01:00", "kwh": 0.25})
letters = st.sampled_from(
    [*'0123456789+-.:eETtZz "{}[],_M', "null", "true", "00", "\u00e4", "\\u0000", "voltage", "e-5"]
)
stamps = st.from_regex(
    r"(0000|0001|1969|2026|9999)-(02|11|13)-(24|29|30|31)[Tt ](0\d|1\d|23|24):\d\d(:(00|59|60)(\.\d{1,10})?)?"
    r"([Zz]|[+-](00|02|23|24)(:?(00|59|60))?)?",
    fullmatch=True,
)
numbers = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.floats(-10_001, 10_001).map(repr)
    | st.integers(-(10**30), 10**30).map(str)
    | st.decimals(-10_001, 10_001, places=7).map(str)
    | st.from_regex(r"-?(0|[1-9]\d{0,3})(\.\d{1,20})?([eE][+-]?\d{1,3})?", fullmatch=True)
)
fields = {
    "meter_id": st.sampled_from(['"M-1"', '"M-1"', '"M-2"', '"M-3"', '"M-9"', '"M 1"', "1"]),
    "timestamp": stamps.map(json.dumps) | st.just('"2026-11-24T10:00:00.5Z"'),
    "kwh": numbers,
    "voltage": numbers,
    "current": numbers,
    "Kwh": st.just("1"),
}


@st.composite
def sent(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        names = ["meter_id", "timestamp", "kwh", *draw(st.sets(st.sampled_from(["voltage", "current"])))]
        if draw(st.integers(0, 9)) == 9:
            names = draw(st.lists(st.sampled_from([*fields]), unique=True))
        return "{" + ",".join(f'"{name}":{draw(fields[name])}' for name in names) + "}"
    text = plain
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(letters) + text[place + draw(st.integers(0, 2)) :]
    return text


def by_http(text: str) -> dict[str, Any]:
    items = [json.loads(text, parse_int=float)]
    limits = Limits(timedelta(minutes=5), timedelta(days=35), 10_000_000_000)
    result = screen(lambda: items, shape(items), METERS, limits, FILE.at.timestamp())
    if result.rejections:
        return {"code": result.rejections[0].code, "message": result.rejections[0].message}
    (row,) = as_rows([result.packed])
    ts = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(row["ts"]) + EPOCH_SHIFT)
    voltage, current = (
        None if row[name] != row[name] else float(row[name]) for name in ("voltage", "current")
    )
    return {"ts": ts, "mwh": int(row["energy"]), "voltage": voltage, "current": current}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(sent(), min_size=30, max_size=60))
def test_any_reading_is_judged_alike(judged: psycopg.Connection[Any], texts: list[str]) -> None:
    readable = [
        text
        for text, valid in judged.execute(
            "select u.text, pg_input_is_valid(u.text, 'jsonb') from unnest(%s::text[]) as u (text)", (texts,)
        )
        if valid
    ]
    assert list(zip(readable, verdicts(judged, readable, [None] * len(readable)), strict=True)) == [
        (text, by_http(text)) for text in readable
    ]
