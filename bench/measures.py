"""What is measured: each method is one round of one measure, against the running environment."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench import writes
from bench.environment import TENANT, Environment, helper, register, result_of
from bench.figures import Sample
from bench.rows import Clock, ticks_needed
from bench.scale import Scale

CLOSE_TENANT = "bench-close"
WINDOW = timedelta(minutes=15)


class Measures:
    """Holds what the rounds share: the clock of fresh readings, the meters of the large tenant."""

    def __init__(self, environment: Environment, scale: Scale) -> None:
        self.environment = environment
        self.scale = scale
        self.clock = Clock.before_now(hours=20)
        self.window = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
        self.large: list[int] = []

    def all(self) -> dict[str, Any]:
        """Every measure by name, in the order of a round."""
        bare = partial(
            writes.measure,
            self.environment.database_url,
            meters=list(self.environment.meters.values()),
            clock=self.clock,
            rows=self.scale.write_rows,
        )
        return {
            "copy, one commit": partial(bare, writes.copy_batch, batch=self.scale.write_rows),
            "copy, 500 a commit, 1 connection": partial(bare, writes.copy_batch, batch=500),
            "copy, 500 a commit, 2 connections": partial(bare, writes.copy_batch, batch=500, connections=2),
            "insert, 500 a commit, 1 connection": partial(bare, writes.insert_batch, batch=500),
            "insert, 500 a commit, 2 connections": partial(
                bare, writes.insert_batch, batch=500, connections=2
            ),
            "copy, 1 a commit, 1 connection": partial(
                bare, writes.copy_batch, batch=1, rows=self.scale.single_rows
            ),
            "http, 500 a request": partial(self.http, size=500, connections=8),
            "http, 1 a request": partial(self.http, size=1, connections=64),
            "close a window": self.close_window,
            "commit to websocket": self.events,
        }

    def http(self, *, size: int, connections: int) -> Sample:
        """Post fresh readings; every one must be accepted, and be in the table afterwards."""
        requests = self.scale.http_requests_large if size > 1 else self.scale.http_requests_small
        warmup = connections
        rows = (requests + warmup) * size
        task = {
            "url": f"{self.environment.urls['ingest']}/telemetry/batch",
            "token": self.environment.token("device", "bench-gateway"),
            "meters": list(self.environment.meters),
            "first": self.clock.take(ticks_needed(rows, len(self.environment.meters))).isoformat(),
            "size": size,
            "requests": requests + warmup,
            "connections": connections,
            "warmup": warmup,
            "deadline": 120,
        }
        before = self._readings()
        seen = result_of(helper("bench.load", task), 10)
        if seen["accepted"] != requests * size or self._readings() - before != rows:
            raise RuntimeError(f"not every reading was stored once: {seen}")
        return {"rows_s": seen["rows_s"], "p50.ms": seen["p50"], "p99.ms": seen["p99"]}

    def close_window(self) -> Sample:
        """Close one window in which every meter of a large tenant reported once; the fill is not timed."""
        if not self.large:
            self.large = list(register(self.environment, CLOSE_TENANT, "L", self.scale.close_meters).values())
        start, end = self.window, self.window + WINDOW
        self.window = end
        with self.environment.connect() as connection:
            connection.execute(
                "call grid.close_windows()"
            )  # those of the other tenant, which are not measured
            connection.execute(
                """
                insert into grid.reading (ts, meter_id, energy, voltage, current)
                select %s, meter_id,
                    case when meter_id %% 1000 = 0 then 150000000 else 200000 + meter_id %% 100000 end,
                    230.1, 1.25
                from unnest(%s::int[]) as meter_id
                """,
                (start + timedelta(minutes=7), self.large),
            )
            connection.execute(
                """
                insert into ingest.batch
                    (tenant_id, source, accepted, duplicates, rejected, first_ts, last_ts)
                select tenant_id, 'http', %s, 0, 0, %s, %s from grid.tenant where code = %s
                """,
                (len(self.large), start + timedelta(minutes=7), end + timedelta(minutes=2), CLOSE_TENANT),
            )
            connection.execute("analyze grid.reading")
            before = time.perf_counter()
            connection.execute("call grid.close_windows()")
            elapsed = time.perf_counter() - before
            closed = connection.execute(
                "select sum(meters), count(*) from grid.region_load join grid.tenant using (tenant_id)"
                " where code = %s and window_start = %s",
                (CLOSE_TENANT, start),
            ).fetchone()
        if closed is None or closed[0] != len(self.large):
            raise RuntimeError(f"the window of {start} was not closed whole: {closed}")
        return {"ms": elapsed * 1000}

    def events(self) -> Sample:
        """Commit events at a steady pace while many clients listen; the delay from just before the commit."""
        run = uuid.uuid4().hex
        task = {
            "url": f"{self.environment.urls['relay'].replace('http', 'ws', 1)}/ws",
            "token": self.environment.token("operator", self._operator()),
            "topic": "load.closed",
            "clients": self.scale.clients,
            "events": self.scale.events,
            "run": run,
            "deadline": 120,
        }
        process = helper("bench.listeners", task)
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the listeners could not subscribe")
        with self.environment.connect() as connection:
            tenant = connection.execute(
                "select tenant_id from grid.tenant where code = %s", (TENANT,)
            ).fetchone()
            assert tenant is not None
            due = time.perf_counter()
            for number in range(self.scale.events):
                payload = {"run": run, "number": number, "sent_at": time.time()}
                connection.execute(
                    "select event.emit(%s, 'load.closed', null, null, %s::jsonb)",
                    (tenant[0], json.dumps(payload)),
                )
                due += 1 / self.scale.events_per_second
                time.sleep(max(0.0, due - time.perf_counter()))
        seen = result_of(process, 30)
        if seen["delivered"] != self.scale.events * self.scale.clients or seen["out_of_order"]:
            raise RuntimeError(f"not every client heard every event once and in order: {seen}")
        return {"p50.ms": seen["p50"], "p99.ms": seen["p99"], "max.ms": seen["max"]}

    def _operator(self) -> str:
        with self.environment.connect() as connection:
            connection.execute(
                """
                insert into auth.user_account (tenant_id, email, name, role)
                select tenant_id, 'operator@bench.example', 'Operator', 'operator'
                from grid.tenant where code = %s
                on conflict do nothing
                """,
                (TENANT,),
            )
            row = connection.execute(
                "select user_id::text from auth.user_account where email = 'operator@bench.example'"
            ).fetchone()
            assert row is not None
            return str(row[0])

    def _readings(self) -> int:
        with self.environment.connect() as connection:
            row = connection.execute(
                "select count(*) from grid.reading where meter_id = any(%s)",
                (list(self.environment.meters.values()),),
            ).fetchone()
            assert row is not None
            return int(row[0])
