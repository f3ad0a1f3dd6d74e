"""The one form of an e-mail address, in SQL: what Python says, on both editions and at every door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import Edition
from tests.support.addresses import ADDRESSES, addresses, python_form
from tests.support.cluster import Cluster

Connection = psycopg.Connection[Any]
FORMS = "select auth.normal_address(a) from unnest(%s::text[]) with ordinality as u (a, n) order by n"


def sql_forms(connection: Connection, given_addresses: list[str]) -> list[str | None]:
    return [row[0] for row in connection.execute(FORMS, (given_addresses,), prepare=False).fetchall()]


def test_examples(edition: Edition) -> None:
    with edition.connect() as connection:
        found = sql_forms(connection, [given_address for given_address, _ in ADDRESSES])
    assert list(zip([a for a, _ in ADDRESSES], found, strict=True)) == ADDRESSES


def test_every_character_is_judged_as_in_python(edition: Edition) -> None:
    """Alone, after a letter, and before one, since both sides compose."""
    # The same SQL runs on both: all of them on Apache, every thirteenth in WebAssembly, which is slow.
    step = 1 if edition.name == "apache" else 13
    characters = [chr(code) for code in range(1, 0x11000, step) if not 0xD800 <= code < 0xE000]
    with edition.connect() as connection:
        wrong = [
            each for few in batched(by_labels(characters), 2000) for each in differences(connection, few)
        ]
    assert not wrong, (len(wrong), wrong[:20])


PLACES = ("{}", "x{}", "{}x")


def by_labels(characters: list[str]) -> Iterator[str]:
    """Each character in each place.

    Where Python takes all places, one address has them all: its form shows every label.
    """
    for character in characters:
        labels = [place.format(character) for place in PLACES]
        together = f"ada@{'.'.join(labels)}.example"
        yield f"{character}@werke.example"
        if python_form(together) is not None:
            yield together
        else:
            yield from (f"ada@{label}.example" for label in labels)


def batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    each = iter(items)
    while few := list(islice(each, size)):
        yield few


def differences(connection: Connection, given: list[str]) -> list[tuple[str, str | None, str | None]]:
    """What SQL says of it and what Python does, where they differ."""
    found = zip(given, sql_forms(connection, given), strict=True)
    return [(ascii(a), sql, python) for a, sql in found if sql != (python := python_form(a))]


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[Connection]:
    with cluster.clone() as database, database.connect() as opened:
        yield opened


@hypothesis_settings(max_examples=150)
@given(given_addresses=st.lists(addresses(), min_size=1, max_size=30))
def test_python_and_sql_agree(connection: Connection, given_addresses: list[str]) -> None:
    expected = [python_form(each) for each in given_addresses]
    assert sql_forms(connection, given_addresses) == expected


@pytest.mark.parametrize("given_address", [a for a, normal in ADDRESSES if a != normal])
def test_only_the_one_form_is_stored(connection: Connection, given_address: str) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NotNullViolation)):
        connection.execute(
            "insert into auth.user_account (tenant_id, email, name)"
            " select tenant_id, %s, 'A' from grid.tenant where code = 'demo'",
            (given_address,),
        )
