"""What two sessions at once may do to prices: one price a window, in the currency it was published in."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.cluster import Database
from tests.support.wait import wait_until

OPERATOR = {
    "iss": "segs",
    "aud": "segs",
    "tenant": "demo",
    "sub": "00000000-0000-4000-8000-000000000001",
    "role": "admin",
    "iat": 0,
    "exp": 4102444800,
}


@pytest.fixture
def soon() -> str:
    """The start of a window tomorrow."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0).isoformat()


def signed_in(database: Database) -> psycopg.Connection[Any]:
    """A transaction of the demo tenant's administrator, as PostgREST begins it."""
    connection = database.connect(autocommit=False)
    connection.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(OPERATOR),))
    connection.execute("set local role admin")
    connection.execute("select auth.check_request()")
    return connection


def publish(connection: psycopg.Connection[Any], since: str, price: str) -> Any:
    row = connection.execute(
        "select published from api.publish_prices('north', %s)",
        (json.dumps([{"since": since, "price": price}]),),
    ).fetchone()
    assert row is not None
    return row[0]


def waits(database: Database) -> None:
    """Until a session waits for another's lock."""
    wait_until(
        lambda: database.value("select count(*) from pg_locks where not granted") == 1, "the other waits"
    )


@pytest.mark.parametrize(("second", "published"), [("0.1", 0), ("0.2", None)])
def test_two_publish_a_window_at_once(
    database: Database, soon: str, second: str, published: int | None
) -> None:
    with ThreadPoolExecutor(1) as pool, signed_in(database) as first, signed_in(database) as other:
        assert publish(first, soon, "0.1") == 1
        later: Future[Any] = pool.submit(publish, other, soon, second)
        waits(database)
        first.commit()
        if published is None:
            with pytest.raises(psycopg.Error, match="is published already") as refused:
                later.result()
            assert refused.value.sqlstate == "PT409"
        else:
            assert later.result() == published
    assert database.rows("select trim_scale(price)::text from tariff.price") == [("0.1",)]


def test_the_currency_waits_for_the_first_price(database: Database, soon: str) -> None:
    with ThreadPoolExecutor(1) as pool, signed_in(database) as first, signed_in(database) as other:
        publish(first, soon, "0.1")
        later = pool.submit(other.execute, "select api.update_tenant_settings(currency => 'CHF')")
        waits(database)
        first.commit()
        with pytest.raises(psycopg.Error, match="The currency stays once prices are published"):
            later.result()
    assert database.value("select currency from grid.tenant where code = 'demo'") == "EUR"
