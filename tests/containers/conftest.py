"""The whole compose.yaml in containers, brought up once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.runtime import Runtime
from tests.containers import engine as container_engine
from tests.containers import standins
from tests.containers.deployment import Deployment


@pytest.fixture(scope="session")
def engine(runtime: Runtime) -> Iterator[container_engine.Engine]:
    """A container engine with the images that SEGS builds on."""
    with container_engine.running() as running:
        standins.ensure(running, runtime)
        yield running


@pytest.fixture(scope="session")
def deployment(
    engine: container_engine.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """compose.yaml, built and up from nothing; taken down with its volumes at the end."""
    checkout: Path = tmp_path_factory.mktemp("deployment") / "segs"
    with Deployment(engine, checkout).running() as running:
        yield running
