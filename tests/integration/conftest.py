"""Fixtures of the integration tests, on top of the real servers of tests/conftest.py."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.ingest import Gateway
from tests.support.keys import Keys
from tests.support.servers import TestServer


@pytest.fixture
async def gateway(ingest_server: TestServer, keys: Keys) -> AsyncIterator[Gateway]:
    """A device that sends to a healthy ingest worker."""
    async with Gateway.open(ingest_server.url, keys.mint("device")) as gateway:
        yield gateway
