"""A load test that can be pointed at any SEGS deployment; docs/how-to/operate.md says how to read it.

    locust -f bench/locustfile.py                         # the stack of `make run`, steered from a web page
    locust -f bench/locustfile.py --host https://... --headless --users 110 --spawn-rate 10 --run-time 5m

Of eleven users four are gateways, three dashboards, two consumers, one is an operator and one a visitor.
"""

from __future__ import annotations

import logging
import math
import random
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import gevent  # type: ignore[import-untyped]
from locust import between, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # Locust puts only this folder there

from bench.load import options, tally
from bench.load.options import credential, option
from bench.load.stream import Stream
from bench.load.user import SegsUser, ago, has, rows

log = logging.getLogger("segs")

MOST_CURRENT = 100_000.0  # A: what a reading may claim
MOST_READINGS = 10_000
"""What the platform takes in one request."""
numbers = count()


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    options.add_options(parser)


@events.init.add_listener
def find_credentials(environment: Environment, **_: Any) -> None:
    options.find_credentials(environment)


@events.report_to_master.add_listener
def report(data: dict[str, Any], **_: Any) -> None:
    data["readings"] = tally.news()


@events.worker_report.add_listener
def reported(data: dict[str, Any], **_: Any) -> None:
    tally.heard(data)


@events.quitting.add_listener
def summary(environment: Environment, **_: Any) -> None:
    if tally.text() and not option(environment, "worker"):
        log.info("readings: %s", tally.text())


class Gateway(SegsUser):
    """Sends the readings of its own meters as they fall due, and some batches twice."""

    weight = 4
    role = "gateway"

    def on_start(self) -> None:
        options = self.environment.parsed_options
        assert options is not None
        self.interval, self.batches = int(options.interval), 0
        index = getattr(self.environment.runner, "worker_index", 0)
        number = next(numbers)
        self.meters = [f"{options.prefix}-{index}-{number:04d}-{n:04d}" for n in range(options.meters)]
        region = random.choice(self.insist(self.regions))["region"]
        self.insist(lambda: self.register(region))
        self.bias = [random.lognormvariate(0, 0.5) for _ in self.meters]
        self.due = time.time() // self.interval * self.interval  # start of the interval to send next
        self.late = random.random() * self.interval  # not everybody at the same moment

    def regions(self) -> Any:
        token = self.token("operator")
        return self.ask("GET", "/api/v1/regions", "regions", rows(1000, 1), token=token)

    def register(self, region: str) -> Any:
        """Meters that are registered already stay as they are."""
        return self.ask(
            "POST", "/api/v1/rpc/register_meters", "register meters",
            rows(len(self.meters), len(self.meters)), token=self.token("operator"),
            json={"meters": [{"meter_id": meter, "region": region} for meter in self.meters]},
        )  # fmt: skip

    def wait_time(self) -> float:
        return max(0.0, self.due + self.interval + self.late - time.time())

    @task
    def send(self) -> None:
        batch: list[dict[str, object]] = []
        while self.due + self.interval <= time.time() and len(batch) + len(self.meters) <= MOST_READINGS:
            batch += [self.reading(meter, bias) for meter, bias in zip(self.meters, self.bias, strict=True)]
            self.due += self.interval
        if not batch:
            return
        answer = self.post(batch, "readings")
        if answer is None:  # what was stored already comes back as duplicates
            answer = self.insist(lambda: self.post(batch, "readings, again"))
        self.batches += 1
        if self.batches % option(self.environment, "repeat_every") == 0:
            self.post(batch, "readings, twice", twice=len(batch) - len(answer["rejected"]))

    def reading(self, meter: str, bias: float) -> dict[str, object]:
        """Much in the evening, little at night, and never the same."""
        hour = self.due % 86400 / 3600
        kilowatts = 0.4 * bias * (1.2 - math.cos((hour - 4) / 12 * math.pi)) * random.lognormvariate(0, 0.3)
        if random.random() < option(self.environment, "spikes"):
            kilowatts += 150 * 3600 / self.interval
        voltage = round(random.gauss(230, 2), 1)
        return {
            "meter_id": meter,
            "timestamp": datetime.fromtimestamp(self.due, UTC).isoformat(),
            "kwh": round(kilowatts * self.interval / 3600, 6),
            "voltage": voltage,
            "current": round(min(kilowatts * 1000 / voltage, MOST_CURRENT), 2),
        }

    def post(self, batch: list[dict[str, object]], name: str, twice: int | None = None) -> Any:
        """Send a batch; ``twice``: so many of it are stored already."""

        def check(answer: Any) -> str | None:
            taken = {"accepted": answer["accepted"], "duplicates": answer["duplicates"]}
            rejected = answer["rejected"]
            tally.add(sent=len(batch), **taken, rejected=len(rejected))
            if sum(taken.values()) + len(rejected) != len(batch):
                return f"{len(batch)} readings sent, answered for {taken}, {len(rejected)} rejected"
            if twice is not None and taken["duplicates"] != twice:
                return f"{taken['duplicates']} duplicates of {twice}"
            return f"{len(rejected)} rejected, such as {rejected[0]}" if rejected else None

        return self.ask("POST", "/telemetry/batch", name, check, json={"readings": batch})


