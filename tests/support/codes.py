"""Every error code that our own code can answer with, read out of the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from psycopg import errors as sqlstates

from stack.edge import TEMPLATE
from stack.paths import CHECKOUT
from workers.ingest import readings
from workers.lib import errors
from workers.lib.errors import ServiceError

Found = tuple[str, int | None]
"""A code and the status it comes with; None in a frame or a batch, which have none."""


def of_workers() -> set[Found]:
    """Codes of the exceptions that workers raise, with the status of each exception."""
    found: set[Found] = {(code, status) for status, code in errors._AIOHTTP_CODES.items()}
    for path in (CHECKOUT / "workers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= set(_raised(node, path))
    return found


def _raised(call: ast.Call, path: Path) -> Iterator[Found]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, ServiceError):
        given = [word.value for word in call.keywords if word.arg == "code"]
        code = given[0].value if given and isinstance(given[0], ast.Constant) else kind.default_code
        yield str(code), kind.status
    elif any(word.arg == "code" for word in call.keywords) and "relay" not in path.parts and name:
        raise AssertionError(f"{path.name}:{call.lineno}: {name}(code=...) is no known exception")


def of_frames() -> set[str]:
    """Codes of the relay's error frames."""
    found: set[str] = set()
    for path in (CHECKOUT / "workers" / "relay").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        codes = re.findall(r'ProtocolError\(\s*f?"([a-z_{}]+)"', text)
        for code in codes:
            kinds = re.findall(r'_all_known\("(\w+)"', text) if "{" in code else [""]
            found |= {code.replace("{kind}", kind) for kind in kinds}
    return found


def of_readings() -> set[str]:
    """Codes of readings that are rejected by themselves."""
    return {
        readings.INVALID_READING,
        readings.UNKNOWN_METER,
        readings.TIME_IN_FUTURE,
        readings.TIME_TOO_OLD,
        readings.ENERGY_OUT_OF_RANGE,
        readings.NEGATIVE_ENERGY,
        readings.ENERGY_ABOVE_CONNECTION,
        readings.CONFLICT,
        readings.TOO_CLOSE,
    }


def of_sql() -> set[str]:
    """SQLSTATEs that functions of the database raise by themselves."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("functions", "schema")
        for path in (CHECKOUT / "db" / folder).rglob("*.sql")
    )
    found = set(re.findall(r"sqlstate '([A-Z0-9]{5})'", text))
    for name in re.findall(r"errcode = '(\w+)'", text):
        found.add(sqlstates.__dict__["".join(word.title() for word in name.split("_"))].sqlstate)
    return found


def of_nginx() -> set[Found]:
    """Codes of nginx's own errors."""
    text = TEMPLATE.read_text(encoding="utf-8")
    found: list[tuple[str, str]] = re.findall(r'^ +(\d{3}|default) \'\{"code":"(\w+)"', text, re.MULTILINE)
    codes: set[Found] = {(code, 400 if status == "default" else int(status)) for status, code in found}
    return codes - {("PT401", 401)}  # the database's own, said before it is asked
