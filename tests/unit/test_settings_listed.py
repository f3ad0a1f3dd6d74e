"""Every setting is listed in .env.example, and no other; the documentation names each."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.paths import CHECKOUT
from workers.lib.settings import PREFIX, WorkerSettings

NAME = re.compile(rf"{PREFIX}[A-Z0-9_]*[A-Z0-9]")


def declared() -> set[str]:
    """Names of every field of every worker's settings."""
    for path in (CHECKOUT / "workers").glob("*/settings.py"):
        importlib.import_module(f"workers.{path.parent.name}.settings")
    return {f"{PREFIX}{field}".upper() for kind in _subclasses(WorkerSettings) for field in kind.model_fields}


def _subclasses(kind: type[WorkerSettings]) -> Iterator[type[WorkerSettings]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("workers."):
            yield from _subclasses(below)


def read_elsewhere() -> set[str]:
    """Names that code reads by itself: ``os.environ["SEGS_X"]``, ``environ.get("SEGS_X")``."""
    found: set[str] = set()
    for package in ("workers", "segs", "stack", "deploy", "simulator", "bench"):
        for path in (CHECKOUT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                found |= set(_environment_names(node))
    return found


def _environment_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript):
        source, key = node.value, node.slice
    elif isinstance(node, ast.Call) and node.args:
        source, key = node.func, node.args[0]
    else:
        return
    match key:
        case ast.Constant(value=str(name)) if "environ" in ast.unparse(source) and NAME.fullmatch(name):
            yield name


def listed() -> list[str]:
    """Names that .env.example sets, also those commented out."""
    text = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
    return re.findall(rf"^#?\s?({NAME.pattern})=", text, re.MULTILINE)


def test_env_example_lists_exactly_the_settings() -> None:
    names = listed()
    assert len(names) == len(set(names)), "listed twice"
    assert set(names) == declared() | read_elsewhere()


def test_the_search_finds_settings() -> None:
    assert {"SEGS_REDIS_URL", "SEGS_INGEST_PORT", "SEGS_RELAY_PORT"} <= declared()
    assert "SEGS_DATABASE_URL" in read_elsewhere()


@pytest.mark.parametrize("name", sorted(declared() | read_elsewhere()))
def test_documentation_names_every_setting(name: str) -> None:
    pages: list[Path] = [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]
    assert any(name in page.read_text(encoding="utf-8") for page in pages), (
        f"no page of docs/ mentions {name}"
    )
