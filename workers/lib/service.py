"""Runs an aiohttp application as a process: uvloop, signals, graceful stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from workers.lib import log as logging_setup
from workers.lib.errors import error_body, error_response
from workers.lib.settings import SettingsError, WorkerSettings

log = logging.getLogger(__name__)

SettingsT = TypeVar("SettingsT", bound=WorkerSettings)

BACKLOG = 1024
MAX_LINE = 16 * 1024


def _refuse(
    self: RequestHandler,
    request: web.BaseRequest,
    status: int = 500,
    exc: BaseException | None = None,
    message: str | None = None,
) -> web.StreamResponse:
    """aiohttp's answer to what it cannot read, in the one error shape; not logged, as it may hold a token."""
    if request.writer.output_size > 0:
        raise ConnectionError("a part of the answer has been sent already")
    if status >= 500:
        log.error("a request failed outside its handler: %s", type(exc).__name__)
        response = error_response(
            status, error_body("internal_error", "the server failed to answer this request")
        )
    else:
        response = error_response(status, error_body("bad_request", "the request could not be understood"))
    response.force_close()
    return response


RequestHandler.handle_error = _refuse  # type: ignore[method-assign]


def main(settings_type: type[SettingsT], run: Callable[[SettingsT], Coroutine[Any, Any, None]]) -> int:
    """Load the settings, configure logging, run; returns the exit status."""
    try:
        settings = settings_type.load()
    except SettingsError as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    logging_setup.configure(settings)
    tune_collector()
    try:
        uvloop.run(run(settings))
    except OSError as error:
        log.error("cannot start: %s", error)
        return 1
    return 0


def tune_collector() -> None:
    """Collect garbage less often, and never what was made at start: requests leave few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    shutdown_timeout: float = 20.0,
    keepalive_timeout: float = 75.0,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop accepting, finish what was accepted, release everything."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=shutdown_timeout,
        keepalive_timeout=keepalive_timeout,
        auto_decompress=False,  # a body is decompressed by its reader, within its limits
        # more than nginx passes on, so that it is nginx that refuses what is longer
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, host, port, reuse_port=reuse_port or None, backlog=BACKLOG)
        await site.start()
        for address in runner.addresses:
            log.info("listening on http://%s:%s", address[0], address[1])
        await stop.wait()
        log.info("stopping")
    finally:
        await runner.cleanup()
    log.info("stopped")
