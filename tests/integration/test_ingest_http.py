"""POST /telemetry/batch as a client sees it: what is taken, and what each fault is answered."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.support.cluster import Database
from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys, make_keys
from tests.support.servers import TestServer

SHAPE = {"code", "message", "details", "hint"}


async def test_readings_are_stored_exactly(gateway: Gateway, database: Database) -> None:
    at = now()
    answer = await gateway.send(
        [
            reading(1, at, kwh=0.1234565, voltage=230.5, current=1.5),
            reading(2, at, kwh=250),
            reading(3, at + timedelta(microseconds=1), kwh=0, voltage=None),
        ]
    )
    assert answer == {"accepted": 3, "duplicates": 0, "rejected": []}
    rows = database.rows("select ts, energy, voltage, current, quality from grid.reading order by meter_id")
    assert rows == [
        (at, 123456, 230.5, 1.5, 0),
        (at, 250_000_000, None, None, 0),
        (at + timedelta(microseconds=1), 0, None, None, 0),
    ]


async def test_the_batch_log_says_what_came_in(gateway: Gateway, database: Database) -> None:
    at = now()
    await gateway.send([reading(1, at), reading(1, at), reading(1, at - timedelta(hours=1)), {"meter_id": 1}])
    assert database.rows(
        "select source, accepted, duplicates, rejected, first_ts, last_ts from ingest.batch"
    ) == [("http", 2, 1, 1, at - timedelta(hours=1), at)]


@pytest.mark.parametrize("form", ["object", "array", "ndjson", "gzip", "gzip ndjson", "charset"])
async def test_every_form_of_body(gateway: Gateway, form: str) -> None:
    readings = [reading(number, now()) for number in (1, 2, 3)]
    headers = {"Content-Type": "application/json; charset=UTF-8" if form == "charset" else "application/json"}
    body = json.dumps({"readings": readings} if form == "object" else readings).encode()
    if "ndjson" in form:
        headers["Content-Type"] = "application/x-ndjson"
        body = "\n".join(json.dumps(item) for item in readings).encode() + b"\n"
    if "gzip" in form:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body)
    status, answer, _ = await gateway.post(body, headers)
    assert (status, answer["accepted"]) == (200, 3)


BAD_READINGS: list[tuple[bytes, str]] = [
    (b'{"timestamp": "%(now)s", "kwh": 1}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": 1, "extra": 1}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": NaN}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": Infinity}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": 1e999}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": true}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": "1"}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "2026-01-01T00:00:00", "kwh": 1}', "invalid_reading"),
    (b'{"meter_id": "SIM-00001\\u0000", "timestamp": "%(now)s", "kwh": 1}', "invalid_reading"),
    (b'{"meter_id": "SIM-\xff", "timestamp": "%(now)s", "kwh": 1}', "invalid_reading"),
    (b'{"meter_id": "\\ud800", "timestamp": "%(now)s", "kwh": 1}', "invalid_reading"),
    (b'{"\xff": 1}', "invalid_reading"),
    (b"null", "invalid_reading"),
    (b'{"meter_id": "SIM-00001", "timestamp": "9999-12-31T23:59:59Z", "kwh": 1}', "time_in_future"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(ahead)s", "kwh": 1}', "time_in_future"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(old)s", "kwh": 1}', "time_too_old"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": 10001}', "energy_out_of_range"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": 9999}', "energy_above_connection"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": -1}', "negative_energy"),
    (b'{"meter_id": "SIM-00001", "timestamp": "%(now)s", "kwh": 1' + b"0" * 400 + b"}", "invalid_reading"),
    (b'{"meter_id": "NOBODY", "timestamp": "%(now)s", "kwh": 1}', "unknown_meter"),
]


@pytest.mark.parametrize("lines", [False, True], ids=["json", "ndjson"])
async def test_a_bad_reading_is_rejected_by_itself(gateway: Gateway, database: Database, lines: bool) -> None:
    at = now()
    times = {
        b"now": at.isoformat().encode(),
        b"ahead": (at + timedelta(minutes=6)).isoformat().encode(),
        b"old": (at - timedelta(days=36)).isoformat().encode(),
    }
    good = json.dumps(reading(7, at)).encode()
    items = [good, *(template % times for template, _ in BAD_READINGS)]
    codes = [code for _, code in BAD_READINGS]
    if lines:
        items.append(b"{not json")
        codes.append("invalid_reading")
        body, kind = b"\n".join(items), "application/x-ndjson"
    else:
        body, kind = b"[" + b",".join(items) + b"]", "application/json"
    status, answer, _ = await gateway.post(body, {"Content-Type": kind})
    assert (status, answer["accepted"], answer["duplicates"]) == (200, 1, 0)
    assert [(item["index"], item["code"]) for item in answer["rejected"]] == list(enumerate(codes, 1))
    assert all(item["message"] for item in answer["rejected"])
    kept = database.rows("select code, source from ingest.quarantine")
    assert sorted(kept) == sorted((code, "http") for code in codes if code != "invalid_reading")
    assert database.value("select count(*) from grid.reading") == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed_json"),
        (b"{", {}, 400, "malformed_json"),
        (b"\xff\xfe", {}, 400, "malformed_json"),
        (b"[" * 100_000, {}, 400, "malformed_json"),
        (b"[]", {}, 422, "empty_batch"),
        (b'{"readings": []}', {}, 422, "empty_batch"),
        (b"\n\n", {"Content-Type": "application/x-ndjson"}, 422, "empty_batch"),
        (b"1", {}, 422, "invalid_batch"),
        (b"[]", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"[]", {"Content-Type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        (b"[]", {"Content-Encoding": "br"}, 415, "unsupported_media_type"),
        (b"[]", {"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
        (gzip.compress(b"[1]")[:-4], {"Content-Encoding": "gzip"}, 400, "malformed_gzip"),
        (b"[" + b"1," * 10_000 + b"1]", {}, 413, "too_many_readings"),
        (b"[" + b" " * (10 * 1024 * 1024) + b"]", {}, 413, "body_too_large"),
        (gzip.compress(b" " * (10 * 1024 * 1024 + 1)), {"Content-Encoding": "gzip"}, 413, "body_too_large"),
    ],
)
async def test_a_bad_request_stores_nothing(
    gateway: Gateway, database: Database, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answered, error, _ = await gateway.post(body, {"Content-Type": "application/json", **headers})
    assert (answered, error["code"]) == (status, code)
    assert error.keys() == SHAPE
    assert database.value("select count(*) from grid.reading") == 0
    assert database.value("select count(*) from ingest.batch") == 0


async def test_who_may_send(ingest_server: TestServer, keys: Keys, tmp_path: Any) -> None:
    forged = make_keys(tmp_path, {})
    cases: list[tuple[str | None, int, str]] = [
        (None, 401, "unauthorized"),
        ("nonsense", 401, "unauthorized"),
        (keys.mint("device", exp=1), 401, "unauthorized"),
        (keys.mint("device", aud="other"), 401, "unauthorized"),
        (keys.mint("device", exp=None), 401, "unauthorized"),
        (forged.mint("device"), 401, "unauthorized"),
        (keys.mint("consumer"), 403, "forbidden"),
        (keys.mint("admin"), 403, "forbidden"),
        (keys.mint("device", tenant="nobody"), 403, "forbidden"),
        (keys.mint("device"), 200, ""),
    ]
    for token, status, code in cases:
        async with Gateway.open(ingest_server.url, token) as gateway:
            answered, body, headers = await gateway.post(json.dumps([reading(1, now())]).encode())
            assert (answered, body.get("code", "")) == (status, code)
            assert ("WWW-Authenticate" in headers) == (status == 401)


async def test_another_tenants_meter_is_as_unknown_as_none(
    ingest_server: TestServer, keys: Keys, database: Database
) -> None:
    database.rows("insert into grid.tenant (code, name) values ('other', 'Other')")
    database.rows(
        "select * from grid.register_meters("
        " (select tenant_id from grid.tenant where code = 'other'),"
        """ '[{"meter_id": "THEIRS-1", "region": "north"}]')"""
    )
    at = now()
    items = [{**reading(1, at), "meter_id": code} for code in ("THEIRS-1", "NOBODY-1")]
    async with Gateway.open(ingest_server.url, keys.mint("device")) as gateway:
        rejected = (await gateway.send(items))["rejected"]
        assert {(item["code"], item["message"]) for item in rejected} == {("unknown_meter", "no such meter")}
        assert len(rejected) == 2
    async with Gateway.open(ingest_server.url, keys.mint("device", tenant="other")) as gateway:
        assert (await gateway.send(items))["accepted"] == 1


async def test_a_meter_registered_later_is_found(gateway: Gateway, database: Database) -> None:
    item = {**reading(1, now()), "meter_id": "LATE-1"}
    assert (await gateway.send([item]))["rejected"][0]["code"] == "unknown_meter"
    database.rows(
        "select * from grid.register_meters("
        " (select tenant_id from grid.tenant where code = 'demo'),"
        """ '[{"meter_id": "LATE-1", "region": "north"}]')"""
    )
    await gateway.until_accepted([item])


async def test_the_rate_limit(start_ingest: Any, keys: Keys) -> None:
    server = start_ingest(SEGS_INGEST_RATE_LIMIT="0.5", SEGS_INGEST_RATE_BURST="2")
    body = json.dumps([reading(1, now())]).encode()
    async with Gateway.open(server.url, keys.mint("device", sub="eager")) as gateway:
        assert [(await gateway.post(body))[0] for _ in range(2)] == [200, 200]
        status, error, headers = await gateway.post(body)
        assert (status, error["code"], set(error)) == (429, "rate_limited", SHAPE)
        assert 1 <= int(headers["Retry-After"]) <= 4
    async with Gateway.open(server.url, keys.mint("device", sub="patient")) as gateway:
        assert (await gateway.post(body))[0] == 200


async def test_health_metrics_and_unknown_paths(gateway: Gateway, ingest_server: TestServer) -> None:
    await gateway.send([reading(1, now()), reading(1, now() - timedelta(days=40))])
    async with aiohttp.ClientSession(ingest_server.url) as session:
        async with session.get("/health") as response:
            assert response.status == 200
            assert await response.json() == {"live": True, "ready": True, "postgresql": "ok", "redis": "ok"}
        async with session.get("/metrics") as response:
            text = await response.text()
        async with session.get("/nowhere") as response:
            assert (response.status, (await response.json())["code"]) == (404, "not_found")
        async with session.get("/telemetry/batch") as response:
            assert (response.status, (await response.json())["code"]) == (405, "method_not_allowed")
    assert 'segs_ingest_readings_total{outcome="accepted"} 1.0' in text
    assert 'segs_ingest_readings_total{outcome="rejected"} 1.0' in text
    assert 'segs_ingest_requests_total{status="200"} 1.0' in text
    assert "segs_ingest_write_seconds_count" in text


async def test_the_queue_gives_the_same_verdicts(gateway: Gateway, database: Database) -> None:
    at = now()
    items: list[Any] = [
        reading(1, at),
        reading(1, at),
        reading(2, at, kwh=0.0000005),
        reading(2, at + timedelta(seconds=1), kwh=0.0000015),
        reading(3, at, kwh=10_001),
        reading(3, at, kwh=9_999),
        reading(3, at, kwh=-1),
        reading(3, at + timedelta(minutes=6)),
        reading(3, at - timedelta(days=36)),
        {**reading(3, at), "meter_id": "NOBODY"},
        {**reading(3, at), "meter_id": "no body"},
        {**reading(3, at), "extra": 1},
        {**reading(3, at), "kwh": "1"},
        {**reading(3, at), "kwh": True},
        {**reading(3, at), "timestamp": "2026-01-01T00:00:00"},
        {**reading(3, at), "timestamp": "9999-12-31T23:59:59Z"},
        {**reading(3, at), "voltage": -1},
        reading(1, at, kwh=2.5),
        {"meter_id": "SIM-00001"},
        7,
    ]
    database.rows(
        "select pgmq.send('raw_readings', %s::jsonb)", (json.dumps({"tenant": "demo", "readings": items}),)
    )
    (queued,) = database.rows("select accepted, duplicates, rejected from ingest.drain_queue()")
    stored = database.rows("select meter_id, ts, energy from grid.reading order by 1, 2")
    kept = database.rows(
        "select code, message, reading from ingest.quarantine where code <> 'invalid_reading'"
    )
    assert database.value("select count(*) from ingest.quarantine") == queued[2], "nobody else is told"
    database.rows("delete from grid.reading")
    database.rows("delete from ingest.quarantine")
    answer = await gateway.send(items)
    assert (answer["accepted"], answer["duplicates"], len(answer["rejected"])) == queued
    assert database.rows("select meter_id, ts, energy from grid.reading order by 1, 2") == stored
    by_http = database.rows("select code, message, reading from ingest.quarantine order by quarantine_id")
    assert sorted(map(str, by_http)) == sorted(map(str, kept))


def test_now_is_in_utc() -> None:
    assert now().tzinfo is UTC
    assert abs(now() - datetime.now(UTC)) < timedelta(hours=1)
