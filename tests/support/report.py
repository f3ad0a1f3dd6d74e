"""A pytest plugin: what the servers logged during a test is attached to its failure report."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import pytest

from tests.support.servers import JOURNAL
from tests.support.tap import TapReport

MAX_LINES = 60
_before: pytest.StashKey[Mapping[str, int]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Remember how much every server had written before the test."""
    item.stash[_before] = JOURNAL.lengths()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what they have written since, if it failed."""
    report = yield
    if report.failed:
        for name, lines in sorted(JOURNAL.since(item.stash.get(_before, {})).items()):
            if lines:
                report.sections.append((f"log of {name}", "\n".join(lines[-MAX_LINES:])))
    return report


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
