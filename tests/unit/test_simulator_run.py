"""A run loses nothing, counts nothing twice, keeps windows in order and stops when told."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from datetime import datetime

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from simulator import backoff
from simulator.display import Display
from simulator.errors import ProtocolError, Refused, UsageError
from simulator.faults import FaultModel, Faults
from simulator.fleet import Fleet
from simulator.http_sender import HttpSender
from simulator.measurement import Measurement
from simulator.options import Options, duration
from simulator.rest import Platform
from simulator.run import Run, span
from simulator.stats import Answer, Statistics
from tests.support.ingest_stand_in import StandIn, error, serving

NOW = 1_770_000_600.0  # five minutes into a window


class Constant:
    """A source in which every meter uses one watt-hour in every interval."""

    def measure(self, tick: int, meters: np.typing.NDArray[np.int64]) -> Measurement:
        size = len(meters)
        return Measurement(meters, np.full(size, 1000), np.full(size, 230.0), np.full(size, 1.0))


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(backoff.Gate.__init__, "__kwdefaults__", {"first": 0.01, "longest": 0.05})


def make_fleet(options: Options) -> Fleet:
    model = FaultModel(options.faults, seed=options.seed, interval=options.interval)
    return Fleet(Constant(), model, meters=options.meters, regions=options.regions)


async def play(
    stand_in: StandIn,
    options: Options,
    *,
    clock: Callable[[], float] = lambda: NOW,
    prepare: Callable[[Run], None] = lambda _: None,
) -> Statistics:
    stats = Statistics()
    async with aiohttp.ClientSession() as http:
        sender = HttpSender(http, stand_in.url, "device-token", stats)
        display = Display(stats, stream=io.StringIO())
        run = Run(options, make_fleet(options), sender, stats, display, clock=clock)
        prepare(run)
        await run.play()
    return stats


def whole_history(options: Options) -> set[tuple[str, str]]:
    fleet = make_fleet(options)
    first, _ = span(options, NOW)
    ticks = range(first, int(NOW) // options.interval * options.interval, options.interval)
    return {
        (code, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(tick)))
        for tick in ticks
        for code in fleet.codes
    }


HISTORY = Options(meters=7, interval=60, history=3600, iterations=0, batch=20, concurrency=4)


async def test_history_sends_every_reading_of_whole_windows_exactly_once() -> None:
    async with serving(StandIn()) as stand_in:
        stats = await play(stand_in, HISTORY)
    assert set(stand_in.stored) == whole_history(HISTORY)
    assert set(stand_in.stored.values()) == {1}
    assert stats.sent == stats.accepted == len(stand_in.stored) == 7 * 65  # an hour and the five open minutes
    assert stand_in.tokens == {"Bearer device-token"}
    assert max(stand_in.sizes) == 20


async def test_no_window_is_begun_before_the_one_before_is_answered() -> None:
    async with serving(StandIn(delay=lambda number: 0.02 if number % 3 == 0 else 0.0)) as stand_in:
        await play(stand_in, HISTORY)
    under_way: dict[int, set[int]] = {}
    concurrent = 0
    for what, number, windows in stand_in.order:
        if what == "end":
            del under_way[number]
            continue
        assert len(windows) == 1
        assert all(others == windows for others in under_way.values())
        under_way[number] = windows
        concurrent = max(concurrent, len(under_way))
    assert concurrent > 1


async def test_trouble_is_retried_until_everything_is_stored_and_counted_once() -> None:
    answers: dict[int, web.Response | str] = {
        0: error(503, "unavailable"),
        2: error(429, "rate_limited", **{"Retry-After": "0.05"}),
        3: "lost",
        5: error(500, "internal_error"),
        6: "lost",
    }
    async with serving(StandIn(trouble=lambda number: answers.get(number))) as stand_in:
        stats = await play(stand_in, HISTORY)
    assert set(stand_in.stored) == whole_history(HISTORY)
    assert stats.sent == 7 * 65
    assert stats.accepted + stats.duplicates == stats.sent
    assert stats.duplicates == sum(count > 1 for count in stand_in.stored.values()) > 0
    assert stats.retries == 5
    assert stats.summary(1.0)["unanswered"] == 0


async def test_a_platform_that_is_not_there_yet_is_waited_for() -> None:
    async with serving(StandIn()) as gone:
        url = gone.url
    stats = Statistics()
    async with aiohttp.ClientSession() as http:
        sending = asyncio.create_task(HttpSender(http, url, None, stats).send(['{"a":1}']))
        while stats.retries < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not sending.done()
        assert stats.waiting == "connection refused"
        sending.cancel()


async def test_a_batch_that_is_too_large_is_halved() -> None:
    stand_in = StandIn()
    stand_in.trouble = lambda number: error(413, "too_many_readings") if stand_in.sizes[number] > 6 else None
    async with serving(stand_in):
        stats = await play(stand_in, HISTORY)
    assert set(stand_in.stored) == whole_history(HISTORY)
    assert stats.accepted == stats.sent == 7 * 65


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_ends_the_run(status: int) -> None:
    async with serving(StandIn(trouble=lambda _: error(status, "unauthorized"))) as stand_in:
        with pytest.raises(Refused, match="device token"):
            await play(stand_in, HISTORY)
    assert len(stand_in.sizes) <= HISTORY.concurrency


async def test_an_answer_that_is_none_of_an_ingest_ends_the_run() -> None:
    async with serving(StandIn(trouble=lambda _: error(404, "not_found"))) as stand_in:
        with pytest.raises(ProtocolError, match="404 not_found"):
            await play(stand_in, HISTORY)


async def test_faults_reach_the_platform_and_nothing_is_held_back_at_the_end() -> None:
    options = Options(
        meters=20, interval=60, history=7200, iterations=0, faults=Faults(late=0.1, duplicate=0.1)
    )
    async with serving(StandIn()) as stand_in:
        stats = await play(stand_in, options)
    assert set(stand_in.stored) == whole_history(options)
    assert stats.held == stats.late > 0
    assert stats.duplicates == stats.repeats > 0
    assert stats.accepted == len(stand_in.stored)


async def test_a_restart_goes_on_at_the_newest_window_and_forgets_no_late_reading() -> None:
    options = Options(
        meters=20, interval=60, history=7200, iterations=0, faults=Faults(late=0.1, duplicate=0.05)
    )
    async with serving(StandIn()) as stand_in:
        # The first run stops in the middle: it has sent the instants before `half`, not what they held back.
        half = span(options, NOW)[0] + 3000
        fleet, stats = make_fleet(options), Statistics()
        first = span(options, NOW)[0]
        async with aiohttp.ClientSession() as http:
            sender = HttpSender(http, stand_in.url, None, stats)
            for tick in range(first, half, 60):
                await sender.send(fleet.due(tick, fleet.everyone, origin=first).readings)
            newest = await Platform(http, stand_in.url + "/api/v1", "operator", print).newest(fleet)
        assert newest is not None
        assert half - 900 <= newest < half
        before = len(stand_in.sizes)
        await play(stand_in, options, prepare=lambda run: run.resume(newest))
        assert set(stand_in.stored) == whole_history(options)
        assert sum(stand_in.sizes[before:]) < len(stand_in.stored) * 0.7


async def test_live_cycles_are_spread_over_the_interval_and_end_after_the_iterations() -> None:
    options = Options(meters=30, interval=1, iterations=2)
    begun = time.time()
    arrivals: list[float] = []

    def note(_: int) -> None:
        arrivals.append(time.time())

    async with serving(StandIn(trouble=note)) as stand_in:
        stats = await play(stand_in, options, clock=time.time)
    assert stats.accepted == stats.sent == len(stand_in.stored) == 60
    assert stats.cycles == 2
    assert len({at for _, at in stand_in.stored}) == 2
    assert len(stand_in.sizes) > 20
    assert min(int(begun), int(arrivals[0])) <= int(arrivals[-1])


class Recorder:
    """A sender that notes when each reading came, and the start of the interval it measures."""

    def __init__(self) -> None:
        self.came: list[tuple[float, int]] = []

    async def send(self, readings: list[str]) -> Answer:
        stamps = [datetime.fromisoformat(json.loads(one)["timestamp"]) for one in readings]
        self.came += [(time.time(), int(stamp.timestamp())) for stamp in stamps]
        return Answer(accepted=len(readings))

    async def ready_for_window(self) -> None:
        return

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    "options",
    [
        Options(meters=30, interval=1, iterations=3),
        Options(meters=30, interval=1, history=1, iterations=3),
        Options(meters=30, interval=1, history=1, iterations=0),
        Options(meters=30, interval=1, iterations=4, speed=2),
    ],
)
async def test_no_reading_is_sent_before_its_interval_is_over(options: Options) -> None:
    stats, recorder = Statistics(), Recorder()
    run = Run(options, make_fleet(options), recorder, stats, Display(stats, stream=io.StringIO()))
    await run.play()
    stamps = sorted({stamp for _, stamp in recorder.came})
    assert len(recorder.came) == 30 * len(stamps)
    assert stamps == list(range(stamps[0], stamps[-1] + 1))
    assert min(came - stamp for came, stamp in recorder.came) >= 1
    newest = [came - stamp for came, stamp in recorder.came if stamp == stamps[-1]]
    assert max(newest) < 2.5  # and it is sent within the interval after it


async def test_a_stop_waits_for_what_is_under_way() -> None:
    stand_in = StandIn(delay=lambda _: 0.2)

    async def stop(run: Run) -> None:
        while not stand_in.sizes:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        run.stop.set()

    stopping: list[asyncio.Task[None]] = []
    async with serving(stand_in):
        stats = await play(
            stand_in, HISTORY, prepare=lambda run: stopping.append(asyncio.create_task(stop(run)))
        )
    assert 0 < stats.sent == stats.accepted == len(stand_in.stored) < 7 * 65


async def test_meters_are_registered_in_their_regions_once() -> None:
    options = Options(meters=2500, regions=("north", "south"))
    fleet = make_fleet(options)
    async with serving(StandIn()) as stand_in, aiohttp.ClientSession() as http:
        platform = Platform(http, stand_in.url + "/api/v1", "operator", print)
        assert await platform.register(fleet, int(NOW)) == 2500
        assert await platform.register(fleet, int(NOW)) == 0
        assert await platform.newest(fleet) is None
    assert stand_in.registered["SIM-00001"] == "north"
    assert stand_in.registered["SIM-02500"] == "south"


# Where a run begins and ends


def test_history_begins_with_a_whole_window() -> None:
    first, last = span(Options(interval=60, history=3600), NOW)
    assert (first % 900, last) == (0, None)
    assert NOW - 4500 < first <= NOW - 3600


@pytest.mark.parametrize("interval", [60, 900, 1200, 86_400])
def test_the_longest_history_is_not_too_old_for_the_platform(interval: int) -> None:
    options = Options(interval=interval, history=34 * 86_400)
    for now in (NOW, NOW + 61, NOW + 86_400 / 2):
        first, _ = span(options, now)
        assert first % interval == 0
        assert now - 35 * 86_400 <= first <= now - 33 * 86_400


@pytest.mark.parametrize("interval", [60, 300, 1200])
@pytest.mark.parametrize("delay", [0, 20])
@pytest.mark.parametrize("behind", [-3600, 0, 600, 5000])
def test_a_restart_begins_on_the_grid_and_never_ahead(interval: int, delay: int, behind: int) -> None:
    options = Options(interval=interval, history=21_600, faults=Faults(late=0.1 if delay else 0.0))
    stats = Statistics()
    recorder, display = Recorder(), Display(stats, stream=io.StringIO())
    run = Run(options, make_fleet(options), recorder, stats, display, clock=lambda: NOW)
    begin, (newest_over, newest) = run.first, (int(NOW) // interval * interval - interval, int(NOW) - behind)
    run.resume(newest)
    assert run.first % interval == 0
    assert begin < run.first <= newest_over
    assert min(newest, newest_over) - run.first < max(900, interval)
    assert run.origin == max(begin, run.first - 60 * delay)


def test_speed_without_history_ends_at_the_present() -> None:
    first, last = span(Options(interval=60, iterations=61, speed=60), NOW)
    assert last is not None
    assert (last - first) == 60 * 60
    assert last + 60 <= NOW + 61 < last + 120
    with pytest.raises(UsageError, match="speed"):
        span(Options(speed=2), NOW)


def test_speed_paces_the_past_until_it_meets_the_clock() -> None:
    options = Options(interval=60, history=3600, speed=60)
    stats, recorder = Statistics(), Recorder()
    display = Display(stats, stream=io.StringIO())
    run = Run(options, make_fleet(options), recorder, stats, display, clock=lambda: NOW)
    assert run.due(run.first + 600) == NOW + 10
    assert run.due(int(NOW) + 600) == NOW + 660


@pytest.mark.parametrize(
    ("text", "seconds"), [("1d", 86_400), ("6h", 21_600), ("90s", 90), ("1d12h", 129_600)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1y", "-1d", "1.5h"])
def test_wrong_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


# Waiting and counting


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), ("0.5", 0.5), (None, None), ("soon", None), ("-1", 0.0)]
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert backoff.retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    assert backoff.retry_after("Mon, 23 Nov 2020 08:00:00 GMT") == 0.0


async def test_the_gate_waits_as_long_as_the_platform_asks() -> None:
    gate = backoff.Gate()
    gate.failure(0.2)
    gate.failure(0.0)  # of the same trouble: does not open it earlier
    begun = time.monotonic()
    await gate.wait()
    assert time.monotonic() - begun >= 0.2


def test_times_are_shown_in_utc_and_say_so() -> None:
    out, stats = io.StringIO(), Statistics()
    display = Display(stats, stream=out)
    display.behind(int(NOW), int(NOW) - 3600, int(NOW), history=True)
    display.cycle(int(NOW) + 60)
    progress, header, row = out.getvalue().splitlines()
    assert progress.startswith("history 100%  at Feb 02 02:50:00Z  ")
    assert header.split()[:3] == ["reading", "of", "sent"]
    assert row.split()[:4] == ["Feb", "02", "02:51:00Z", "0"]
    assert len(header) == len(row)


def test_a_summary_adds_up() -> None:
    stats = Statistics(sent=10)
    stats.record(Answer(accepted=4, duplicates=3), 0.1)
    stats.record(Answer(queued=2), 0.3)
    facts = stats.summary(2.0)
    assert (facts["accepted"], facts["duplicates"], facts["queued"], facts["unanswered"]) == (4, 3, 2, 1)
    assert facts["latency_ms"] == {"p50": 300.0, "p99": 300.0}
