"""Runs every file of db/tests on both TimescaleDB editions, each in a transaction that is rolled back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from deploy.deployer.database import DB
from tests.support.report import PGTAP_TOTALS
from tests.support.tap import SUPPORT, read_tap, run_tap

TESTS = DB / "tests"
FILES = sorted(str(path.relative_to(TESTS)) for path in TESTS.glob("**/*.sql") if path not in SUPPORT)

# How many tests of a file may be skipped, by edition: what needs pg_cron cannot run in the TSL edition's
# single process. One more skip than named here fails.
ALLOWED_SKIPS: dict[tuple[str, str], int] = {}


@pytest.mark.parametrize("name", FILES)
def test_pgtap(name: str, shared: psycopg.Connection[Any], shared_edition: str) -> None:
    report = run_tap(shared, (TESTS / name).read_text(encoding="utf-8"))
    PGTAP_TOTALS.add(shared_edition, name, report)
    assert not report.problems, "\n\n".join([f"db/tests/{name} on {shared_edition}:", *report.problems])
    allowed = ALLOWED_SKIPS.get((shared_edition, name), 0)
    assert len(report.skipped) <= allowed, (
        f"{len(report.skipped)} skipped, {allowed} allowed: {report.skipped}"
    )


def test_allowed_skips_name_existing_files() -> None:
    assert {name for _, name in ALLOWED_SKIPS} <= set(FILES)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select plan(1); select ok(true, 'fine'); select * from finish();", None),
        ("select * from no_plan(); select ok(true, 'fine'); select * from finish();", None),
        ("select plan(1); select is(1, 2, 'one is two'); select * from finish();", "not ok 1 - one is two"),
        ("select plan(2); select ok(true, 'fine'); select * from finish();", "planned 2 tests but ran 1"),
        ("select plan(1); select ok(true, 'a'); select ok(true, 'b');", "planned 1 tests but ran 2"),
        ("select ok_is_not_here();", "line 1: function ok_is_not_here() does not exist"),
        ("select plan(1);\nselect ok(1 / 0 = 1, 'x');", "division by zero"),
        ("select 1;", "no plan"),
        ("", "no plan"),
    ],
)
def test_runner_fails_on_a_failing_file(
    sql: str, problem: str | None, shared: psycopg.Connection[Any]
) -> None:
    problems = run_tap(shared, sql).problems
    if problem is None:
        assert problems == []
    else:
        assert any(text.startswith(problem) for text in problems), problems


def test_runner_leaves_nothing_behind(shared: psycopg.Connection[Any]) -> None:
    run_tap(shared, "create table public.left_behind (a int); set role segs_owner; select plan(0);")
    row = shared.execute("select to_regclass('public.left_behind') is null, current_user = session_user")
    assert row.fetchone() == (True, True)


def test_skips_are_counted_and_diagnostics_kept() -> None:
    report = read_tap(
        ["1..3", "ok 1 - a", "ok 2 # SKIP no pg_cron", "not ok 3 - c", "# Failed test 3", "#  have: 1"]
    )
    assert report.passed == 1
    assert report.skipped == ["no pg_cron"]
    assert report.problems == ["not ok 3 - c\n# Failed test 3\n#  have: 1"]