class Reader(SegsUser):
    """Someone with meters to look at: sees everything once, then what they are interested in."""

    abstract = True

    def on_start(self) -> None:
        meters = self.read("meters", "meters", rows(200), select="meter_id", limit=200) or []
        self.meters = [str(meter["meter_id"]) for meter in meters]
        for look in dict.fromkeys(self.tasks):
            cast(Callable[[Reader], None], look)(self)

    def meter(self) -> dict[str, str]:
        return {"meter_id": f"eq.{random.choice(self.meters)}"} if self.meters else {}

    @task(5)
    def latest(self) -> None:
        self.read("latest_readings", "latest reading", rows(1), **self.meter(), limit=1)

    @task(3)
    def day(self) -> None:
        query = {"bucket": f"gte.{ago(days=1)}", "order": "bucket"}
        self.read("readings_15m", "day by 15 minutes", rows(97), **self.meter(), **query, limit=97)

    @task(1)
    def month(self) -> None:
        query = {"day": f"gte.{ago(days=30)[:10]}", "order": "day"}
        self.read("readings_daily", "month by day", rows(32), **self.meter(), **query, limit=32)

    @task(3)
    def tariffs(self) -> None:
        self.read("current_tariffs", "current tariffs", rows(1000, 1))


class Dashboard(Reader):
    """An operator's screen: polls, and holds a WebSocket that it must not miss anything on."""

    weight = 3
    role = "operator"
    wait_time = between(2, 6)

    def on_start(self) -> None:
        super().on_start()
        stream = Stream(self.environment, str(self.host), lambda: self.token(self.role))
        self.listener = gevent.spawn(stream.follow)

    def on_stop(self) -> None:
        self.listener.kill()

    @task(3)
    def loads(self) -> None:
        self.read("region_loads", "region loads", rows(96), order="window_start.desc", limit=96)

    @task(2)
    def alerts(self) -> None:
        self.read("open_alerts", "open alerts", rows(50), order="raised_at.desc", limit=50)


class Consumer(Reader):
    """Looks at what their own meter used, and at what it costs."""

    weight = 2
    role = "consumer"
    wait_time = between(3, 10)

    def call(self, what: str, query: Mapping[str, object], name: str, *fields: str) -> None:
        self.read(f"rpc/{what}", name, has(*fields), **query)

    def own(self) -> dict[str, object]:
        return {"meter_id": random.choice(self.meters)}

    @task(2)
    def bill(self) -> None:
        if self.meters:
            self.call("estimate_running_bill", self.own(), "running bill", "amount", "currency")

    @task(1)
    def statistics(self) -> None:
        if self.meters:
            self.call("reading_statistics", self.own(), "statistics", "total_kwh")

    @task(1)
    def quote(self) -> None:
        self.read("rpc/estimate_bill", "estimate of a bill", lambda _: None, kwh=random.randrange(50, 500))

    @task(2)
    def alerts(self) -> None:
        self.read("alerts", "own alerts", rows(20), order="raised_at.desc", limit=20)


class Operator(SegsUser):
    """Takes up an open alert, looks into it, settles it."""

    weight = 1
    role = "operator"
    wait_time = between(5, 15)

    @task
    def handle_an_alert(self) -> None:
        self.read("rpc/alert_summary", "alert summary", lambda _: None)
        own = {"meter_id": f"like.{option(self.environment, 'prefix')}-*"}
        which = own if option(self.environment, "alerts") == "own" else {}
        query = {"status": "eq.active", "order": "raised_at.desc", "limit": 20}
        found = self.read("open_alerts", "active alerts", rows(20), **which, **query)
        if not found:
            return
        alert = random.choice(found)
        if not self.move(alert, "acknowledge"):
            return
        since = {"meter_id": f"eq.{alert['meter_id']}", "bucket": f"gte.{ago(hours=6)}", "limit": 25}
        self.read("readings_15m", "readings of an alert", rows(25), **since)
        gevent.sleep(random.uniform(0.5, 2))
        self.move(alert, "resolve")

    def move(self, alert: Mapping[str, object], how: str) -> bool:
        """Whether it went on; 409: a colleague was faster."""
        body = {"alert_id": alert["alert_id"]}
        path = f"/api/v1/rpc/{how}_alert"
        return self.ask("POST", path, f"{how} alert", has("status"), json=body, also=(409,)) is not None


class Visitor(SegsUser):
    """Signs in, looks who they are, stays signed in, and leaves."""

    weight = 1
    wait_time = between(10, 30)

    @task
    def visit(self) -> None:
        logins = [credential(self.environment, f"{role}_login") for role in ("consumer", "operator")]
        if (session := self.sign_in(random.choice([login for login in logins if login]))) is None:
            return
        at = "/api/v1/user"
        self.ask("GET", f"{at}/me", "who am I", has("email"), token=session["access_token"])
        body = {"refresh_token": session["refresh_token"]}
        renewed = self.ask("POST", f"{at}/refresh", "refresh", has("refresh_token"), json=body, token="")
        last = (renewed or session)["refresh_token"]
        self.ask("POST", f"{at}/logout", "sign out", json={"refresh_token": last}, token="")
