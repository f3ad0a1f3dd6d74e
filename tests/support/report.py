"""A pytest plugin: what the servers logged during a test is attached to its failure report."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.processes import LOGS

MAX_LINES = 60
_ended: pytest.StashKey[dict[str, tuple[Path, int]]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Remember where every log ended before the test."""
    item.stash[_ended] = {name: (path, _size(path)) for name, path in LOGS.items()}
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the lines written since."""
    report = yield
    known = item.stash.get(_ended, {})
    for name, path in LOGS.items():
        known.setdefault(name, (path, 0))
    if report.failed:
        for name, (path, start) in sorted(known.items()):
            lines = _read(path, start)
            if lines:
                report.sections.append((f"log of {name}", "\n".join(lines[-MAX_LINES:])))
    return report


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path, start: int) -> list[str]:
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(start)
        return log.read().decode(errors="replace").splitlines()
