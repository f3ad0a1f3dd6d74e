"""The Timescale (TSL) edition in tests: PGlite over a socket, deployed once and copied.

It is one PostgreSQL session: a second connection waits until the first is closed.
"""

from __future__ import annotations

import importlib.resources
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.support.processes import TestProcess, free_port
from tests.support.wait import wait_until

if TYPE_CHECKING:
    from stack.runtime import Runtime

SCRIPT = Path(__file__).with_name("pglite.mjs")


class PGlite:
    """One server process on one data folder."""

    def __init__(
        self, runtime: Runtime, directory: Path, name: str = "pglite", sql: Path | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        # ES modules are looked up beside the script, so it runs from a folder that has node_modules.
        script = Path(shutil.copy(SCRIPT, directory / "pglite.mjs"))
        modules = directory / "node_modules"
        if not modules.exists():
            modules.symlink_to(runtime.node_modules)
        self.data = directory / "data"
        self.port = free_port()
        self.url = f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"
        command = [str(runtime.node), str(script), str(self.port), str(self.data)]
        self.process = TestProcess(name, command + ([str(sql)] if sql else []), directory / "pglite.log")

    def start(self) -> None:
        """Start and wait until it listens."""
        self.process.start()

        def ready() -> bool:
            assert self.process.running, f"PGlite ended: {self.process.tail()}"
            return "ready" in self.process.tail(3)

        wait_until(ready, "PGlite listens", 60)

    def stop(self) -> None:
        """Stop; the data folder stays."""
        self.process.stop()

    def connect(self, autocommit: bool = True) -> psycopg.Connection[tuple[object, ...]]:
        """The one connection it can serve."""
        return psycopg.connect(self.url, autocommit=autocommit)


def deployed(runtime: Runtime, directory: Path, prepare: Callable[[str, Path], None]) -> PGlite:
    """A stopped PGlite whose data folder has pgmq and whatever ``prepare(url, dbmate)`` puts there."""
    pgmq = importlib.resources.files("pgmq").joinpath("sql/pgmq.sql")
    server = PGlite(runtime, directory, "pglite-template", Path(str(pgmq)))
    server.start()
    try:
        prepare(server.url, runtime.dbmate)
    finally:
        server.stop()
    return server


def copy_of(runtime: Runtime, template: PGlite, directory: Path, name: str = "pglite") -> PGlite:
    """A server on a copy of the template's data."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template.data, directory / "data")
    return PGlite(runtime, directory, name)
