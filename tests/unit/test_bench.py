"""What the benchmark makes of what it is told: ratios by round, and the run that is kept."""

from __future__ import annotations

import json
import signal

import pytest

from bench import command
from bench.figures import Figures
from bench.part import Part, Ratio
from bench.report import print_part
from bench.tables import Run, compact, dump
from stack.process import ServerError


def test_a_ratio_is_told_with_the_least_and_the_greatest_of_a_round(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = Figures()
    for ours, theirs in ((10.0, 20.0), (30.0, 30.0), (20.0, 10.0)):
        figures.add("ours", {"rows_s": ours})
        figures.add("theirs", {"rows_s": theirs})
    ratios = (Ratio("ours.rows_s", "theirs.rows_s", "at least 1.0"), Ratio("ours.rows_s", "nobody.rows_s"))
    part = Part("some", "something", lambda environment, quick: {}, ratios=ratios)
    kept = print_part(part, figures, {"load_before_rounds": []})
    name = "ours.rows_s / theirs.rows_s"
    assert kept["ratios"] == {name: 1.0}
    assert kept["ratio_rounds"] == {name: [0.5, 1.0, 2.0]}
    told = next(line for line in capsys.readouterr().out.splitlines() if name in line)
    assert told.split() == ["1.000", "(0.50-2.00)", *name.split(), "(wanted:", "at", "least", "1.0)"]


def test_a_run_is_kept_with_every_round_of_every_figure() -> None:
    figures = {"copy.rows_s": {"rounds": [269672.48, 0.123456, 12.0], "min": 0, "median": 0, "max": 0}}
    result = {"commit": "abc", "parts": {"ingest": {"settings": {}, "figures": figures}}}
    kept = compact(result)
    assert kept == {"commit": "abc", "parts": {"ingest": {"copy.rows_s": [269700, 0.1235, 12]}}}
    assert json.loads(dump(kept)) == kept
    assert Run(kept).median("copy.rows_s") == 12


def test_a_command_that_fails_says_why_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise ServerError("there is no wrk")

    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert command.run("bench", work) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert capsys.readouterr().err == "bench: there is no wrk\n"
