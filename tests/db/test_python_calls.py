"""Every SQL function that Python calls exists with these arguments, and every column it writes to too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from stack.paths import CHECKOUT
from tests.support.sqlcalls import Use, uses_in, uses_of

PACKAGES = ("workers", "segs", "stack", "deploy", "simulator", "bench")
USES = sorted(
    {
        use
        for package in PACKAGES
        for path in (CHECKOUT / package).rglob("*.py")
        for use in uses_in(path, CHECKOUT)
    },
    key=lambda use: (use.place, use.name, use.arguments),
)

Functions = dict[str, list[tuple[int, int, list[str]]]]


def functions(connection: psycopg.Connection[Any]) -> Functions:
    """Fewest and most arguments, and names of the input arguments, of every function by name."""
    found: Functions = {}
    rows = connection.execute(
        """
        select format('%s.%s', pronamespace::regnamespace, proname), pronargs - pronargdefaults,
               case when provariadic = 0 then pronargs else 100 end, coalesce(proargnames[:pronargs], '{}')
        from pg_proc
        """
    )
    for name, fewest, most, names in rows:
        found.setdefault(name, []).append((fewest, most, names))
    return found


def fault(use: Use, known: Functions) -> str | None:
    """Why the call would fail, or None."""
    if use.name not in known:
        return f"{use.place}: {use.name} does not exist"
    count = len(use.arguments)
    for fewest, most, names in known[use.name]:
        if fewest <= count <= most and set(use.named) <= set(names):
            return None
    return f"{use.place}: {use.name} does not take {count} arguments {use.named or ''}: {known[use.name]}"


def test_every_call_from_python_fits(apache_connection: psycopg.Connection[Any]) -> None:
    calls = [use for use in USES if not use.is_column_list]
    assert len(calls) > 5, "found no calls: is the search broken?"
    known = functions(apache_connection)
    faults = [reason for use in calls if (reason := fault(use, known))]
    assert not faults, "\n".join(faults)


def test_every_column_python_writes_exists(apache_connection: psycopg.Connection[Any]) -> None:
    lists = [use for use in USES if use.is_column_list]
    assert lists, "found no column lists: is the search broken?"
    columns: dict[str, set[str]] = {}
    rows = apache_connection.execute(
        "select format('%s.%s', c.relnamespace::regnamespace, c.relname), a.attname"
        " from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
    )
    for table, column in rows:
        columns.setdefault(table, set()).add(column)
    faults = [
        f"{use.place}: {use.name} has no column {name.strip()}"
        for use in lists
        for name in use.arguments
        if name.strip().strip('"') not in columns.get(use.name, set())
    ]
    assert not faults, "\n".join(faults)


def test_the_search_reads_sql() -> None:
    call_sql = "select * from event.read_after(%s, (select max(a, b)), max_events => 5)"
    sql = f"{call_sql}; insert into grid.meter (a, b)"
    call, columns = uses_of(sql)
    assert (call.name, len(call.arguments), call.named) == ("event.read_after", 3, ["max_events"])
    assert columns.is_column_list
    assert columns.arguments == ("a", " b")


@pytest.mark.parametrize(
    ("sql", "fits"),
    [
        ("select grid.window_start(now())", True),
        ("select grid.window_start()", False),
        ("select grid.window_start(now(), 1)", False),
        ("select grid.window_stop(now())", False),
        ("call grid.close_windows()", True),
        ("call grid.close_windows(at => now())", True),
        ("call grid.close_windows(moment => now())", False),
    ],
)
def test_the_check_finds_faults(sql: str, fits: bool, apache_connection: psycopg.Connection[Any]) -> None:
    (use,) = uses_of(sql)
    assert (fault(use, functions(apache_connection)) is None) == fits


def test_docstrings_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text('"""Calls event.read_after() in prose."""\nquery = f"select event.horizon({1 + 1})"\n')
    assert [(use.name, len(use.arguments)) for use in uses_in(path, tmp_path)] == [("event.horizon", 1)]
