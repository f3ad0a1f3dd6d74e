"""A run: one loop for back-fill, catching up and live play.

A tick is the start of an interval, and what its readings are stamped with. They are sent when the interval
is over, or at once if that is in the past; a back-fill is nothing but a start in the past. The readings of a
window all have their answer before the next window is begun, because the platform closes a window when the
stream has moved beyond it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from simulator.display import Display
from simulator.errors import UsageError
from simulator.faults import WINDOW
from simulator.fleet import Delivery, Fleet
from simulator.options import Options
from simulator.pipeline import Pipeline, Sender
from simulator.stats import Statistics

LONGEST_SLOT = 1.0
SLOTS_A_CYCLE = 60
PATIENCE_AT_STOP = 10.0


class Run:
    """Plays a fleet into a sender until the last cycle, or until `stop` is set."""

    def __init__(
        self,
        options: Options,
        fleet: Fleet,
        sender: Sender,
        stats: Statistics,
        display: Display,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._fleet, self._sender = options, fleet, sender
        self._stats, self._display, self._clock = stats, display, clock
        self._pipeline = Pipeline(sender, stats, batch=options.batch, concurrency=options.concurrency)
        self.stop = asyncio.Event()
        self._begun = clock()
        self.first, self.last = span(options, self._begun)
        self.origin = self.first
        self._behind_since: int | None = None
        self._was_live = False

    def resume(self, newest: int) -> None:
        """Start where an earlier run came to, instead of at the first instant again."""
        window = min(newest, present(self._options, self._begun)) // WINDOW * WINDOW
        first = on_grid(window, self._options.interval)
        if first > self.first:
            longest = max(self._fleet.delays.values(), default=0)
            self.origin = max(self.first, first - longest)
            self.first = first

    async def play(self) -> None:
        """Send everything; on `stop`, give what is under way a few seconds to be answered."""
        if self.stop.is_set():
            return
        if not self._options.history:
            self._begun = self._clock()  # getting ready took time, which is not to be caught up
            self.first, self.last = span(self._options, self._begun)
            self.origin = self.first
        producer = asyncio.create_task(self._produce())
        stopped = asyncio.create_task(self.stop.wait())
        watcher = asyncio.create_task(self._watch())
        await asyncio.wait((producer, stopped), return_when=asyncio.FIRST_COMPLETED)
        try:
            if producer.done():
                producer.result()
            else:
                await self._wind_down(producer)
        finally:
            stopped.cancel()
            watcher.cancel()
            await self._pipeline.abandon()

    async def close(self) -> None:
        """Let go of the sender's connections."""
        await self._sender.close()

    async def _watch(self) -> None:
        """Show that the run waits, while the producer cannot."""
        while True:
            await asyncio.sleep(1.0)
            self._display.trouble()

    async def _wind_down(self, producer: asyncio.Task[None]) -> None:
        self._display.note("stopping: waiting for the answers that are still due")
        producer.cancel()
        await asyncio.gather(producer, return_exceptions=True)
        try:
            async with asyncio.timeout(PATIENCE_AT_STOP):
                await self._pipeline.drain()
        except TimeoutError:
            self._display.note("the platform does not answer; giving up on the rest")

    async def _produce(self) -> None:
        tick, window, step = self.first, None, self._options.interval
        while (self.last is None or tick <= self.last) and not self._ends_before(tick):
            if tick // WINDOW != window:
                await self._begin_window()
                window = tick // WINDOW
            await self._until(self.due(tick))
            if self._is_past(tick):
                await self._send_at_once(tick)
            else:
                await self._send_spread(tick)
            self._stats.cycles += 1
            tick += step
        await self._send_overdue(tick - step)
        await self._pipeline.drain()
        self._caught_up()

    def _ends_before(self, tick: int) -> bool:
        """A run of history alone ends with the newest interval that is over."""
        return self._history_alone() and tick > present(self._options, self._clock())

    def _is_past(self, tick: int) -> bool:
        """Whether the readings of `tick` should all be sent by now, or no live cycle will send them."""
        return self._history_alone() or tick + 2 * self._options.interval <= self._clock()

    def _history_alone(self) -> bool:
        return bool(self._options.history) and self._options.iterations == 0

    async def _begin_window(self) -> None:
        await self._pipeline.drain()
        await self._sender.ready_for_window()

    async def _send_at_once(self, tick: int) -> None:
        """A cycle of the past: the whole fleet, in full batches that may span instants of one window."""
        if self._behind_since is None:
            self._behind_since = tick
        end = present(self._options, self._clock())
        self._display.behind(tick, self._behind_since, end, history=not self._was_live)
        await self._deliver(self._fleet.due(tick, self._fleet.everyone, origin=self.origin))
        if self._options.speed is not None:
            await self._pipeline.flush()  # someone watches: do not hold readings back to fill a batch
        await asyncio.sleep(0)

    async def _send_spread(self, tick: int) -> None:
        """The present cycle: a share of the meters in each slot, so that traffic is even."""
        if self._behind_since is not None:
            await self._pipeline.drain()
            self._caught_up()
        if not self._was_live:
            self._was_live = True
            if self._options.history and self._options.iterations is not None:
                self.last = tick + (self._options.iterations - 1) * self._options.interval
        slots, meters = self._slots(), len(self._fleet.everyone)
        for slot in range(slots):
            await self._until(tick + self._options.interval * (1 + slot / slots))
            part = self._fleet.everyone[slot * meters // slots : (slot + 1) * meters // slots]
            if len(part):
                await self._deliver(self._fleet.due(tick, part, origin=self.origin))
                await self._pipeline.flush()
            self._display.live(tick)
        await self._pipeline.settle(self._options.interval / slots)
        self._display.cycle(tick)

    def _caught_up(self) -> None:
        if self._behind_since is not None:
            self._behind_since = None
            self._display.caught_up()

    def _slots(self) -> int:
        return max(2, int(max(SLOTS_A_CYCLE, self._options.interval / LONGEST_SLOT)))

    async def _send_overdue(self, after: int) -> None:
        """A run that has an end sends what it still holds back."""
        longest = max(self._fleet.delays.values(), default=0)
        start = max(self.origin, after - longest)
        for tick in range(start - start % self._options.interval, after + 1, self._options.interval):
            await self._deliver(self._fleet.overdue(after, tick, origin=self.origin))

    async def _deliver(self, delivery: Delivery) -> None:
        self._stats.held += delivery.held
        self._stats.late += delivery.late
        self._stats.repeats += delivery.repeats
        await self._pipeline.put(delivery.readings)

    def due(self, tick: int) -> float:
        """When a cycle begins by the clock.

        When its interval is over, or earlier cycles at the chosen speed, or at once.
        """
        over = float(tick + self._options.interval)
        if self._options.speed is None:
            return over
        return max(over, self._begun + (tick - self.first) / self._options.speed)

    async def _until(self, moment: float) -> None:
        while (left := moment - self._clock()) > 0:
            await asyncio.sleep(min(left, 1.0))
            self._pipeline.check()


def present(options: Options, now: float) -> int:
    """The tick of the newest interval that is over."""
    return (int(now) // options.interval - 1) * options.interval


def on_grid(instant: int, step: int) -> int:
    """The first tick that is not before `instant`."""
    return -(-instant // step) * step


def span(options: Options, now: float) -> tuple[int, int | None]:
    """The first and the last tick of a run that begins at `now`; None if the end is not known (yet)."""
    step = options.interval
    newest = present(options, now)
    if options.history:
        return on_grid((newest + step - options.history) // WINDOW * WINDOW, step), None
    if options.speed is not None and options.speed > 1:
        if options.iterations is None:
            raise UsageError("--speed needs a past to play: give --history, or --iterations")
        end = present(options, now + options.iterations * step / options.speed)
        return end - (options.iterations - 1) * step, end
    return newest, None if options.iterations is None else newest + (options.iterations - 1) * step
