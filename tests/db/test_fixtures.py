"""The fixtures themselves."""

from __future__ import annotations

from tests.conftest import Edition
from tests.support.cluster import Database


def test_database_is_deployed_and_each_role_can_log_in(database: Database) -> None:
    assert database.value("select count(*) from deploy.migration") > 0
    for role in ("segs_ingest", "segs_relay", "authenticator"):
        with database.connect(role) as connection:
            name, is_member = connection.execute(
                "select current_user, pg_has_role(%s, 'member')",
                ("operator" if role == "authenticator" else role,),
            ).fetchone() or ("", False)
        assert (name, is_member) == (database.logins[role], True)
        assert name != role, "whose password a platform on this server may need"


def test_databases_are_clones_of_their_own(database: Database) -> None:
    assert database.value("select count(*) from grid.tenant where code = 'mark'") == 0
    database.rows("insert into grid.tenant (code, name) values ('mark', 'Mark')")


def test_databases_are_clones_of_their_own_again(database: Database) -> None:
    assert database.value("select count(*) from grid.tenant where code = 'mark'") == 0


def test_editions_differ_in_license_alone(edition: Edition) -> None:
    with edition.connect() as connection:
        row = connection.execute("select current_setting('timescaledb.license')").fetchone()
    assert row == ("apache" if edition.name == "apache" else "timescale",)
