"""API: what clients ask most, with 100 million readings behind it, beside the same queries over pgbench.

Through nginx and PostgREST with a token each, from wrk; then without nginx; then pgbench with the transaction
that PostgREST sends; then pgbench with the query alone. What lies between two is what one layer costs. Each
is sent for a second before it is measured. And through nginx and PostgREST the same answers from tables that
hold nothing else: what no query can come below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bench import wrk
from bench.api import data as api_data
from bench.api import kept, pgbench
from bench.api.requests import PREFIX, Client, Request, requests
from bench.environment import Environment
from bench.figures import Sample
from bench.part import Measure, Part, Ratio, Target
from bench.resources import cost_of

CONNECTIONS = (1, 16, 64)
QUICK = (16,)
NAMES = (
    "latest reading",
    "day at 15 m",
    "day at 15 m, operator",
    "month by day",
    "current tariff",
    "open alerts, operator",
    "open alerts, consumer",
    "bill estimate",
    "running bill",
)


class Api:
    """The loaded grid, and how it is asked."""

    def __init__(self, environment: Environment, grid: api_data.Grid, seconds: int) -> None:
        self.environment = environment
        self.grid = grid
        self.seconds = seconds
        self.client = Client(environment, grid)
        self.checked: set[str] = set()

    def rest(self, request: Request, connections: int) -> Sample:
        """Through nginx."""
        return self._load(request, self.environment.urls["nginx"], PREFIX, connections)

    def postgrest(self, request: Request, connections: int) -> Sample:
        """Straight to PostgREST."""
        return self._load(request, self.environment.urls["postgrest"], "", connections)

    def _load(self, request: Request, url: str, prefix: str, connections: int) -> Sample:
        file = self.environment.folder("requests") / "requests"
        wrk.write_requests(file, self.client.messages(request, prefix))
        send = partial(wrk.run, self.environment.runtime, url, file, connections=connections)
        if request.name not in self.checked:
            self.client.check(request, url + prefix)
            self.checked.add(request.name)
        send(
            seconds=1
        )  # every connection of the pool is opened, prepares the statement and decides on its plan
        pids = {n: p for n, p in self.environment.pids().items() if n in ("nginx", "postgrest", "postgres")}
        with self.environment.watch(), cost_of(pids) as cost:
            load = send(seconds=self.seconds)
        return {**load.figures(), **cost.each(load.sent)}

    def pgbench(self, template: str, request: Request, clients: int) -> Sample:
        return pgbench.run(
            self.environment, template, request, self.grid, clients=clients, seconds=self.seconds
        )


def prepare(environment: Environment, quick: bool) -> Mapping[str, Measure]:
    grid = api_data.load(environment, *((100, 50) if quick else (10_000, 5_000)))
    asked = requests(grid)
    answers = [kept.keep(environment, Client(environment, grid), request) for request in asked]
    environment.start_postgrest()
    environment.start_nginx()
    api = Api(environment, grid, 1 if quick else 3)
    measures: dict[str, Measure] = {}
    chosen = QUICK if quick else CONNECTIONS
    for request, answer in zip(asked, answers, strict=True):
        for connections in chosen:
            measures[f"{request.name}, rest, {connections}"] = partial(api.rest, request, connections)
        measures[f"{request.name}, kept, 16"] = partial(api.rest, answer, 16)
        measures[f"{request.name}, postgrest, 16"] = partial(api.postgrest, request, 16)
        for clients in chosen:
            measures[f"{request.name}, pgbench, {clients}"] = partial(
                api.pgbench, pgbench.WRAPPED, request, clients
            )
        measures[f"{request.name}, bare query, 16"] = partial(api.pgbench, pgbench.BARE, request, 16)
    return measures


PART = Part(
    name="api",
    about="requests of the API with 100 million readings behind them, beside the same SQL over pgbench",
    prepare=prepare,
    order=3,
    ratios=tuple(
        Ratio(f"{name}, rest, 16.requests_s", f"{name}, {other}, 16.requests_s")
        for name in NAMES
        for other in ("kept", "postgrest", "pgbench", "bare query")
    ),
    targets=tuple(Target(f"{name}, rest, 16.p95.ms", "under 20") for name in NAMES),
)
