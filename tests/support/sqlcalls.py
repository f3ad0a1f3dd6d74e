"""Finds the SQL that Python code holds: which functions it calls, and with what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.catalog import SCHEMAS

_CALL = re.compile(
    rf"\b(?P<before>into\s+|copy\s+)?(?P<name>(?:{'|'.join([*SCHEMAS, 'pgmq'])})\.[a-z_0-9]+)\s*\("
)
_NAMED = re.compile(r"^\s*([a-z_0-9]+)\s*(?:=>|:=)")


@dataclass(frozen=True)
class Use:
    """A function call, or a list of a table's columns, in a string of a Python file."""

    place: str
    name: str
    arguments: tuple[str, ...]
    is_column_list: bool

    @property
    def named(self) -> list[str]:
        """Names of the arguments passed by name."""
        return [match[1] for argument in self.arguments if (match := _NAMED.match(argument))]


def uses_in(path: Path, root: Path) -> Iterator[Use]:
    """Every use in the file's string literals; docstrings are prose and do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = dict(_constants(tree, root))
    inside_f_strings = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inside_f_strings:
            continue
        text = _text(node, constants)
        if text:
            yield from uses_of(text, f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}")


def uses_of(text: str, place: str = "") -> Iterator[Use]:
    """Every use in a piece of SQL."""
    for match in _CALL.finditer(text):
        arguments = _arguments(text, match.end())
        if arguments is not None:
            yield Use(place, match["name"], arguments, bool(match["before"]))


def _constants(tree: ast.Module, root: Path) -> Iterator[tuple[str, str]]:
    """Strings that the module gives names to, or takes from another one of ours."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text
            case ast.ImportFrom(module=str(module), names=names):
                path = root / (module.replace(".", "/") + ".py")
                if path.exists():
                    known = dict(_constants(ast.parse(path.read_text(encoding="utf-8")), root))
                    yield from ((n.asname or n.name, known[n.name]) for n in names if n.name in known)


def _text(node: ast.AST, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        # a named string of the module, else one argument or part of one
        return constants.get(ast.unparse(node.value), "$")
    return ""


def _arguments(text: str, start: int) -> tuple[str, ...] | None:
    """The arguments from just after the opening bracket; None if it is never closed."""
    found: list[str] = []
    depth, current = 1, ""
    quoted = False
    for character in text[start:]:
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "([{":
            depth += 1
        elif not quoted and character in ")]}":
            depth -= 1
            if depth == 0:
                return tuple([*found, current] if found or current.strip() else [])
        elif not quoted and character == "," and depth == 1:
            found.append(current)
            current = ""
            continue
        current += character
    return None
