"""Readers of the event log never pass an open transaction, however late it commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

import psycopg

from tests.support.cluster import Database

EMIT = """
select event.emit(tenant_id, 'load.closed', null, null, jsonb_build_object('n', %s::int))
from grid.tenant where code = 'demo'
"""
READ = "select xid::text, id, payload -> 'n' from event.read_after(%s::text::xid8, %s, %s)"


def test_a_slow_transaction_holds_readers_back(database: Database) -> None:
    with (
        psycopg.connect(database.admin_url) as slow,
        psycopg.connect(database.admin_url, autocommit=True) as quick,
    ):
        start = quick.execute("select xid::text, id from event.position()").fetchone()
        assert start is not None
        slow.execute(EMIT, (1,))
        quick.execute(EMIT, (2,))
        assert quick.execute(READ, (*start, 10)).fetchall() == []
        waiting = quick.execute("select waiting from event.waiting(%s::text::xid8, %s)", start).fetchone()
        assert waiting == (True,)
        slow.commit()
        assert [row[2] for row in quick.execute(READ, (*start, 10))] == [1, 2]


def test_a_reader_misses_and_repeats_nothing(database: Database) -> None:
    """Eight writers whose transactions overlap; a reader that pages through in threes all the while."""
    writers, each = 8, 40
    done = Event()

    def write(number: int) -> None:
        random = Random(number)
        with psycopg.connect(database.admin_url) as connection:
            for n in range(each):
                connection.execute(EMIT, (number * each + n,))
                connection.execute("select pg_sleep(%s)", (random.random() / 200,))
                if random.random() < 0.9 or n == each - 1:
                    connection.commit()

    def read(start: tuple[str, int]) -> list[tuple[int, int, int]]:
        seen: list[tuple[int, int, int]] = []
        position = start
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            while True:
                last = done.is_set()
                rows = connection.execute(READ, (*position, 3)).fetchall()
                seen += [(int(xid), event_id, n) for xid, event_id, n in rows]
                if rows:
                    assert (int(rows[0][0]), rows[0][1]) > (int(position[0]), position[1]), "what follows"
                    position = (rows[-1][0], rows[-1][1])
                elif last:
                    return seen

    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        row = connection.execute("select xid::text, id from event.position()").fetchone()
        assert row is not None
    with ThreadPoolExecutor(writers + 1) as pool:
        reading = pool.submit(read, (row[0], row[1]))
        for writing in [pool.submit(write, number) for number in range(writers)]:
            writing.result()
        done.set()
        seen = reading.result()

    assert [event[:2] for event in seen] == sorted(event[:2] for event in seen)
    assert sorted(event[2] for event in seen) == list(range(writers * each))
