"""An aiohttp handler that reads a request and answers like the ingest worker, and does nothing else."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web

from workers.lib.service import serve, tune_collector

ANSWER = b'{"accepted":1,"duplicates":0,"rejected":[]}'


async def take(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def main() -> None:
    app = web.Application(client_max_size=100 * 2**20)
    app.router.add_post("/telemetry/batch", take)
    app.router.add_get("/health", health)
    tune_collector()
    uvloop.run(serve(app, "127.0.0.1", int(sys.argv[1]), reuse_port=True))


if __name__ == "__main__":
    main()
