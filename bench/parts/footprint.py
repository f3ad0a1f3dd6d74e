"""Footprint: readings on disk, beside InfluxDB and VictoriaMetrics, and the services in memory.

The readings are measured ones (:mod:`bench.footprint.measured`), in the order in which meters send them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from argon2 import PasswordHasher

from bench import wrk
from bench.environment import TENANT, Environment
from bench.fanout import crowd
from bench.figures import Sample
from bench.footprint.disk import Native, Peer, post
from bench.footprint.measured import Readings
from bench.footprint.tsl import Timescale
from bench.ingest import peers
from bench.ingest.rows import Clock, batches
from bench.part import Measure, Part, Ratio
from bench.parts.fanout import TOPIC, Committer
from stack import servers
from stack.redis_users import ADMIN

METERS = 10_000
SIZE = 500
RUN = "footprint"
PASSWORD = "for the benchmark alone"
READS = (
    "/latest_readings?meter_id=eq.{meter}",
    "/readings_15m?meter_id=eq.{meter}&order=bucket&limit=97",
    "/current_tariffs",
    "/rpc/estimate_running_bill?meter_id={meter}",
)


@dataclass(frozen=True)
class Scale:
    readings: Readings
    readings_tsl: Readings
    """Fewer: it is WebAssembly."""
    listeners: int
    seconds: int
    """How long the load lasts."""
    meters: int
    """How many are sent for, to see what each costs ingest and Redis."""


FULL = Scale(Readings(1000, 7), Readings(200, 7), listeners=500, seconds=10, meters=21_000)
QUICK = Scale(Readings(100, 1), Readings(20, 1), listeners=50, seconds=2, meters=6_000)


class Memory:
    """The services together, at rest and at work. They are started again each round."""

    WORKERS = ("ingest", "relay", "auth", "notifier")

    def __init__(self, environment: Environment, scale: Scale) -> None:
        self.environment = environment
        self.scale = scale
        self.codes = list(environment.register("F", METERS))
        self.clock = Clock.before_now(hours=30)
        self.token = environment.token("operator", environment.user("operator"))
        with environment.connect() as connection:
            connection.execute(
                "update auth.user_account set password_hash = %s, verified_at = now() where email = %s",
                (PasswordHasher(2, 19 * 1024, 1).hash(PASSWORD), "operator@bench.example"),
            )

    def measure(self) -> Sample:
        with self._services():
            time.sleep(2)
            rest = self.environment.memory()
            busiest = self._under_load()
        return {
            **{f"{name}, at rest.MiB": mib for name, mib in rest.items()},
            "together, at rest.MiB": sum(rest.values()),
            **{f"{name}, under load.MiB": mib for name, mib in busiest.items()},
            "together, under load.MiB": sum(busiest.values()),
        }

    @contextmanager
    def _services(self) -> Iterator[None]:
        environment = self.environment
        own = {
            "auth": {
                "SEGS_AUTH_SIGNING_KEY_FILE": str(environment.secrets.private_key_file),
                "SEGS_AUTH_CODE_KEY": environment.secrets.passwords["auth_code_key"],
            },
            "notifier": {"SEGS_NOTIFIER_MAIL_DIR": str(environment.folder("mail"))},
        }
        started: list[str] = []
        try:
            for kind in self.WORKERS:
                environment.start_worker(kind, kind, None, **own.get(kind, {}))
                started.append(kind)
            environment.start_postgrest()
            started.append("postgrest")
            environment.start_nginx()
            started.append("nginx")
            yield
        finally:
            for name in reversed(started):
                environment.stop(name)

    def _under_load(self) -> dict[str, float]:
        """The most that each takes while readings come in, people ask, sign in, and hear events."""
        port = self.environment.ports["nginx"]
        task = {
            "host": servers.LOOPBACK,
            "port": port,
            "path": "/ws",
            "protocols": ["segs.v1", f"bearer.{self.token}"],
            "subscribe": {"type": "subscribe", "topics": [TOPIC]},
            "run": RUN,
            "clients": self.scale.listeners,
        }
        busiest: dict[str, float] = {}
        with crowd.connected(task) as listeners, ThreadPoolExecutor(4) as pool:
            work: list[Future[Any]] = [pool.submit(each) for each in (self._send, self._read, self._sign_in)]
            work.append(pool.submit(self._announce, listeners))
            while not all(each.done() for each in work):
                for name, mib in self.environment.memory().items():
                    busiest[name] = max(mib, busiest.get(name, 0.0))
                time.sleep(0.5)
            for each in work:
                each.result()
        return busiest

    def _send(self) -> None:
        file = self.environment.folder("requests") / "send"
        url = self.environment.urls["nginx"]
        count = 400 * self.scale.seconds
        first = self.clock.take(-(-count * SIZE // METERS))
        readings = batches(range(METERS), first, count, SIZE)
        before = peers.count_readings(self.environment)
        wrk.write_requests(file, peers.Segs(self.environment, "ingest").requests(readings, self.codes))
        done = wrk.run(
            self.environment.runtime, url, file, connections=8, seconds=self.scale.seconds, again=True
        )
        stored = peers.count_readings(self.environment) - before
        if stored < min(done.sent, count) * SIZE:
            raise wrk.LoadError(f"{done.sent} batches answered for, only {stored} readings stored")

    def _read(self) -> None:
        file = self.environment.folder("requests") / "read"
        headers = {"Authorization": f"Bearer {self.token}"}
        paths = (f"/api/v1{READS[n % 4].format(meter=self.codes[n])}" for n in range(1000))
        wrk.write_requests(file, (wrk.http_request("GET", path, headers) for path in paths))
        wrk.run(
            self.environment.runtime, self.environment.urls["nginx"], file,
            connections=16, seconds=self.scale.seconds,
        )  # fmt: skip

    def _sign_in(self) -> None:
        body = {"email": "operator@bench.example", "password": PASSWORD, "tenant": TENANT}
        until = time.monotonic() + self.scale.seconds
        while time.monotonic() < until:
            url = f"{self.environment.urls['nginx']}/api/v1/user/login"
            post(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
            time.sleep(0.1)

    def _announce(self, listeners: crowd.Crowd) -> None:
        """Events for everybody who listens; each must hear all of them."""
        events = 20 * self.scale.seconds
        listeners.expect(events)
        committer = Committer(self.environment, RUN)
        for number in range(events):
            committer.one(number)
            time.sleep(0.05)
        committer.close()
        listeners.heard(events * self.scale.listeners)


class EachMeter:
    """What meters cost those who remember them: ingest their keys and newest times, Redis the times."""

    TIMES = 2
    FEW = 1000
    AT_ONCE = 5000

    def __init__(self, environment: Environment, meters: int) -> None:
        self.environment = environment
        self.codes = list(environment.register("E", meters))
        self.clock = Clock.before_now(hours=60)
        password = environment.secrets.redis_passwords[ADMIN]
        self.redis = redis.Redis.from_url(servers.redis_url(environment.ports["redis"], ADMIN, password))

    def measure(self) -> Sample:
        self.redis.flushall()
        self.environment.start_worker("ingest")
        try:
            few = self._after(self.codes[: self.FEW], len(self.codes) // self.FEW * self.TIMES)
            many = self._after(self.codes[self.FEW :], self.TIMES)
        finally:
            self.environment.stop("ingest")
        thousands = (len(self.codes) - self.FEW) / 1000
        return {f"{name}, 1,000 meters.KiB": (many[name] - few[name]) / thousands for name in few}

    def _after(self, codes: list[str], times: int) -> dict[str, float]:
        """KiB after every meter has sent so often."""
        segs = peers.Segs(self.environment, "ingest")
        first = self.clock.take(times)
        for rows in batches(range(len(codes)), first, len(codes) * times // self.AT_ONCE, self.AT_ONCE):
            answer = json.loads(post(f"{segs.url}/telemetry/batch", segs.body(rows, codes), segs.headers))
            if answer["accepted"] != len(rows):
                raise wrk.LoadError(f"{len(rows)} readings sent: {answer}")
        time.sleep(2)  # ingest tells Redis within a second
        used = self.redis.info("memory")
        assert isinstance(used, dict)
        return {"ingest": self.environment.memory()["ingest"] * 1024, "redis": used["used_memory"] / 1024}


def prepare(environment: Environment, quick: bool) -> Mapping[str, Measure]:
    scale = QUICK if quick else FULL
    native, tsl = Native(environment, scale.readings), Timescale(environment, scale.readings_tsl)
    environment.start_redis()
    return {
        "segs, apache": native.measure,
        "segs, timescale": tsl.measure,
        "influxdb": Peer(environment, "influxdb", scale.readings).measure,
        "victoria-metrics": Peer(environment, "victoria-metrics", scale.readings).measure,
        "memory": Memory(environment, scale).measure,
        "memory of meters": EachMeter(environment, scale.meters).measure,
    }


PART = Part(
    name="footprint",
    about="bytes of a reading on disk, beside InfluxDB and VictoriaMetrics; memory of the services",
    prepare=prepare,
    packages=peers.PACKAGES,
    order=6,
    ratios=(
        Ratio("segs, apache.a reading.bytes", "influxdb.a reading.bytes"),
        Ratio("segs, apache.a reading.bytes", "victoria-metrics.a reading.bytes"),
        Ratio(
            "segs, timescale.columnstore, chunks of a day, a reading.bytes", "segs, timescale.a reading.bytes"
        ),
        Ratio("segs, timescale.columnstore, chunks of a day, a reading.bytes", "influxdb.a reading.bytes"),
        Ratio("segs, apache.a reading with its rollups.bytes", "segs, apache.a reading.bytes"),
    ),
)
