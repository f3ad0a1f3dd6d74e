"""Fan-out: from the commit of an event to every WebSocket client that listens, beside nginx with nchan.

The relay reads what PostgreSQL has committed; nchan is handed the same messages over HTTP. Both push them to
the same clients (:mod:`bench.fanout.listeners`), which check that each of them hears everything once and in
order.
"""

from __future__ import annotations

import json
import resource
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from bench.environment import Environment
from bench.fanout import crowd, nchan
from bench.fanout.crowd import Crowd
from bench.figures import Sample
from bench.part import Measure, Part, Ratio, Target
from bench.resources import cost_of
from stack import servers
from workers.relay.cursor import Cursor
from workers.relay.events import event_text

TOPIC = "load.closed"
FILES = 500
"""File descriptors that a server needs besides those of its clients."""
EMIT = "select event.emit(%s, %s, null, null, %s::jsonb)"
EMIT_MANY = """
select event.emit(%s, %s, null, null, %s::jsonb || jsonb_build_object('number', n))
from generate_series(%s::int, %s::int) as n
"""


@dataclass(frozen=True)
class Scale:
    """Counts of one round."""

    clients: int
    seconds: int
    """How long events are committed at a steady rate."""
    rate: int
    many: int
    """The larger number of clients..."""
    many_rate: int
    """...and the rate for them, so that as many frames are due a second."""
    flood: int
    """Events committed as fast as can be."""
    commits: int
    """The same, one a commit."""
    missed: int
    """Events that are committed while all clients are away."""


FULL = Scale(clients=1000, seconds=10, rate=50, many=5000, many_rate=5, flood=3000, commits=1000, missed=500)
QUICK = Scale(clients=100, seconds=1, rate=50, many=200, many_rate=10, flood=300, commits=100, missed=50)


def payload(run: str, number: int | None = None) -> dict[str, object]:
    """What an event carries: as much as one of a closed window does. Its time is just before the commit."""
    numbered = {} if number is None else {"number": number}
    return {
        "run": run,
        "region": "north",
        "window_start": "2026-01-31T12:00:00+00:00",
        "energy_kwh": "1234.567890",
        "meters": 2000,
        "sent_at": time.monotonic(),
        **numbered,
    }


class Pusher(Protocol):
    """Someone who pushes messages to WebSocket clients."""

    name: str

    def start(self, clients: int) -> None:
        """Start again, with room for so many clients."""

    def task(self, run: str) -> dict[str, Any]:
        """How clients reach it."""

    def publisher(self, run: str) -> Publisher: ...


class Publisher(Protocol):
    def one(self, number: int) -> None:
        """Publish one event."""

    def many(self, first: int, last: int) -> None:
        """Publish events as fast as it takes them."""

    def close(self) -> None: ...


class Relay:
    """SEGS: events are committed in PostgreSQL, the relay reads and pushes them."""

    name = "relay"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._token = environment.token("operator", environment.user("operator"))

    def start(self, clients: int) -> None:
        if self.name in self.environment.servers:
            self.environment.stop(self.name)
        # ready when it reads the log: sooner, clients would be told to come again
        self.environment.start_worker(
            self.name,
            SEGS_RELAY_MAX_CONNECTIONS=str(clients + 1),
            SEGS_RELAY_ACCOUNT_CONNECTIONS=str(clients + 1),
        )
        servers.http_ready(f"{self.environment.urls[self.name]}/health")

    def task(self, run: str) -> dict[str, Any]:
        return {
            "path": "/ws",
            "protocols": ["segs.v1", f"bearer.{self._token}"],
            "subscribe": {"type": "subscribe", "topics": [TOPIC]},
        }

    def publisher(self, run: str) -> Publisher:
        return Committer(self.environment, run)


