"""What a part of the suite is: a few measures that share servers, and the ratios that matter among them."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from bench import parts
from bench.environment import Environment
from bench.figures import Sample

Measure = Callable[[], Sample]
"""One round of one measure."""


@dataclass(frozen=True)
class Ratio:
    """One figure over another, and what the project wants of it (never asserted)."""

    above: str
    below: str
    wanted: str = ""


@dataclass(frozen=True)
class Target:
    """A figure with a bound that the project wants it to keep (never asserted)."""

    figure: str
    wanted: str


@dataclass(frozen=True)
class Part:
    """``prepare`` starts the servers it needs in the environment and returns the measures of a round."""

    name: str
    about: str
    prepare: Callable[[Environment, bool], Mapping[str, Measure]]
    """Called with the environment and whether this is a quick run (few rows: only to see that all works)."""
    ratios: tuple[Ratio, ...] = ()
    targets: tuple[Target, ...] = ()
    packages: tuple[str, ...] = ()
    """Debian packages of the peers it measures; all parts' together make the one runtime of a run."""
    order: int = 0
    """Its place in a run of the whole suite."""


def discover() -> dict[str, Part]:
    """Every part by name, in the order of a whole run: one a module of :mod:`bench.parts`."""
    modules = [import_module(f"bench.parts.{found.name}") for found in pkgutil.iter_modules(parts.__path__)]
    found: list[Part] = [module.PART for module in modules if hasattr(module, "PART")]
    return {part.name: part for part in sorted(found, key=lambda part: (part.order, part.name))}
