"""What the benchmark makes of what it is told: ratios by round, and what perf and py-spy print."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from bench import command
from bench.figures import Figures
from bench.part import Part, Ratio
from bench.profile import by_function, by_program, samples_of, stacks_of
from bench.report import print_part
from stack.process import ServerError

PERF = """\
postgres      5586c0de _bt_compare (/usr/lib/postgresql/17/bin/postgres)
        postgres      5586c0df _bt_compare (/usr/lib/postgresql/17/bin/postgres)
        postgres      7f0000aa [unknown] (/usr/lib/x86_64-linux-gnu/libc.so.6)
        postgres ffffffff81 clear_page_erms ([kernel.kallsyms])
     postgrest:w       4005aa [unknown] (/usr/bin/postgrest)
         swapper ffffffff82 pv_native_safe_halt ([kernel.kallsyms])
 kworker/u8:2-ev ffffffff83 process_one_work ([kernel.kallsyms])
not a sample
"""
STACKS = """\
main (workers/service.py:26);Ingest.handle (workers/ingest/app.py:55);write (aiohttp/http_writer.py:9) 6
main (workers/service.py:26);Ingest.handle (workers/ingest/app.py:55) 2
Ingest.handle (workers/ingest/app.py:55);Ingest.handle (workers/ingest/app.py:55) 2
"""


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


def test_samples_of_perf_are_counted_by_program_and_function() -> None:
    samples = samples_of(PERF)
    assert samples[0] == ("postgres", "_bt_compare", "postgres")
    assert [name for name, _, _ in samples] == [*["postgres"] * 4, "postgrest", "swapper", "kworker"]
    lines = list(by_program(samples))
    assert lines[0] == "7 samples; the processors were busy in 86 % of them."
    assert "   66.7 %  postgres (16.7)" in lines
    assert "   50.0 %  _bt_compare  (postgres)" in lines
    assert not any("swapper" in line for line in lines)


def test_stacks_of_py_spy_are_counted_alone_and_with_what_they_call() -> None:
    stacks = stacks_of(STACKS)
    assert sum(stacks.values()) == 10
    alone, altogether = "\n".join(by_function(stacks)).split("Time in a function of SEGS")
    assert "   60.0 %  write  (aiohttp)" in alone
    assert "   40.0 %  Ingest.handle  (workers/ingest/app.py)" in alone
    assert "  100.0 %  Ingest.handle  (workers/ingest/app.py)" in altogether
    assert "write" not in altogether


def test_nothing_seen_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        list(by_program(samples_of("")))

    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert command.run("bench.profile", work) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert capsys.readouterr().err == "bench.profile: perf saw nothing\n"
    with pytest.raises(ServerError, match="py-spy saw nothing"):
        list(by_function(Counter()))
