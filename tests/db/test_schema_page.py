"""db/schema.sql is the page that a fresh install gives."""

from __future__ import annotations

import os
from typing import Any

import psycopg

from deploy.deployer import database
from tests.support.schema_page import schema_page

PAGE = database.DB / "schema.sql"
Connection = psycopg.Connection[Any]


def test_the_page_shows_what_a_fresh_install_has(apache_connection: Connection) -> None:
    """``make schema`` writes it again."""
    page = schema_page(apache_connection)
    if os.environ.get("WRITE_SCHEMA"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


def test_the_page_changes_with_a_column_a_comment_and_a_constraint(apache_connection: Connection) -> None:
    before = schema_page(apache_connection)
    for change in (
        "alter table grid.region add column extra integer",
        "comment on column grid.region.name is 'another'",
        "alter table grid.region add check (name <> 'x')",
        "create index on grid.region (name)",
        "create table grid.extra ()",
    ):
        with apache_connection.transaction(force_rollback=True):
            apache_connection.execute(change)
            assert schema_page(apache_connection) != before, change
    assert schema_page(apache_connection) == before