class Committer:
    """Commits events: one a transaction, or a hundred."""

    batch = 100

    def __init__(self, environment: Environment, run: str) -> None:
        self._tenant = environment.tenant_id
        self._run = run
        self._connection = environment.connect()

    def one(self, number: int) -> None:
        event = json.dumps(payload(self._run, number))
        self._connection.execute(EMIT, (self._tenant, TOPIC, event), prepare=True)

    def many(self, first: int, last: int) -> None:
        for begin in range(first, last, self.batch):
            event = json.dumps(payload(self._run))
            end = min(begin + self.batch, last) - 1
            self._connection.execute(EMIT_MANY, (self._tenant, TOPIC, event, begin, end), prepare=True)

    def close(self) -> None:
        self._connection.close()


class Nchan:
    """nginx with nchan: messages are handed to it over HTTP."""

    name = "nchan"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def start(self, clients: int) -> None:
        if self.name in self.environment.servers:
            self.environment.stop(self.name)
        nchan.start(self.environment, clients + FILES)

    def task(self, run: str) -> dict[str, Any]:
        return {"path": f"/listen/{run}"}

    def publisher(self, run: str) -> Publisher:
        return Poster(self.environment, run)


class Poster:
    """Hands the frames that the relay would make to nchan: one a request, or many requests in one go."""

    batch = 100

    def __init__(self, environment: Environment, run: str) -> None:
        self._run = run
        self._publisher = nchan.Publisher(environment.ports["nchan"], run)

    def one(self, number: int) -> None:
        self._publisher.publish([self._message(number)])

    def many(self, first: int, last: int) -> None:
        for begin in range(first, last, self.batch):
            self._publisher.publish([self._message(n) for n in range(begin, min(begin + self.batch, last))])

    def _message(self, number: int) -> bytes:
        event = json.dumps(payload(self._run, number))
        where, now = Cursor(1, (1_000_000 + number, number)), datetime.now(UTC)
        return event_text(where, TOPIC, now, None, None, event).encode()

    def close(self) -> None:
        self._publisher.close()


@dataclass
class Scene:
    """Clients that listen to someone, and who publishes."""

    crowd: Crowd
    publisher: Publisher
    memory_kib: float
    """Memory of the server for each client."""


class Fanout:
    """One round of each measure."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    @contextmanager
    def scene(self, pusher: Pusher, clients: int) -> Iterator[Scene]:
        """A server just started, and its clients."""
        pusher.start(clients)
        run = uuid.uuid4().hex
        before = self.environment.memory()[pusher.name]
        where = {"host": servers.LOOPBACK, "port": self.environment.ports[pusher.name]}
        task = {**where, **pusher.task(run), "run": run, "clients": clients}
        with crowd.connected(task) as listeners:
            after = self.environment.memory()[pusher.name]
            publisher = pusher.publisher(run)
            yield Scene(listeners, publisher, (after - before) * 1024 / clients)
            publisher.close()

    def steady(self, pusher: Pusher, clients: int, rate: int, seconds: int) -> Sample:
        """Publish at a steady rate: how long until clients hear it, and what that costs."""

        def at_a_rate(publisher: Publisher, events: int) -> None:
            due = time.perf_counter()
            for number in range(events):
                publisher.one(number)
                due += 1 / rate
                time.sleep(max(0.0, due - time.perf_counter()))

        seen, costs, scene = self._publish(pusher, clients, rate * seconds, at_a_rate)
        delays = {f"{name}.ms": seen[name] for name in ("p50", "p99", "max")}
        return {**delays, **costs, "memory a client.KiB": scene.memory_kib}

    def flood(self, pusher: Pusher, clients: int, events: int, *, singly: bool = False) -> Sample:
        """Publish without a pause: how many events a second reach clients."""

        def without_pause(publisher: Publisher, events: int) -> None:
            if singly:
                for number in range(events):
                    publisher.one(number)
            else:
                publisher.many(0, events)

        return self._publish(pusher, clients, events, without_pause)[1]

    def _publish(
        self, pusher: Pusher, clients: int, events: int, publish: Callable[[Publisher, int], None]
    ) -> tuple[dict[str, Any], Sample, Scene]:
        with self.scene(pusher, clients) as scene, cost_of(self.environment.pids()) as cost:
            scene.crowd.expect(events)
            publish(scene.publisher, events)
            seen = scene.crowd.heard(events * clients)
        delivered = seen["delivered"]
        return (
            seen,
            {
                "delivered.events_s": delivered / seen["seconds"],
                f"{pusher.name} cpu a delivery.us": cost.cpu[pusher.name] / delivered * 1e6,
                "postgres cpu an event.us": cost.cpu["postgres"] / events * 1e6,
                "client cpu a delivery.us": seen["cpu_us"],
                "deliveries a receive.events": delivered / seen["receives"],
                "frame.bytes": seen["bytes"],
            },
            scene,
        )

    def storm(self, relay: Relay, clients: int, missed: int) -> Sample:
        """The relay restarts; its clients come back all at once, each with the cursor it had got to.

        They had not all heard the same: the last events before the restart reached some and not others.
        """
        heard = [missed - 1 - behind for behind in range(50)]
        with self.scene(relay, clients) as scene:
            scene.crowd.expect(missed)
            scene.publisher.many(0, missed)
            scene.crowd.heard(missed * clients)
            scene.crowd.hang_up()
            scene.publisher.many(missed, 2 * missed)
            relay.start(clients)
            again = [2 * missed - 1 - heard[number % len(heard)] for number in range(clients)]
            with cost_of(self.environment.pids()) as cost:
                begun = time.monotonic()
                subscribed = scene.crowd.resume(self.environment.ports[relay.name], heard)
                scene.crowd.expect(2 * missed)
                seen = scene.crowd.heard(sum(again))
        return {
            "all subscribed.ms": subscribed * 1000,
            "all caught up.ms": (seen["last_at"] - begun) * 1000,
            "relay cpu a client.ms": cost.cpu["relay"] / clients * 1000,
            "postgres cpu a client.ms": cost.cpu["postgres"] / clients * 1000,
        }


def allow_files(wanted: int) -> bool:
    """Whether this process and those it starts may hold so many connections each; raises the soft limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most == resource.RLIM_INFINITY or most >= wanted


