"""What is to be said of the platform's health: asked of the database and this machine's disks.

``upkeep.findings`` says most of it, in SQL. Asking also has late jobs scheduled again: what pg_cron has
stopped doing it cannot notice itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from workers.lib import db

log = logging.getLogger(__name__)

INTERVAL = 10.0
FULL = (0.01, 256 * 1024**2)
LOW = (0.05, 2 * 1024**3)
"""A disk is full or low when less than this share of it and less than so many bytes are free."""
LEVELS = {"ok": 0, "warn": 1, "fail": 2}

FINDINGS = "select part, state, says, advice from upkeep.findings(%s)"
JOBS = "select name, age_seconds, late from upkeep.watch_jobs()"


@dataclass(frozen=True)
class Finding:
    """How one part is: ok, warn or fail, what is so, and what to do about it."""

    part: str
    state: str
    says: str
    advice: str


class Checkup:
    """The latest findings, and the metrics that tell of them."""

    def __init__(self, disks: Mapping[str, Path], registry: CollectorRegistry) -> None:
        self._disks = disks
        self.findings: dict[str, Finding] = {}
        self._state = Gauge(
            "segs_health", "How a part of the platform is: 0 ok, 1 warn, 2 fail.", ["part"], registry=registry
        )
        self._age = Gauge(
            "segs_job_age_seconds", "Since a job started last, or was scheduled.", ["job"], registry=registry
        )
        self._late = Gauge(
            "segs_job_late",
            "1 for a job that has missed two of its times.",
            ["job"],
            registry=registry,
        )
        self._free = Gauge(
            "segs_disk_free_bytes", "Room for more, where data is kept.", ["disk"], registry=registry
        )

    @property
    def states(self) -> dict[str, str]:
        """The state of each part."""
        return {part: finding.state for part, finding in sorted(self.findings.items())}

    async def watch(self, pool: db.Pool) -> None:
        """Look every few seconds, for ever."""
        while True:
            self._look_at_disks()
            try:
                await self._ask(pool)
            except Exception as error:
                log.debug("no findings: %s", error)
            await asyncio.sleep(INTERVAL)

    def _look_at_disks(self) -> None:
        found = []
        for name, path in self._disks.items():
            try:
                found.append(disk_finding(name, path))
                room = os.statvfs(path)
                self._free.labels(name).set(room.f_bavail * room.f_frsize)
            except OSError as error:
                found.append(Finding("disk", "warn", f"{name}: {error.strerror}", "is it there?"))
        if found:
            self._note(max(found, key=lambda finding: LEVELS[finding.state]))

    async def _ask(self, pool: db.Pool) -> None:
        async with pool.connection(timeout=2.0) as connection:
            rows = await (await connection.execute(FINDINGS, (datetime.now(UTC),))).fetchall()
            jobs = await (await connection.execute(JOBS)).fetchall()
        for row in rows:
            self._note(Finding(*row))
        self._age.clear()
        self._late.clear()
        for name, age, late in jobs:
            self._age.labels(name).set(age)
            self._late.labels(name).set(late)

    def _note(self, finding: Finding) -> None:
        before = self.findings.get(finding.part)
        if finding.state != (before.state if before else "ok"):
            level = logging.INFO if finding.state == "ok" else logging.WARNING
            log.log(level, "%s: %s: %s", finding.part, finding.state, finding.says)
        self.findings[finding.part] = finding
        self._state.labels(finding.part).set(LEVELS[finding.state])


CHECKUP = web.AppKey("CHECKUP", Checkup)


def disk_finding(name: str, path: Path) -> Finding:
    """Whether there is room left where ``path`` is."""
    room = os.statvfs(path)
    free, size = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    state = "ok"
    for level, (share, amount) in (("warn", LOW), ("fail", FULL)):
        if free <= min(size * share, amount):
            state = level
    says = f"{name}: {free / 1024**2:,.0f} MiB of {size / 1024**2:,.0f} are free"
    return Finding("disk", state, says, "make room: grid.retention says what is kept for how long")


def parse_disks(text: str) -> dict[str, Path]:
    """``name=folder`` pairs, separated by colons. Raises ValueError for anything else."""
    disks = {}
    for word in filter(None, text.split(":")):
        name, equals, folder = word.partition("=")
        if not (name and equals and folder.startswith("/")):
            raise ValueError(f"{word!r} is not NAME=/FOLDER")
        disks[name] = Path(folder)
    return disks
