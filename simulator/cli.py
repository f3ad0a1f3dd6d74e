"""The command: `segs simulate`, or `python -m simulator`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp

from simulator import http_sender, uci
from simulator.arguments import add_arguments, options_from
from simulator.display import Display
from simulator.errors import SimulatorError, UsageError
from simulator.faults import FaultModel
from simulator.fleet import Fleet
from simulator.measurement import Source
from simulator.options import Options
from simulator.pipeline import Sender
from simulator.rest import Platform
from simulator.run import Run
from simulator.stats import Statistics

__all__ = ["add_arguments", "execute", "main"]


def source(options: Options, display: Display) -> Source:
    """Where the readings come from."""
    if options.replay == "uci":
        try:
            return uci.Replay(
                uci.load(first_time=display.note),
                seed=options.seed,
                interval=options.interval,
                zone=options.zone,
            )
        except (uci.RecordMissing, ValueError) as error:
            raise UsageError(str(error)) from error
    from simulator.profiles import Profiles  # pandas takes a moment to load

    return Profiles(
        seed=options.seed,
        meters=options.meters,
        interval=options.interval,
        mix=options.profile,
        zone=options.zone,
    )


async def simulate(options: Options) -> Statistics:
    """Play a run to its end and print it."""
    stats = Statistics()
    display = Display(stats, stream=sys.stderr if options.json else None)
    display.note(_announcement(options))
    faults = FaultModel(options.faults, seed=options.seed, interval=options.interval)
    fleet = Fleet(source(options, display), faults, meters=options.meters, regions=options.regions)
    async with http_sender.session(options.concurrency, options.timeout) as http:
        run = Run(options, fleet, _sender(options, http, stats), stats, display)
        _on_signals(run)
        if options.operator_token:
            await _unless_stopped(run, _prepare(options, http, fleet, run, display))
        begun = time.monotonic()
        try:
            await run.play()
        finally:
            await run.close()
            display.summary(time.monotonic() - begun, as_json=options.json)
    return stats


async def _prepare(
    options: Options, http: aiohttp.ClientSession, fleet: Fleet, run: Run, display: Display
) -> None:
    platform = Platform(
        http, options.target.rstrip("/") + "/api/v1", options.operator_token or "", display.note
    )
    created = await platform.register(fleet, run.first)
    display.note(f"{options.meters:,} meters registered, {created:,} of them new")
    if options.history and (newest := await platform.newest(fleet)):
        run.resume(newest)
        display.note(
            f"the platform has readings up to {display.when(newest)}: going on from {display.when(run.first)}"
        )


async def _unless_stopped(run: Run, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, or leave it when the run is stopped first."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(run.stop.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        working.result()
    working.cancel()


def _sender(options: Options, http: aiohttp.ClientSession, stats: Statistics) -> Sender:
    if options.mode == "http":
        return http_sender.HttpSender(http, options.target, options.token, stats)
    from simulator.queue_sender import QueueSender

    return QueueSender(options.database_url or "", options.tenant, stats)


def _on_signals(run: Run) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, run.stop.set)


def _announcement(options: Options) -> str:
    played = "measured households (UCI)" if options.replay else f"{options.profile} (BDEW profiles)"
    to = options.target if options.mode == "http" else f"the queue, tenant {options.tenant}"
    rate = options.meters / options.interval
    return (
        f"{options.meters:,} meters every {options.interval} s ({rate:,.1f} readings/s): "
        f"{played} -> {to}, seed {options.seed}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="segs simulate")
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    return execute(arguments)


def execute(arguments: argparse.Namespace) -> int:
    """Run with parsed arguments; returns the exit code."""
    try:
        asyncio.run(simulate(options_from(arguments)))
    except SimulatorError as error:
        print(f"segs simulate: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0
