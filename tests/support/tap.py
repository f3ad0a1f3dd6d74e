"""Runs a pgTAP file and reads what it says (the Test Anything Protocol)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import psycopg

from deploy.deployer.database import DB

SUPPORT = sorted((DB / "tests" / "support").glob("*.sql"))
"""Helpers that every test file may use: made before it in its transaction, gone with it."""

_PLAN = re.compile(r"^1\.\.(\d+)(\s*#\s*skip.*)?$", re.IGNORECASE)
_RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$")
_DIRECTIVE = re.compile(r"#\s*(skip|todo)\b\s*(.*)$", re.IGNORECASE)


@dataclass
class TapReport:
    """What one file said."""

    planned: int | None = None
    passed: int = 0
    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Results seen, whatever they were."""
        return self.passed + len(self.skipped) + sum(p.startswith("not ok") for p in self.problems)


def read_tap(lines: list[str]) -> TapReport:
    """Judge TAP lines. A failing result carries the diagnostics that follow it."""
    report = TapReport()
    failing = False
    for line in lines:
        if plan := _PLAN.match(line):
            report.planned = int(plan[1])
            failing = False
        elif result := _RESULT.match(line):
            failing = _read_result(report, line, result)
        elif line.startswith("Bail out!"):
            report.problems.append(line)
        elif line.startswith("#") and failing:
            report.problems[-1] += "\n" + line
    if report.planned is None:
        report.problems.append("no plan: select plan(n) or no_plan(), and finish()")
    elif report.planned != report.total:
        report.problems.append(f"planned {report.planned} tests but ran {report.total}")
    return report


def _read_result(report: TapReport, line: str, result: re.Match[str]) -> bool:
    directive = _DIRECTIVE.search(result[3])
    kind = directive[1].lower() if directive else ""
    if kind == "skip" and directive:
        report.skipped.append(directive[2] or line)
    elif result[1] and kind != "todo":
        report.problems.append(line)
        return True
    else:
        report.passed += 1
    return False


def run_tap(connection: psycopg.Connection[Any], text: str) -> TapReport:
    """Run a test file in a transaction that is rolled back; an error becomes a problem of the report."""
    connection.execute("set search_path = public")  # where pgTAP is; PGlite's own default is pg_catalog
    connection.execute("begin")
    try:
        for helpers in SUPPORT:
            connection.execute(helpers.read_text(encoding="utf-8"))
        lines = _text_rows(connection, text)
    except psycopg.Error as error:
        report = TapReport()
        report.problems.append(_describe(error, text))
        return report
    finally:
        connection.execute("rollback")
        connection.execute("discard all")
    return read_tap(lines)


def _text_rows(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """Every text value the file's statements returned, split into lines (pgTAP returns several in one)."""
    cursor = connection.execute(text)
    lines: list[str] = []
    while True:
        if cursor.description:
            for row in cursor.fetchall():
                for value in row:
                    if isinstance(value, str):
                        lines.extend(value.splitlines())
        if not cursor.nextset():
            return lines


def _describe(error: psycopg.Error, text: str) -> str:
    position = error.diag.statement_position
    where = f"line {text[: int(position) - 1].count(chr(10)) + 1}: " if position else ""
    parts = [where + (error.diag.message_primary or str(error))]
    parts += [
        note for note in (error.diag.message_detail, error.diag.message_hint, error.diag.context) if note
    ]
    return "\n".join(parts)
