"""The options of the command line, and what they may be."""

from __future__ import annotations

import argparse
import os
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulator.errors import UsageError
from simulator.faults import Faults
from simulator.options import DAY, REGIONS, Options, duration

DESCRIPTION = """\
Plays smart meters into the platform through its public interfaces.

A reading is a function of the seed, the meter and the time: the same seed sends the same
readings in any order and after any restart, and sending them again is harmless. A timestamp
is the start of the interval that the reading measures, on the grid of the interval. All times
are UTC.
"""

EPILOG = """\
pace:
  Live readings are sent when their interval is over, spread evenly over the next one. With
  --history the simulator starts in the past and sends one 15-minute window after the other,
  as fast as the platform answers, until it has caught up with the clock. The next start goes
  on where this one ended (it asks the platform, with the operator token).
  --speed slows the past down to a pace one can watch: at --speed 60 an hour takes a minute.
  The future cannot be played, the platform refuses it; so --speed without --history starts
  far enough in the past to end its --iterations cycles at the present.

faults, as shares drawn from the seed:
  duplicate  of readings: sent a second time, duplicate_minutes (5) or an interval later
  late       of readings: sent only late_minutes (20) or an interval after the others
  silent     of meters: send nothing for two hours
  spike      of meters and windows: 150 kWh more than real
  negative   of meters and windows: negative energy (refused but of two-way meters)
  zero       of meters and windows: no energy
  "none", or "default" for duplicate=0.02,late=0.01,negative=0.001,zero=0.002,spike=0.002,
  silent=0.01, or your own list in that form.

exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM (what is under way is answered first)
  1  an error that should not happen
  2  wrong usage, or the record for --replay is not installed
  3  the platform does not accept a token
  4  the platform answers what an ingest would not (is --target right?)
  While the platform is away or busy (connection refused, 429, 5xx) the simulator waits as
  long as it takes, and loses nothing.

examples:
  a day of measured households, then live:
    segs simulate --meters 100 --replay uci --history 1d --faults default
  a thousand readings a second:
    segs simulate --meters 10000 --interval 10 --profile mix
  six hours in six minutes, then stop:
    segs simulate --history 6h --speed 60 --iterations 0
  through the queue instead of HTTP:
    segs simulate --mode queue --database-url postgresql://... --iterations 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the simulator's options to a parser."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_what(parser.add_argument_group("what is played"))
    _add_pace(parser.add_argument_group("how long and how fast"))
    _add_target(parser.add_argument_group("where to"))
    _add_traffic(parser.add_argument_group("how"))


def _add_what(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--meters", type=_positive, default=100, metavar="N", help="meters SIM-00001 ... (default 100)")
    add(
        "--interval",
        type=_interval,
        default=60,
        metavar="S",
        help="seconds between readings of a meter; divides a day (default 60)",
    )
    add(
        "--regions",
        type=_words,
        default=REGIONS,
        metavar="LIST",
        help=f"regions that the meters are dealt to (default {','.join(REGIONS)})",
    )
    add(
        "--profile",
        choices=("households", "commerce", "mix"),
        default="households",
        help="BDEW load profiles (default households)",
    )
    add(
        "--replay",
        choices=("uci",),
        help="play measured households instead: each meter its own days of the UCI record",
    )
    add("--seed", type=int, default=1, metavar="N", help="same seed, same readings (default 1)")
    add("--faults", type=_faults, default=Faults(), metavar="SHARES", help="see below (default none)")
    add(
        "--time-zone",
        type=_zone,
        default="Europe/Berlin",
        metavar="ZONE",
        help="where the meters stand (default Europe/Berlin)",
    )


def _add_pace(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--iterations",
        type=_count,
        metavar="N",
        help="live cycles to send (0: only the history; default: no end)",
    )
    add(
        "--history",
        type=_duration,
        default=0,
        metavar="DURATION",
        help="back-fill first: 30m, 6h, 1d, at most 34d",
    )
    add(
        "--speed",
        type=_number,
        metavar="FACTOR",
        help="play the past this much faster than the clock (default: as fast as it is taken)",
    )


def _add_target(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    environ = os.environ.get
    add(
        "--mode",
        choices=("http", "queue"),
        default="http",
        help="POST /telemetry/batch, or the pgmq queue raw_readings (default http)",
    )
    add(
        "--target",
        default=environ("SEGS_TARGET", "http://127.0.0.1:8080"),
        metavar="URL",
        help="the platform's address (env SEGS_TARGET; default http://127.0.0.1:8080)",
    )
    add("--token", default=environ("SEGS_TOKEN"), help="device token (env SEGS_TOKEN)")
    add(
        "--operator-token",
        default=environ("SEGS_OPERATOR_TOKEN"),
        metavar="TOKEN",
        help="registers the meters, and finds where to resume (env SEGS_OPERATOR_TOKEN)",
    )
    add(
        "--database-url",
        default=environ("SEGS_DATABASE_URL"),
        metavar="URL",
        help="for --mode queue (env SEGS_DATABASE_URL)",
    )
    add("--tenant", type=_tenant, default="demo", metavar="CODE", help="for --mode queue (default demo)")


def _add_traffic(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--batch", type=_positive, default=500, metavar="N", help="readings a request at most (default 500)")
    add(
        "--concurrency",
        type=_positive,
        default=8,
        metavar="N",
        help="requests under way at most (default 8)",
    )
    add(
        "--timeout",
        type=_number,
        default=30.0,
        metavar="S",
        help="seconds to wait for an answer before trying again (default 30)",
    )
    add(
        "--json",
        action="store_true",
        help="the summary as JSON on standard output, all else on standard error",
    )


def options_from(arguments: argparse.Namespace) -> Options:
    """Check the options against each other."""
    given = vars(arguments)
    options = Options(
        **{name: given[name] for name in Options.__dataclass_fields__ if name in given},
        zone=given["time_zone"],
    )
    if options.mode == "queue" and not options.database_url:
        raise UsageError("--mode queue needs --database-url (or SEGS_DATABASE_URL)")
    if options.mode == "http" and not options.token:
        raise UsageError("--token (or SEGS_TOKEN) is missing: `segs token --role device` makes one")
    if options.speed is not None and not options.history and options.iterations is None:
        raise UsageError("--speed needs a past to play: give --history, or --iterations")
    return options


def _positive(text: str) -> int:
    value = _count(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _interval(text: str) -> int:
    value = _positive(text)
    if DAY % value:
        raise argparse.ArgumentTypeError(
            f"{value} does not divide a day of {DAY} seconds; take 1, 10, 60, 300 or 900"
        )
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _duration(text: str) -> int:
    try:
        value = duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if value > 34 * DAY:
        raise argparse.ArgumentTypeError("the platform takes readings of the last 35 days; give at most 34d")
    return value


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise argparse.ArgumentTypeError("needs at least one region")
    return words


def _tenant(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,31}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the code of a tenant")
    return text


def _faults(text: str) -> Faults:
    try:
        return Faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"unknown time zone {text!r}") from error
    return text
