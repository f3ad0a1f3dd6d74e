"""No body costs ingest much, and nobody else waits for it: processor time, not the clock."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.ingest import Gateway, now, reading
from tests.support.keys import Keys
from tests.support.servers import TestServer

SECONDS = 0.5
"""Processor time of ingest for one body. Before there were limits: up to 255 s."""
LARGEST = 10 * 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
AT = "2026-01-01T00:00:00Z"

Headers = dict[str, str]


def fill(item: bytes, begin: bytes = b"", end: bytes = b"") -> bytes:
    """As many of ``item`` as a body holds."""
    return begin + item * ((LARGEST - len(begin) - len(end)) // len(item)) + end


def many(item: str, count: int = 10_000) -> bytes:
    return ("[" + ",".join([item] * count) + "]").encode()


GOOD = json.dumps({"meter_id": "SIM-00001", "timestamp": AT, "kwh": 1})
WRONG = json.dumps({"meter_id": "SIM-00001", "timestamp": "x", "kwh": 1, "voltage": -1})
LINES: dict[str, Callable[[], bytes]] = {
    "lines that are no JSON": lambda: b"x\n" * 524_288,
    "lines that are no JSON, as many as there may be": lambda: b"x\n" * 10_000,
    "long lines that are no JSON": lambda: (b'{"a": "' + b"x" * 1000 + b"\n") * 10_000,
    "blank lines": lambda: fill(b"\n"),
    "lines of blanks": lambda: fill(b" \r\n"),
    "one line of blanks": lambda: fill(b" "),
    "lines of NaN": lambda: b"NaN\n" * 10_000,
    "lines of deep nesting": lambda: (b"[" * 900 + b"\n") * 10_000,
    "lines of readings, too many": lambda: fill(GOOD.encode() + b"\n"),
    "lines of readings, the last one wrong": lambda: (GOOD.encode() + b"\n") * 9_999 + b"{",
}
TIME = b'[{"meter_id": "M", "timestamp": "2026-01-01T00:00:00'


def keys(count: int) -> bytes:
    return ("[{" + ",".join(f'"{n}":0' for n in range(count)) + "}]").encode()


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "zeros and NaN": lambda: fill(b"0,", b"[", b"NaN]"),
    "zeros": lambda: fill(b"0,", b"[", b"0]"),
    "as many values as there may be, and NaN": lambda: b"[" + b"0," * 150_000 + b"NaN]",
    "nesting": lambda: fill(b"["),
    "nesting of both kinds": lambda: fill(b'[{"a":'),
    "nesting as deep as there may be": lambda: b"[" * 150_000,
    "objects": lambda: fill(b"{},", b"[", b"{}]"),
    "readings, too many": lambda: fill(GOOD.encode() + b",", b"[", GOOD.encode() + b"]"),
    "readings, too many, and NaN": lambda: fill(GOOD.encode() + b",", b"[", b"NaN]"),
    "readings that are too old": lambda: many(GOOD),
    "readings of unknown meters": lambda: (
        b"["
        + b",".join(
            json.dumps({"meter_id": f"NOBODY-{n}", "timestamp": AT, "kwh": 1}).encode() for n in range(10_000)
        )
        + b"]"
    ),
    "readings that are wrong": lambda: many(
        '{"meter_id": "SIM-00001", "timestamp": "x", "kwh": 1, "voltage": -1}'
    ),
    "readings with a long unknown field": lambda: many('{"' + "a" * 900 + '": NaN}'),
    "a long number": lambda: fill(b"1", b"[", b"]"),
    "a long fraction": lambda: fill(b"1", b"[0.", b"]"),
    "a long number of a reading": lambda: fill(b"7", b'[{"meter_id": "M", "timestamp": "T", "kwh": ', b"}]"),
    "a long exponent": lambda: fill(b"1", b"[1e", b"]"),
    "long numbers": lambda: many("1" * 1000),
    "long fractions": lambda: many("0." + "3" * 1000),
    "a long string": lambda: fill(b"a", b'["', b'"]'),
    "a long string without an end": lambda: fill(b"a", b'["'),
    "a string of escapes": lambda: fill(b"\\u0000", b'["', b'"]'),
    "a string of lone surrogates": lambda: fill(b"\\ud800", b'["', b'"]'),
    "a string of stray bytes": lambda: fill(b"\xff", b'["', b'"]'),
    "a long meter": lambda: fill(b"a", b'[{"meter_id": "', b'", "timestamp": "T", "kwh": NaN}]'),
    "a long time": lambda: fill(
        b"0", b'[{"meter_id": "M", "timestamp": "2026-01-01T00:00:00.', b'", "kwh": 1}]'
    ),
    "a long time zone": lambda: fill(
        b" ", b'[{"meter_id": "M", "timestamp": "2026-01-01T00:00:00', b'Z", "kwh": 1}]'
    ),
    "keys": lambda: keys(900_000)[:LARGEST],
    "as many keys as there may be": lambda: (
        "[{" + ",".join(f'"{n}":0' for n in range(150_000)) + "}]"
    ).encode(),
    "the same key": lambda: fill(b'"kwh":0,', b"[{", b'"kwh":NaN}]'),
    "blanks": lambda: fill(b" ", b"[", b"]"),
    "stray bytes": lambda: fill(b"\xff"),
    "zero bytes": lambda: fill(b"\0"),
    "colons": lambda: fill(b":", b"[", b"]"),
    "quotes": lambda: fill(b'"', b"[", b"]"),
    "backslashes": lambda: fill(b"\\", b'["', b'"]'),
}
EMPTY = gzip.compress(b"", mtime=0)


def stored_blocks() -> bytes:
    """One member that says nothing in a great many blocks."""
    block = b"\x00\x00\x00\xff\xff"
    return b"\x1f\x8b\x08" + bytes(7) + block * ((LARGEST - 30) // 5) + b"\x01\x00\x00\xff\xff" + bytes(8)


GZIPPED: dict[str, Callable[[], bytes]] = {
    "empty members": lambda: EMPTY * (2 * 1024 * 1024 // len(EMPTY)),
    "as many empty members as a body holds": lambda: fill(EMPTY),
    "members of one byte": lambda: fill(gzip.compress(b" ", mtime=0)),
    "members, as many as there may be, and a long tail": lambda: fill(b"\0", EMPTY * 1000),
    "members between zeros": lambda: (EMPTY + b"\0" * 9_000) * 1000,
    "empty blocks": stored_blocks,
    "a bomb": lambda: gzip.compress(bytes(200 * 1024 * 1024), 9),
    "bombs, one after the other": lambda: gzip.compress(bytes(LARGEST // 500), 9) * 1000,
    "a member that is cut short": lambda: gzip.compress(os.urandom(LARGEST - 10_000), 1)[:-9],
    "what cannot be compressed": lambda: gzip.compress(os.urandom(LARGEST - 10_000), 1),
    "no gzip": lambda: fill(b"x"),
}


def bodies() -> Iterator[tuple[str, bytes, Headers]]:
    """Every body, plain and gzip."""
    for kind, all_of_them in (("application/x-ndjson", LINES), ("application/json", DOCUMENTS)):
        for name, make in all_of_them.items():
            data = make()
            assert len(data) <= LARGEST, name
            yield name, data, {"Content-Type": kind}
            packed = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
            yield (
                f"{name}, gzip",
                packed.compress(data) + packed.flush(),
                {"Content-Type": kind, "Content-Encoding": "gzip"},
            )
    for kind in ("application/x-ndjson", "application/json"):
        for name, make in GZIPPED.items():
            yield f"{name}, {kind}", make(), {"Content-Type": kind, "Content-Encoding": "gzip"}


def used(pid: int) -> float:
    """Processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


