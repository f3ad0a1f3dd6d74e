"""How ``segs up`` shows the running grid: one live screen on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import psycopg
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from segs.feed import RATE_SECONDS, Feed, Snapshot, clock

POLL_SECONDS = 1.0
SUMMARY_SECONDS = 10.0
QUIET_SOURCES = ("postgres", "redis", "nginx", "postgrest")
"""Servers whose own lines go to the log files only."""

_STYLES = {"healthy": "green", "done": "green", "unhealthy": "yellow", "starting": "yellow", "waiting": "dim"}

_OUTCOMES = ("accepted", "duplicates", "rejected")


class Screen(Protocol):
    """What ``segs up`` needs of a screen."""

    def log(self, name: str, line: str) -> None:
        """A line of a server's output (called from any thread)."""

    def services(self, services: list[dict[str, Any]]) -> None:
        """The states of all services, when one has changed."""

    def announce(self, text: str) -> None:
        """The greeting, once everything is healthy."""

    async def run(self, admin_url: str) -> None:
        """Show the grid until cancelled."""

    def close(self) -> None:
        """Leave the terminal as it was."""


async def _follow(admin_url: str, show: Callable[[Snapshot], None], away: Callable[[str], None]) -> None:
    feed = Feed(admin_url)
    try:
        while True:
            try:
                show(await asyncio.to_thread(feed.poll))
            except psycopg.Error as error:
                away(str(error).splitlines()[0] if str(error) else type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)
    finally:
        feed.close()


def summary(snapshot: Snapshot) -> str:
    """The rates and the open alerts in one line."""
    rates = snapshot.rates
    alerts = sum(row["open"] for row in snapshot.alerts)
    accepted, duplicates, rejected = (rates[name] / RATE_SECONDS for name in _OUTCOMES)
    return (
        f"{accepted:,.0f} readings/s ({duplicates:,.1f} duplicates, {rejected:,.1f} rejected)"
        f", newest {clock(rates['newest'])}, {snapshot.windows:,} windows closed, {alerts:,} alerts open"
    )


class PlainScreen:
    """One line an event, for logs and pipes."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._summarised = 0.0
        self._away = False

    def log(self, name: str, line: str) -> None:
        if name not in QUIET_SOURCES:
            self._print(f"[{name}] {line}")

    def services(self, services: list[dict[str, Any]]) -> None:
        for service in services:
            if self._states.get(service["name"]) != service["state"]:
                self._states[service["name"]] = service["state"]
                if service["state"] != "waiting":
                    pid = f" (pid {service['pid']})" if service["pid"] else ""
                    self._print(f"{service['name']}: {service['state']}{pid}")

    def announce(self, text: str) -> None:
        print(text, flush=True)

    async def run(self, admin_url: str) -> None:
        await _follow(admin_url, self._show, self._gone)

    def close(self) -> None:
        pass

    def _show(self, snapshot: Snapshot) -> None:
        self._away = False
        for line in snapshot.lines:
            self._print(line)
        if time.monotonic() - self._summarised > SUMMARY_SECONDS:
            self._summarised = time.monotonic()
            self._print(summary(snapshot))

    def _gone(self, reason: str) -> None:
        if not self._away:
            self._away = True
            self._print(f"database away: {reason}")

    @staticmethod
    def _print(line: str) -> None:
        with contextlib.suppress(OSError):  # to a file on a full disk, say
            print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


class RichScreen:
    """One screen, redrawn every second."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._services: list[dict[str, Any]] = []
        self._lines: deque[str] = deque(maxlen=200)
        self._snapshot: Snapshot | None = None
        self._away = ""
        self._live: Live | None = None

    def log(self, name: str, line: str) -> None:
        if name not in QUIET_SOURCES:
            self._lines.append(f"{time.strftime('%H:%M:%S')} [{name}] {line}")

    def services(self, services: list[dict[str, Any]]) -> None:
        self._services = services
        if self._live is None:
            busy = [f"{s['name']} {s['state']}" for s in services if s["state"] not in ("waiting", "healthy")]
            if busy:
                self._console.print(Text("  " + ", ".join(busy), style="dim"))

    def announce(self, text: str) -> None:
        # printed, not drawn: it stays in the scroll-back, with lines that can be copied whole
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    async def run(self, admin_url: str) -> None:
        with Live(
            self._draw(), console=self._console, refresh_per_second=4, get_renderable=self._draw
        ) as live:
            self._live = live
            await _follow(admin_url, self._show, self._gone)

    def close(self) -> None:
        if self._live is not None:
            with contextlib.suppress(Exception):
                self._live.stop()

    def _show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._away = ""
        self._lines.extend(f"{time.strftime('%H:%M:%S')} {line}" for line in snapshot.lines)

    def _gone(self, reason: str) -> None:
        self._away = reason

    def _draw(self) -> RenderableType:
        parts: list[RenderableType] = [self._service_line()]
        if self._away:
            parts.append(Text(f"database away: {self._away}", style="red"))
        if self._snapshot is not None:
            parts += [Text(summary(self._snapshot)), self._region_table(self._snapshot)]
            if self._snapshot.alerts:
                parts.append(self._alert_line(self._snapshot))
        room = max(4, min(14, self._console.height - 20))
        recent = Text("\n".join(list(self._lines)[-room:]), no_wrap=True, overflow="ellipsis")
        parts.append(Panel(recent, title="events", title_align="left", border_style="dim", height=room + 2))
        parts.append(Text("Ctrl-C stops everything; the data is kept.", style="dim"))
        return Group(*parts)

    def _service_line(self) -> Text:
        text = Text()
        for service in self._services:
            text.append(f"{service['name']} ", style="bold")
            text.append(f"{service['state']}  ", style=_STYLES.get(service["state"], "red"))
        return text

    @staticmethod
    def _region_table(snapshot: Snapshot) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("region", "last window", "kWh", "meters", "next price", "multiplier"):
            table.add_column(name, justify="left" if name in ("region", "last window") else "right")
        for row in snapshot.regions:
            known = row["energy_kwh"] is not None
            table.add_row(
                row["region"],
                clock(row["window_start"]),
                f"{row['energy_kwh']:,.2f}" if known else "-",
                str(row["meters"]) if known else "-",
                f"{row['price']:.4f}" if row["price"] is not None else "-",
                f"{row['multiplier']:.3f}" if row["multiplier"] is not None else "-",
            )
        return table

    @staticmethod
    def _alert_line(snapshot: Snapshot) -> Text:
        text = Text("open alerts  ", style="bold")
        for row in snapshot.alerts:
            text.append(f"{row['kind']} {row['open']:,} ({row['severity']})  ", style="yellow")
        return text


def plain_screen() -> Screen:
    """For output that is not a terminal."""
    return PlainScreen()


def rich_screen() -> Screen:
    """For a terminal."""
    return RichScreen()