def prepare(environment: Environment, quick: bool) -> Mapping[str, Measure]:
    scale = QUICK if quick else FULL
    fanout, relay, peer = Fanout(environment), Relay(environment), Nchan(environment)
    plenty = allow_files(scale.many + 2 * FILES)
    found: dict[str, Measure] = {}
    both = (("segs", relay), ("nchan", peer))
    for name, pusher in both:
        found[f"{name}, steady"] = partial(fanout.steady, pusher, scale.clients, scale.rate, scale.seconds)
    for name, pusher in both if plenty else ():
        found[f"{name}, steady, many clients"] = partial(
            fanout.steady, pusher, scale.many, scale.many_rate, scale.seconds
        )
    for name, pusher in both:
        found[f"{name}, flood"] = partial(fanout.flood, pusher, scale.clients, scale.flood)
    found["segs, flood, one a commit"] = partial(
        fanout.flood, relay, scale.clients, scale.commits, singly=True
    )
    found["segs, reconnect storm"] = partial(fanout.storm, relay, scale.clients, scale.missed)
    return found


PART = Part(
    name="fanout",
    about="from commit to 1,000 WebSocket clients (and 5,000), beside nginx with nchan",
    prepare=prepare,
    packages=nchan.PACKAGES[1:],
    order=2,
    ratios=(
        Ratio("segs, flood.delivered.events_s", "nchan, flood.delivered.events_s", "at least 0.7"),
        Ratio(
            "segs, flood, one a commit.delivered.events_s", "nchan, flood.delivered.events_s", "at least 0.7"
        ),
        Ratio("segs, steady.p99.ms", "nchan, steady.p99.ms"),
        Ratio("segs, steady.relay cpu a delivery.us", "nchan, steady.nchan cpu a delivery.us"),
        Ratio("segs, flood.relay cpu a delivery.us", "nchan, flood.nchan cpu a delivery.us"),
        Ratio("segs, steady.memory a client.KiB", "nchan, steady.memory a client.KiB"),
    ),
    targets=(Target("segs, steady.p99.ms", "under 50"),),
)
