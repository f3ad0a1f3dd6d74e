"""The Timescale (TSL) edition in tests: PGlite over a socket, deployed once and copied.

It is one PostgreSQL session: a second connection waits until the first is closed.
"""

from __future__ import annotations

import importlib.resources
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg

from stack.process import NotReady, ServerSpec
from stack.runtime import Runtime
from stack.servers import until_parent_ends
from tests.support.servers import TestServer, free_port

SCRIPT = Path(__file__).with_name("pglite.mjs")


class PGlite(TestServer):
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
        command = [
            str(runtime.node),
            str(script),
            str(self.port),
            str(self.data),
            *([str(sql)] if sql else []),
        ]
        super().__init__(
            ServerSpec(
                name=name,
                command=lambda _: until_parent_ends(command),
                ready=self._ready,
                url=f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres?sslmode=disable",
                ready_timeout=90,
            )
        )

    def _ready(self) -> None:
        # not by connecting: there is one connection, and a probe would hold it
        if f"listening on {self.port}" not in self.log():
            raise NotReady("not listening yet")

    def connect(self, autocommit: bool = True) -> psycopg.Connection[tuple[object, ...]]:
        """The one connection it can serve."""
        return psycopg.connect(self.url, autocommit=autocommit)


def deployed(runtime: Runtime, directory: Path, prepare: Callable[[str, Path], None]) -> PGlite:
    """A stopped PGlite whose data folder has pgmq and whatever ``prepare(url, dbmate)`` puts there."""
    pgmq = importlib.resources.files("pgmq").joinpath("sql/pgmq.sql")
    server = PGlite(runtime, directory, "pglite-template", Path(str(pgmq)))
    server.up()
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
