"""``python -m workers.relay``."""

from __future__ import annotations

import sys

from workers.lib import service
from workers.relay.app import create_app
from workers.relay.settings import RelaySettings


async def run(settings: RelaySettings) -> None:
    """Serve until told to stop."""
    await service.serve(
        create_app(settings),
        settings.relay_host,
        settings.relay_port,
        shutdown_timeout=settings.relay_shutdown_seconds,
    )


if __name__ == "__main__":
    sys.exit(service.main(RelaySettings, run))
