"""Clients that come back together share what is read for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from workers.relay import queries
from workers.relay.accounts import Turns
from workers.relay.cursor import Cursor, Position
from workers.relay.events import Event, text_frame
from workers.relay.hub import Hub
from workers.relay.metrics import relay_metrics
from workers.relay.replay import Replay, Start

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TENANT = 1


class Log:
    """As much of the database as a replay asks: events, what was pruned, and how often it was read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.events = [
            Event((n, 1), 1 + n % 2, "load.closed", 1, None, NOON, NOON, NOON, text_frame(str(n)))
            for n in range(1, count + 1)
        ]
        self.pruned: Position = (0, 0)
        self.epoch = 1
        self.reads = self.horizons = 0
        monkeypatch.setattr(queries, "read_after", self.read_after)
        monkeypatch.setattr(queries, "horizon", self.horizon)

    async def read_after(
        self, _: object, epoch: int, position: Position, tenant_id: int | None = None
    ) -> list[Event]:
        self.reads += 1
        await asyncio.sleep(0)
        kept = (event for event in self.events if event.position > max(position, self.pruned))
        return [event for event in kept if tenant_id in (None, event.tenant_id)][: queries.PAGE]

    async def horizon(self, _: object) -> Cursor:
        self.horizons += 1
        await asyncio.sleep(0)
        return Cursor(self.epoch, self.pruned)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield

    def theirs(self, position: Position) -> list[Event]:
        """What a client of the tenant is to hear after ``position``."""
        return [event for event in self.events if event.position > position and event.tenant_id == TENANT]


def restarted(log: Log, limit: int) -> tuple[Hub, Replay]:
    """A relay that has just started where the log ends."""
    hub = Hub(relay_metrics(CollectorRegistry()), limit)
    hub.start(Cursor(1, (len(log.events) + 1, 0)))
    return hub, Replay(hub, cast("Any", log), Turns(2))


async def resume(replay: Replay, position: Position) -> tuple[Start, list[Event]]:
    """What a client is given that comes back with a cursor."""
    start = await replay.locate(Cursor(1, position))
    heard: list[Event] = []
    async for events, _ in replay.pages(TENANT, start.position):
        heard += events
    return start, heard


async def test_all_who_come_back_after_a_restart_share_the_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch, 2500)
    hub, replay = restarted(log, 20_000)
    cursors: list[Position] = [(100 + n % 40, 1) for n in range(200)]
    for position, (start, heard) in zip(
        cursors, await asyncio.gather(*(resume(replay, cursor) for cursor in cursors)), strict=True
    ):
        assert (start.position, start.gap) == (position, None)
        assert heard == log.theirs(position)
    assert log.reads == 3, "the first reads three pages for everybody"
    assert log.horizons == 2
    assert hub.history.floor == (100, 1)
    _, heard = await resume(replay, (90, 1))
    assert heard == log.theirs((90, 1))
    assert log.reads == 4, "only what nobody had missed so far"


async def test_more_than_memory_holds_is_read_by_each_and_found_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Log(monkeypatch, 2500)
    hub, replay = restarted(log, 1500)
    for far in ((10, 1), (5, 1)):
        start, heard = await resume(replay, far)
        assert (start.gap, heard) == (None, log.theirs(far))
    assert log.reads == 2 + 2 + 2, "two pages to find out; then two of its own for each"
    assert len(hub.history) == 0
    _, heard = await resume(replay, (2000, 1))
    assert heard == log.theirs((2000, 1))
    assert len(hub.history) == 500


async def test_what_was_pruned_is_a_gap_however_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch, 50)
    log.pruned = (20, 1)
    hub, replay = restarted(log, 100)
    for _ in range(2):
        start, heard = await resume(replay, (10, 1))
        assert (start.position, start.gap) == ((20, 1), "pruned")
        assert heard == log.theirs((20, 1))
    assert log.reads == 1
    assert hub.history.floor == (20, 1)


async def test_what_is_pruned_while_it_is_read_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch, 50)
    hub, replay = restarted(log, 100)
    read_after = log.read_after

    async def prune_first(*arguments: Any) -> list[Event]:
        log.pruned = (30, 1)
        return await read_after(*arguments)

    monkeypatch.setattr(queries, "read_after", prune_first)
    start = await replay.locate(Cursor(1, (10, 1)))
    assert (start.position, start.gap) == ((30, 1), "pruned")
    assert len(hub.history) == 0


async def test_another_epoch_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch, 50)
    hub, replay = restarted(log, 100)
    log.epoch = 2  # restored from a backup; the reader has yet to notice
    await replay.locate(Cursor(1, (10, 1)))
    assert len(hub.history) == 0
