"""What ``make test`` runs at once ends as its lanes do."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.paths import CHECKOUT as REAL_CHECKOUT
from tests import __main__ as lanes
from tests.__main__ import Lane
from tests.support.wait import wait_until


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, "CHECKOUT", tmp_path)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_lane_goes_on_after_a_failure_and_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failing = Lane("one", [python("raise SystemExit('no')"), python("print('still here')")])
    assert not lanes.run([failing, Lane("two", [python("print('fine')")])])
    assert "one          still here" in capsys.readouterr().out


def test_a_lane_without_the_tests_asked_for_is_no_failure() -> None:
    assert lanes.run(
        [Lane("one", [python(f"raise SystemExit({lanes.NO_TESTS})")]), Lane("two", [python("")])]
    )


def test_failures_are_shown_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    told = "print('..F'); print('=' * 20, 'FAILURES', '=' * 20); print('why')"
    lanes.run([Lane("one", [python(told)])])
    assert capsys.readouterr().out == f"one          ..F\n{'=' * 20} FAILURES {'=' * 20}\nwhy\n"


def test_every_test_is_in_a_lane() -> None:
    folders = {path.name for path in Path(__file__).parent.parent.iterdir() if any(path.glob("test_*.py"))}
    in_lanes = {name.removeprefix("tests/") for names in lanes.LANES for name in names}
    targets = (REAL_CHECKOUT / "Makefile").read_text(encoding="utf-8")
    called = (REAL_CHECKOUT / ".ci/run").read_text(encoding="utf-8")
    for folder in folders - in_lanes:  # what takes long has a target of its own, which CI calls too
        assert re.search(rf"^test-{folder}: .*\n.* tests/{folder} ", targets, re.MULTILINE), folder
        assert f"\nmake test-{folder}\n" in called, folder
    assert in_lanes <= folders


@pytest.fixture
def in_background() -> Iterator[None]:
    """As a script's background job begins."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("in_background")
def test_an_interrupt_ends_what_runs_and_begins_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    lanes.hear_signals()
    waiting = (
        "import time\nprint('up', flush=True)\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('down')"
    )
    lane = Lane("one", [python(waiting), python("print('next')")])
    thread = threading.Thread(target=lane.run)
    thread.start()
    output = ""

    def is_up() -> bool:
        nonlocal output
        output += capsys.readouterr().out
        return "up" in output

    wait_until(is_up, "it runs")
    lane.end()
    thread.join(30)
    assert lane.failed
    assert (output + capsys.readouterr().out).split() == ["one", "up", "one", "down"]
