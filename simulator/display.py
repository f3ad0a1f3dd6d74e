"""What a person sees: a bar or a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

from simulator.stats import Statistics, percentile

COLUMNS = ("sent", "accepted", "duplicate", "rejected", "retries", "p50 ms", "p99 ms")
LINES_A_HEADER = 30
PLAIN_PROGRESS_SECONDS = 5.0
PLAIN_TROUBLE_SECONDS = 10.0
BAR = 24
WHEN = 17


class Display:
    """Prints a run. All times are UTC, as in readings and logs, and say so."""

    def __init__(self, stats: Statistics, *, stream: TextIO | None = None) -> None:
        self._stats = stats
        self._out = stream or sys.stdout
        self._terminal = self._out.isatty()
        self._moving = ""
        self._waiting_since: float | None = None
        self._tell_at = 2.0
        self._lines = 0
        self._last_progress = 0.0
        self._before = _Snapshot(stats)
        self._notes: dict[str, float] = {}
        self._progress: tuple[float, int, int] | None = None

    def note(self, text: str) -> None:
        """A line of its own; the same text again within ten seconds is left out."""
        now = time.monotonic()
        if now - self._notes.get(text, -60.0) < 10:
            return
        self._notes = {text: now}
        self._line(text)

    def behind(self, tick: int, start: int, end: int, *, history: bool) -> None:
        """How far the way from `start` to `end`, the present, has come: a back-fill, or catching up."""
        now = time.monotonic()
        if self._progress is None:
            self._progress = (now, start, self._stats.answered)
        if now - self._last_progress < (0.2 if self._terminal else PLAIN_PROGRESS_SECONDS):
            return
        self._last_progress = now
        share = min(1.0, (tick - start) / max(1, end - start))
        elapsed = now - self._progress[0]
        rate = (self._stats.answered - self._progress[2]) / elapsed if elapsed > 0.5 else 0.0
        left = _clock(elapsed / share * (1 - share)) if share > 0.02 else "-:--"
        what = "history" if history else "catching up"
        text = f"{share:4.0%}  at {self.when(tick)}  {rate:,.0f} readings/s  {left} left"
        if self._terminal:
            full = round(share * BAR)
            self._move(f"{what} [{'#' * full}{'.' * (BAR - full)}] {text}")
        else:
            self._line(f"{what} {text}")

    def caught_up(self) -> None:
        """The readings are those of the present now."""
        if self._progress is None:
            return
        seconds = time.monotonic() - self._progress[0]
        count = self._stats.answered - self._progress[2]
        rate = count / max(seconds, 0.001)
        self._line(f"up to date: {count:,} readings in {_clock(seconds)} ({rate:,.0f} a second)")
        self._progress = None
        self._begin_cycle()

    def live(self, tick: int) -> None:
        """The cycle under way, on a terminal."""
        if self._terminal:
            self._move(self._row(tick))

    def trouble(self) -> None:
        """What the platform is waited for, if it is; called every second."""
        if self._terminal:
            self._move(self._moving)
        elif (waited := self._waited()) >= self._tell_at:
            self._tell_at = waited + PLAIN_TROUBLE_SECONDS
            self._line(f"waiting for {_clock(waited)}: {self._stats.waiting}")

    def _waited(self) -> float:
        """Seconds since the platform last answered; 0 if it is not waited for."""
        now = time.monotonic()
        if not self._stats.waiting:
            self._waiting_since, self._tell_at = None, 2.0
            return 0.0
        self._waiting_since = self._waiting_since or now
        return now - self._waiting_since

    def cycle(self, tick: int) -> None:
        """A cycle is done."""
        self._header()
        self._line(self._row(tick))
        self._begin_cycle()

    def summary(self, seconds: float, *, as_json: bool) -> None:
        """The whole run, on standard output."""
        self._settle()
        facts = self._stats.summary(seconds)
        if as_json:
            print(json.dumps(facts), flush=True)
            return
        for line in _described(facts):
            self._line(line)

    def _begin_cycle(self) -> None:
        self._before = _Snapshot(self._stats)
        self._stats.recent.clear()

    def _row(self, tick: int) -> str:
        delta = self._before.until(self._stats)
        numbers = "".join(f"{value:>10,}" for value in delta.values())
        times = "".join(f"{percentile(self._stats.recent, share) * 1000:>10.1f}" for share in (0.5, 0.99))
        return f"{self.when(tick):<{WHEN}}{numbers}{times}"

    def _header(self) -> None:
        if self._lines % LINES_A_HEADER == 0:
            names = [name if name != "accepted" or not self._stats.queued else "queued" for name in COLUMNS]
            self._line(f"{'reading of':<{WHEN}}" + "".join(f"{name:>10}" for name in names))
        self._lines += 1

    def when(self, tick: int) -> str:
        """An instant as it is shown, such as `Nov 23 08:15:00Z`."""
        return datetime.fromtimestamp(tick, UTC).strftime("%b %d %H:%M:%SZ")

    def _move(self, text: str) -> None:
        waited = self._waited()
        shown = f"waiting for {_clock(waited)}: {self._stats.waiting}" if waited >= 1 else text
        self._out.write("\r\x1b[K" + shown[: _width()])
        self._out.flush()
        self._moving = text

    def _settle(self) -> None:
        if self._terminal:
            self._out.write("\r\x1b[K")
            self._moving = ""

    def _line(self, text: str) -> None:
        self._settle()
        self._out.write(text + "\n")
        self._out.flush()


class _Snapshot:
    """Counters at a moment, to show what a cycle added."""

    def __init__(self, stats: Statistics) -> None:
        self._values = self._of(stats)

    def until(self, stats: Statistics) -> dict[str, int]:
        return {name: value - self._values[name] for name, value in self._of(stats).items()}

    @staticmethod
    def _of(stats: Statistics) -> dict[str, int]:
        return {
            "sent": stats.sent,
            "accepted": stats.accepted + stats.queued,
            "duplicates": stats.duplicates,
            "rejected": stats.rejected.total(),
            "retries": stats.retries,
        }


def _described(facts: dict[str, Any]) -> Iterator[str]:
    rejected, faults = facts["rejected"], facts["faults"]
    yield ""
    yield (
        f"sent {facts['sent']:,} readings in {facts['batches']:,} batches, {_clock(facts['seconds'])}: "
        f"{facts['readings_per_second']:,} a second"
    )
    for name in ("accepted", "duplicates", "queued"):
        if facts[name] or name == "accepted":
            yield f"  {name:<11}{facts[name]:>13,}"
    if rejected:
        yield f"  {'rejected':<11}{sum(rejected.values()):>13,}{_listed(rejected)}"
    if facts["unanswered"]:
        yield f"  {'unanswered':<11}{facts['unanswered']:>13,}  (the same seed sends them again)"
    if facts["retries"]:
        yield f"  {'retries':<11}{facts['retries']:>13,}{_listed(facts['retry_reasons'])}"
    if any(faults.values()):
        yield "  faults: " + ", ".join(
            f"{count:,} {name.replace('_', ' ')}" for name, count in faults.items()
        )
    if "unknown_meter" in rejected:
        yield "  hint: these meters are not registered; with --operator-token the simulator registers them"


def _listed(counts: dict[str, int]) -> str:
    return "  (" + ", ".join(f"{name} {count:,}" for name, count in counts.items()) + ")" if counts else ""


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _width() -> int:
    return shutil.get_terminal_size((120, 24)).columns - 1
