"""A pytest plugin: what the servers logged during a test is attached to its failure report."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.processes import LOGS
from tests.support.tap import TapReport

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


class PgtapTotals:
    """Counts of the pgTAP files that ran, for the summary at the end."""

    def __init__(self) -> None:
        self.passed: dict[str, int] = {}
        self.skipped: dict[str, list[str]] = {}

    def add(self, edition: str, name: str, report: TapReport) -> None:
        """Count one file."""
        self.passed[edition] = self.passed.get(edition, 0) + report.passed
        self.skipped.setdefault(edition, []).extend(f"{name}: {reason}" for reason in report.skipped)


PGTAP_TOTALS = PgtapTotals()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many pgTAP tests ran on each edition, and which were skipped."""
    for edition, passed in sorted(PGTAP_TOTALS.passed.items()):
        skipped = PGTAP_TOTALS.skipped[edition]
        terminalreporter.write_line(f"pgTAP on {edition}: {passed} passed, {len(skipped)} skipped")
        for reason in skipped:
            terminalreporter.write_line(f"  skipped: {reason}")
