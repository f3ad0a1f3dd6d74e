"""Those who take readings over HTTP: SEGS, a handler that does nothing, PostgREST, InfluxDB, VictoriaMetrics.

Each is sent the same readings in its own format. All of them run on loopback beside the load generator.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import orjson

from bench.environment import Environment
from bench.ingest.rows import Row
from bench.wrk import http_request
from stack import servers
from stack.paths import CHECKOUT
from stack.process import ServerSpec

RPC = Path(__file__).with_name("postgrest_insert.sql")
PACKAGES = ("influxdb", "victoria-metrics")
Batches = Iterable[list[Row]]


class Taker(Protocol):
    """Someone who takes readings. A row names its meter by its place in ``codes``."""

    name: str
    url: str
    servers: frozenset[str]
    """The servers whose cost is its cost."""

    def requests(self, batches: Batches, codes: Sequence[str]) -> Iterator[bytes]: ...

    def stored(self) -> int | None:
        """How many readings it holds; None if it does not store them."""


def as_json(rows: list[Row], codes: Sequence[str]) -> list[dict[str, object]]:
    """Readings as meters send them."""
    return [
        {"meter_id": codes[m], "timestamp": ts.isoformat(), "kwh": e / 1e6, "voltage": v, "current": c}
        for ts, m, e, v, c in rows
    ]


class Segs:
    """The ingest worker, or what stands in its place at another address."""

    def __init__(self, environment: Environment, *names: str, stores: bool = True) -> None:
        self.name = names[0]
        self.url = environment.urls[self.name]
        self.servers = frozenset({*names, "postgres", "redis"} if stores else names)
        self._environment = environment
        self._stores = stores
        self.headers = {
            "Authorization": f"Bearer {environment.token('device', 'bench-gateway')}",
            "Content-Type": "application/json",
        }

    def through_nginx(self) -> Segs:
        """The same behind the edge, as gateways reach it."""
        self._environment.ports["ingest"] = urlsplit(self.url).port or 0
        self._environment.start_nginx()
        edge = copy(self)
        edge.name, edge.url = f"nginx before {self.name}", self._environment.urls["nginx"]
        edge.servers = self.servers | {"nginx"}
        return edge

    def requests(self, batches: Batches, codes: Sequence[str]) -> Iterator[bytes]:
        for rows in batches:
            yield http_request("POST", "/telemetry/batch", self.headers, self.body(rows, codes))

    def body(self, rows: list[Row], codes: Sequence[str]) -> bytes:
        """Readings as a gateway sends them."""
        return orjson.dumps({"readings": as_json(rows, codes)})

    def stored(self) -> int | None:
        return count_readings(self._environment) if self._stores else None


class PostgrestRpc:
    """A function behind PostgREST that inserts what it is given: what one writes without a worker.

    Nothing like it is part of SEGS: it checks no more of a reading than the table does.
    """

    name = "postgrest"
    servers = frozenset({"postgrest", "postgres"})

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        with environment.connect() as connection:
            connection.execute(RPC.read_bytes())
        environment.start_postgrest()
        self.url = environment.urls["postgrest"]
        self._headers = {
            "Authorization": f"Bearer {environment.token('operator', environment.user('operator'))}",
            "Content-Type": "application/json",
            "Prefer": "return=minimal",
        }

    def requests(self, batches: Batches, codes: Sequence[str]) -> Iterator[bytes]:
        for rows in batches:
            body = orjson.dumps({"readings": as_json(rows, codes)})
            yield http_request("POST", "/rpc/bench_insert", self._headers, body)

    def stored(self) -> int | None:
        return count_readings(self._environment)


def count_readings(environment: Environment) -> int:
    with environment.connect() as connection:
        row = connection.execute("select count(*) from grid.reading").fetchone()
    assert row is not None
    return int(row[0])


class LineProtocol:
    """A time-series database that takes InfluxDB's line protocol at ``/write``."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.servers = frozenset({name})

    def requests(self, batches: Batches, codes: Sequence[str]) -> Iterator[bytes]:
        for rows in batches:
            yield http_request("POST", "/write?db=bench", {}, self.lines(rows, codes).encode())

    def lines(self, rows: list[Row], codes: Sequence[str]) -> str:
        """Readings as it takes them."""
        return "\n".join(
            f"reading,meter={codes[m]} kwh={e / 1e6},voltage={v},current={c} {ts.timestamp() * 1e9:.0f}"
            for ts, m, e, v, c in rows
        )

    def stored(self) -> int | None:
        return None


