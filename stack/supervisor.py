"""Keeps servers running: starts them in order of health, restarts one that dies, stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stack.process import LineSink, Server, ServerError, ServerSpec

CHECK_SECONDS = 5.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_AFTER = 30.0
"""A server that was well for this long is restarted at once when it dies, as if for the first time."""


@dataclass(frozen=True)
class Stage:
    """Servers that start together, and what is done before them. The next stage waits for all of them."""

    servers: tuple[ServerSpec, ...]
    before: Callable[[], None] | None = None
    restart_when_done: bool = True
    """False: a server that ends with status 0 has done its work."""


@dataclass
class Service:
    """One supervised server."""

    server: Server
    stage: Stage
    state: str = "waiting"
    restarts: int = 0
    first: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def describe(self) -> dict[str, Any]:
        """What ``segs status`` tells of it."""
        spec = self.server.spec
        return {
            "name": spec.name,
            "state": self.state,
            "pid": self.server.pid,
            "url": spec.url,
            "restarts": self.restarts,
        }


class Supervisor:
    """Runs stages until told to stop. ``changed`` is called whenever a service changes its state."""

    def __init__(
        self, stages: Sequence[Stage], sink: LineSink, changed: Callable[[list[dict[str, Any]]], None]
    ) -> None:
        self._sink = sink
        self._changed = changed
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stages = [
            (stage, [Service(Server(spec, sink), stage) for spec in stage.servers]) for stage in stages
        ]

    @property
    def services(self) -> list[Service]:
        return [service for _, services in self._stages for service in services]

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def request_stop(self) -> None:
        """Make :meth:`start` give up and :meth:`run` return. Safe to call twice."""
        self._stopping.set()

    async def start(self) -> None:
        """Start every stage. Raises if one cannot be brought up; :meth:`stop` is to be called then too."""
        for stage, services in self._stages:
            if stage.before is not None:
                await asyncio.to_thread(stage.before)
            if self._stopping.is_set():
                return
            for service in services:
                self._tasks.append(asyncio.create_task(self._keep(service)))
            ready = asyncio.gather(*(service.first for service in services))
            await self._unless_stopping(ready)
            if self._stopping.is_set():
                return

    async def run(self) -> None:
        """Wait until :meth:`request_stop`."""
        await self._stopping.wait()

    async def stop(self) -> None:
        """Stop every service, last stage first."""
        self._stopping.set()
        for _, services in reversed(self._stages):
            await asyncio.gather(*(self._stop(service) for service in services))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop(self, service: Service) -> None:
        if service.server.running:
            self._set(service, "stopping")
            await asyncio.to_thread(service.server.stop)
        self._set(service, "stopped")

    async def _keep(self, service: Service) -> None:
        """Supervise it for as long as we run, whatever goes wrong meanwhile."""
        while not self._stopping.is_set():
            try:
                await self._supervise(service)
                return
            except Exception as error:
                self._sink(service.server.spec.name, f"supervision stumbled and goes on: {error!r}")
                await self._unless_stopping(asyncio.sleep(FIRST_DELAY))

    async def _supervise(self, service: Service) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                await self._bring_up(service)
            except Exception as error:  # reported to anyone who waits for the first start, else retried
                if not service.first.done():
                    self._set(service, "failed")
                    service.first.set_exception(error)
                    return
                self._sink(service.server.spec.name, f"restart failed: {error}")
                await asyncio.to_thread(service.server.stop)
            else:
                if not service.first.done():
                    service.first.set_result(None)
                await self._watch(service)
            if self._stopping.is_set():
                return
            if service.server.returncode == 0 and not service.stage.restart_when_done:
                self._set(service, "done")
                return
            delay = FIRST_DELAY if time.monotonic() - begun > STEADY_AFTER else delay
            service.restarts += 1
            service.server.pid = None
            self._set(service, "restarting")
            self._sink(
                service.server.spec.name,
                f"ended with status {service.server.returncode}; starting it again in {delay:.1f} s",
            )
            await self._unless_stopping(asyncio.sleep(delay))
            delay = min(delay * 2, LONGEST_DELAY)

    async def _bring_up(self, service: Service) -> None:
        # In this thread, not in a worker thread: the kernel ties the child's life to the thread that made it.
        if not service.server.running:
            service.server.start()
        self._set(service, "starting")
        await asyncio.to_thread(service.server.wait_ready)
        self._set(service, "healthy")

    async def _watch(self, service: Service) -> None:
        """Return when the process has ended; meanwhile note whether it answers."""
        checked = time.monotonic()
        while service.server.running and not self._stopping.is_set():
            await asyncio.sleep(0.2)
            if time.monotonic() - checked > CHECK_SECONDS:
                reason = await asyncio.to_thread(service.server.check)
                checked = time.monotonic()
                self._note_health(service, reason)

    def _note_health(self, service: Service, reason: str | None) -> None:
        if not service.server.running or self.stopping:
            return
        if reason and service.state == "healthy":
            self._sink(service.server.spec.name, f"does not answer as it should: {reason}")
        self._set(service, "unhealthy" if reason else "healthy")

    def _set(self, service: Service, state: str) -> None:
        if service.state != state:
            service.state = state
            try:
                self._changed([s.describe() for s in self.services])
            except Exception as error:  # a listener may fail in any way: supervision goes on
                self._sink(service.server.spec.name, f"is {state}, which could not be told: {error}")

    async def _unless_stopping(self, awaitable: Any) -> None:
        """Wait for ``awaitable``, or until a stop is requested. Its exception is raised here."""
        work = asyncio.ensure_future(awaitable)
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if work.done():
            work.result()
        else:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, ServerError):
                await work
