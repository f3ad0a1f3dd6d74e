"""How the figures of a part are printed, and kept as JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from bench.figures import Figures, number
from bench.part import Part
from stack.paths import CHECKOUT

RESULTS = CHECKOUT / "bench" / "results"


def print_part(part: Part, figures: Figures, facts: dict[str, Any]) -> dict[str, object]:
    """Print one part; returns it as it is kept."""
    print(f"\n== {part.name}: {part.about}")
    print(f"load average before each round: {facts['load_before_rounds']}\n")
    print("\n".join(figures.lines()))
    ratios = {f"{each.above} / {each.below}": figures.ratio(each.above, each.below) for each in part.ratios}
    wanted = {f"{each.above} / {each.below}": each.wanted for each in part.ratios}
    measured = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    rounds = {
        name: figures.ratios(each.above, each.below)
        for each in part.ratios
        if (name := f"{each.above} / {each.below}") in measured
    }
    if measured:
        print("\nratios of the medians (least and greatest within a round)")
        for name, ratio in measured.items():
            spread = f"({min(rounds[name]):.2f}-{max(rounds[name]):.2f})"
            print(f"  {ratio:>8.3f}  {spread:<14}{name}{_want(wanted[name])}")
    targets = [(each, figures.median(each.figure)) for each in part.targets]
    if any(value is not None for _, value in targets):
        print("\nagainst what the project wants")
        for target, value in targets:
            if value is not None:
                print(f"  {number(value):>8}  {target.figure}{_want(target.wanted)}")
    return {
        **facts,
        "figures": figures.document(),
        "ratios": measured,
        "ratio_rounds": rounds,
        "wanted": {
            **{name: text for name, text in wanted.items() if text and name in measured},
            **{target.figure: target.wanted for target, value in targets if value is not None},
        },
    }


def save(path: Path | None, facts: dict[str, Any], parts: dict[str, object]) -> None:
    """Keep a run."""
    path = path or RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**facts, "parts": parts}, indent=2) + "\n", encoding="utf-8")
    print(f"\nkept in {path}")


def _want(text: str) -> str:
    return f"   (wanted: {text})" if text else ""