class InfluxDB(LineProtocol):
    """InfluxDB 1.6 as it comes: it writes its log to disk before it answers; no authentication."""

    def __init__(self, environment: Environment, data: str = "") -> None:
        """``data``: settings of how it stores, besides those that say where."""
        port, other = servers.free_port(), servers.free_port()
        super().__init__("influxdb", f"http://{servers.LOOPBACK}:{port}")
        folder = environment.folder("influxdb")
        config = folder / "influxdb.conf"
        config.write_text(
            f"""reporting-disabled = true
bind-address = "{servers.LOOPBACK}:{other}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
{data}
[http]
bind-address = "{servers.LOOPBACK}:{port}"
log-enabled = false
[logging]
level = "error"
[monitor]
store-enabled = false
""",
            encoding="utf-8",
        )
        runtime = environment.runtime
        environment.start(
            ServerSpec(
                name="influxdb",
                command=lambda fd: runtime.command(
                    "influxd", "-config", str(config), binds=[folder], info_fd=fd
                ),
                ready=lambda: servers.http_ready(f"{self.url}/ping"),
                url=self.url,
                in_runtime=runtime.root is not None,
            )
        )
        self._ask("create database bench")

    def stored(self) -> int | None:
        found = self._ask("select count(kwh) from bench..reading")["results"][0]
        return int(found["series"][0]["values"][0][1]) if "series" in found else 0

    def _ask(self, query: str) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/query?q={quote(query)}", method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


class VictoriaMetrics(LineProtocol):
    """VictoriaMetrics as it comes: it answers from memory, and writes to disk within a second or so."""

    def __init__(self, environment: Environment) -> None:
        port = servers.free_port()
        super().__init__("victoria-metrics", f"http://{servers.LOOPBACK}:{port}")
        folder = environment.folder("victoria-metrics")
        runtime = environment.runtime
        environment.start(
            ServerSpec(
                name="victoria-metrics",
                command=lambda fd: runtime.command(
                    "victoria-metrics", f"-storageDataPath={folder}",
                    f"-httpListenAddr={servers.LOOPBACK}:{port}", "-loggerLevel=ERROR",
                    binds=[folder], info_fd=fd,
                ),
                ready=lambda: servers.http_ready(f"{self.url}/health"),
                url=self.url,
                in_runtime=runtime.root is not None,
            )
        )  # fmt: skip


def start_segs(environment: Environment, name: str, processes: int) -> Segs:
    """The ingest worker, in several processes that share a port."""
    port = servers.free_port()
    names = [f"{name} {number}" for number in range(1, processes + 1)]
    for each in names:
        environment.start_worker("ingest", each, port, SEGS_INGEST_REUSE_PORT="true")
    return Segs(environment, *names)


def start_noop(environment: Environment, name: str, processes: int) -> Segs:
    """The handler that does nothing, served as the workers are."""
    port = servers.free_port()
    url = f"http://{servers.LOOPBACK}:{port}"
    names = [f"{name} {number}" for number in range(1, processes + 1)]
    for each in names:
        environment.start(
            ServerSpec(
                name=each,
                command=lambda _: servers.until_parent_ends(
                    [sys.executable, "-m", "bench.ingest.noop", str(port)]
                ),
                ready=lambda: servers.http_ready(f"{url}/health"),
                url=url,
                cwd=CHECKOUT,
            )
        )
    return Segs(environment, *names, stores=False)