@pytest.fixture
def server(start_ingest: Callable[..., TestServer]) -> TestServer:
    """An ingest worker with its own limits, but for the device's rate: one device sends all of it."""
    return start_ingest(SEGS_INGEST_RATE_LIMIT="0", SEGS_INGEST_READING_RATE="0")


async def test_no_body_costs_much(server: TestServer, keys: Keys) -> None:
    pid = server.pid
    assert pid is not None
    async with Gateway.open(server.url, keys.mint("device")) as gateway:
        await gateway.send([reading(1, now())])
        costs, statuses = {}, {}
        for name, data, headers in bodies():
            before = used(pid)
            statuses[name], _, _ = await gateway.post(data, headers)
            costs[name] = used(pid) - before
    assert {name: seconds for name, seconds in costs.items() if seconds > SECONDS} == {}
    assert {name: status for name, status in statuses.items() if status not in (200, 400, 413, 422)} == {}


async def test_others_are_served_meanwhile(server: TestServer, keys: Keys) -> None:
    """While hostile bodies come without a pause, what others send is stored."""
    body = gzip.compress(DOCUMENTS["readings that are wrong"]())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    done = asyncio.Event()
    sent = 0

    async def attack() -> None:
        nonlocal sent
        async with Gateway.open(server.url, keys.mint("device", sub="hostile")) as gateway:
            while not done.is_set():
                await gateway.post(body, headers)
                sent += 1

    attacks = [asyncio.create_task(attack()) for _ in range(8)]
    try:
        async with Gateway.open(server.url, keys.mint("device", sub="other")) as gateway:
            start: Any = now() - timedelta(hours=1)
            during = 0
            for second in range(200):
                before = sent
                await gateway.send([reading(1, start + timedelta(seconds=second))])
                during += sent - before
    finally:
        done.set()
        await asyncio.gather(*attacks, return_exceptions=True)
    # In the time of one hostile body many others are answered: they do not queue behind each of the eight.
    assert sent
    assert during < 2 * 200, f"{during} hostile bodies were read while 200 others waited"
