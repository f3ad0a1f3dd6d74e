"""Dates and times without a zone are the tenant's, and no answer's numbers depend on the session's zone.

Swept over the catalog: every time column of every view of ``api``, every argument of every function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.conftest import Edition
from tests.support.tap import SUPPORT

Connection = psycopg.Connection[Any]

# Its clocks never change: where they do, a time may be there twice, and reads back as one of the two.
STEADY = "Asia/Kolkata"
PEOPLE = ("alice", "operator", "admin", "root")

# Who calls a function, and with what beside times: of every function that takes a time or only reads.
# What takes JSON stands in JSON_ARGUMENTS.
EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "alert_summary": ("alice", {}),
    "assign_meter": ("admin", {"meter_id": "'M-3'", "owner": "'bob@acme.example'"}),
    "create_tariff_plan": ("admin", {"name": "'Next'", "base_price": "0.2", "region": "'west'"}),
    "end_tariff_plan": ("admin", {}),
    "estimate_bill": ("alice", {"kwh": "100", "region": "'north'"}),
    "estimate_running_bill": ("alice", {"meter_id": "'M-1'"}),
    "events_after": ("alice", {}),
    "reading_statistics": ("alice", {"meter_id": "'M-1'"}),
    "unassign_meter": ("admin", {"meter_id": "'M-1'"}),
    "update_meter": ("operator", {"meter_id": "'M-2'", "kind": "'two_way'"}),
}
NEXT = datetime.now(UTC).year + 1
# Two times that suit an argument of this name; the session's zones change their clocks between them.
TIMES = {
    "since": "2026-10-27 00:00:00",
    "until": "2026-10-31 00:00:00",
    "at": f"{NEXT}-10-28 10:15:00",
    "valid_from": f"{NEXT}-10-28 10:15:00",
    "valid_until": f"{NEXT + 2}-04-01 00:00:00",
}
# How a time in a JSON argument is sent, and seen again.
JSON_ARGUMENTS: dict[str, tuple[str, str, str] | None] = {
    "register_meters": (
        "operator",
        """select api.register_meters('[{{"meter_id": "N-1", "region": "north", "installed_at": {}}}]')""",
        "select installed_at from api.meters where meter_id = 'N-1'",
    ),
    "publish_prices": (
        "operator",
        """select api.publish_prices('east', '[{{"since": {}, "price": 1}}]')""",
        "select window_start from api.tariffs where region = 'east'",
    ),
    "set_preferences": None,
}

WORLD = """
select tap.make_tenant('acme');
update grid.tenant set time_zone = '{zone}' where code in ('acme', 'platform');
insert into auth.user_account (tenant_id, email, name, role)
values (tap.tenant('platform'), 'root@platform.example', 'root', 'platform_admin');
insert into auth.user_account (tenant_id, email, name, role, disabled_at)
values (tap.tenant('acme'), 'carl@acme.example', 'carl', 'consumer', now());
update auth.user_account set verified_at = now();
update grid.meter set retired_at = '2027-12-31 10:00Z' where code = 'M-5';
select tap.own('acme', 'M-4', 'alice', '[2026-01-05 00:00Z,2026-03-05 00:00Z)');
insert into auth.device_token (tenant_id, name, token_hash, created_by, revoked_at, last_used_at)
select tap.tenant('acme'), 'old', sha256('old'), tap.account('acme', 'admin'), now(), now();
insert into tariff.plan (tenant_id, region_id, name, validity)
values (tap.tenant('acme'), tap.region('acme', 'south'), 'South', '[2026-01-01 10:00Z,2026-12-01 11:00Z)');
insert into ingest.quarantine (tenant_id, source, code, message, reading, replayed_at)
values (tap.tenant('acme'), 'http', 'unknown_meter', 'no such meter', '{{"meter_id": "X"}}', now());
insert into grid.reading (ts, meter_id, energy)
select '2026-10-20 00:00Z'::timestamptz + n * interval '15 minutes', tap.meter('acme', 'M-1'), n % 7 * 100000
from generate_series(0, 1500) as n;
insert into grid.region_load (tenant_id, region_id, window_start, energy, meters, readings)
select tap.tenant('acme'), tap.region('acme', 'north'),
    '2026-10-20 00:00Z'::timestamptz + n * interval '15 minutes', n % 11 * 100000000, 1, 1
from generate_series(0, 1500) as n;
select tap.close('acme', 'north', '2026-10-20 10:00Z', 1, 2);
update grid.region_load set closed_at = '2026-10-20 10:15Z'
where revision = 1 and window_start = '2026-10-20 10:00Z';
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-1'), 'high', 'info', '2026-10-21 10:00Z', 5, 1);
update alert.alert set status = 'resolved', acknowledged_at = now(), resolved_at = now();
select alert.raise(tap.tenant('acme'), tap.meter('acme', 'M-1'), 'high', 'info', '2026-10-22 10:00Z', 5, 1);
update alert.alert set status = 'acknowledged', acknowledged_at = now() where status = 'active';
"""


def build(edition: Edition, zone: str) -> None:
    """A tenant of this zone with something in every view."""
    with edition.connect() as connection:
        connection.execute("set search_path = public; set client_min_messages = warning")
        for helpers in SUPPORT:
            connection.execute(helpers.read_text(encoding="utf-8"))
        connection.execute(WORLD.format(zone=zone))


def sign_in(connection: Connection, who: str) -> None:
    tenant = "platform" if who == "root" else "acme"
    connection.execute("select tap.sign_in(%s, %s)", (tenant, who))


def views(connection: Connection) -> list[str]:
    """Views of ``api`` that the one who is signed in may read."""
    rows = connection.execute(
        "select c.relname from pg_class as c where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'"
        " and has_table_privilege(current_user, c.oid, 'select') order by 1"
    )
    return [row[0] for row in rows.fetchall()]


def time_columns(connection: Connection, view: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select a.attname, format_type(a.atttypid, null) from pg_attribute as a"
        " where a.attrelid = format('api.%%I', %s::text)::regclass and a.attnum > 0"
        " and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)",
        (view,),
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def functions(connection: Connection) -> dict[str, tuple[str, dict[str, str]]]:
    """Of every function of ``api`` its volatility, and its arguments with their types."""
    rows = connection.execute(
        "select p.proname, p.provolatile::text,"
        " (select jsonb_object_agg(p.proargnames[a.position], format_type(a.type, null))"
        "  from unnest(p.proargtypes::oid[]) with ordinality as a (type, position))"
        " from pg_proc as p where p.pronamespace = 'api'::regnamespace and p.prokind = 'f'"
    )
    return {row[0]: (row[1], row[2] or {}) for row in rows.fetchall()}


def rows_of(connection: Connection, query: str) -> list[Any]:
    """Rows of one JSON column; whatever the query changed is undone."""
    with connection.transaction(force_rollback=True):
        return [row[0] for row in connection.execute(query).fetchall()]


def call(name: str, arguments: dict[str, str]) -> str:
    named = ", ".join(f"{argument} => {value}" for argument, value in arguments.items())
    return f"select to_jsonb(r) from api.{name}({named}) as r"


INSTANT = re.compile(r"\d{4,}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:?\d\d)?")


def instants(value: Any) -> Any:
    """The same with every time as an instant, whatever offset it was told with."""
    if isinstance(value, dict):
        return {key: instants(item) for key, item in value.items()}
    if isinstance(value, list):
        return [instants(item) for item in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def test_every_time_column_is_compared_in_the_tenants_zone(edition: Edition) -> None:
    build(edition, STEADY)
    untold: set[str] = set()
    told: set[str] = set()
    with edition.connect() as connection:
        for who in PEOPLE:
            with connection.transaction(force_rollback=True):
                sign_in(connection, who)
                for view in views(connection):
                    for column, kind in time_columns(connection, view):
                        assert kind != "timestamp without time zone", f"{view}.{column} names no instant"
                        found = connection.execute(
                            f"select {column}, ({column}::timestamptz at time zone 'UTC')::text || 'Z',"
                            f" ({column}::timestamptz at time zone %s)::text from api.{view}"
                            f" where {column} is not null limit 1",
                            (STEADY,),
                        ).fetchone()
                        if found is None:
                            untold.add(f"{view}.{column}")
                            continue
                        told.add(f"{view}.{column}")
                        whole, naive = (found[0], found[0]) if kind == "date" else found[1:]
                        counts = [
                            connection.execute(
                                f"select count(*) from api.{view} where {column} = '{text}'"
                            ).fetchone()
                            for text in (whole, naive)
                        ]
                        assert counts[0] == counts[1] != (0,), f"{view}.{column} = {found[2]} as {who}"
    assert untold - told == set(), "nothing was there to compare"


def test_every_time_argument_is_read_in_the_tenants_zone(edition: Edition) -> None:
    build(edition, STEADY)
    with edition.connect() as connection:
        taking = {
            name: {a: TIMES[a] for a, kind in arguments.items() if kind.startswith(("timestamp", "date"))}
            for name, (_, arguments) in functions(connection).items()
        }
        for name, times in taking.items():
            if not times:
                continue
            who, arguments = EXAMPLES[name]
            for argument in times:
                others = {key: f"'{value}Z'" for key, value in times.items() if key != argument}
                answers = []
                for text in (times[argument], f"{times[argument]}+05:30"):
                    with connection.transaction(force_rollback=True):
                        sign_in(connection, who)
                        query = call(name, arguments | others | {argument: f"'{text}'"})
                        answers.append(rows_of(connection, query))
                assert answers[0] == answers[1], f"{name}({argument})"
                assert answers[0], f"{name}({argument})"


def test_times_in_json_are_read_in_the_tenants_zone(edition: Edition) -> None:
    build(edition, STEADY)
    with edition.connect() as connection:
        taking = {
            name
            for name, (_, arguments) in functions(connection).items()
            if any(kind.startswith("json") for kind in arguments.values())
        }
        assert taking == JSON_ARGUMENTS.keys(), "say how each is sent a time, or that it takes none"
        for name, example in JSON_ARGUMENTS.items():
            if example is None:
                continue
            who, query, seen = example
            with connection.transaction(force_rollback=True):
                sign_in(connection, who)
                connection.execute(query.format(json.dumps(f"{NEXT}-01-01 00:00")))
                (found,) = connection.execute(seen).fetchone() or (None,)
                assert found == datetime(NEXT - 1, 12, 31, 18, 30, tzinfo=UTC), name


def test_an_ambiguous_date_is_refused(edition: Edition) -> None:
    build(edition, STEADY)
    with edition.connect() as connection:
        for condition in (
            "readings_1h where bucket > '01.11.2026'",
            "readings_daily where day = '11/1/2026'",
        ):
            with connection.transaction(force_rollback=True):
                sign_in(connection, "alice")
                with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
                    connection.execute(f"select count(*) from api.{condition}")


def answers(connection: Connection, zone: str) -> Iterator[tuple[str, list[Any]]]:
    """Every view and reading function as everyone sees it, with the session in a zone."""
    for who in ("alice", "admin"):
        with connection.transaction(force_rollback=True):
            sign_in(connection, who)
            connection.execute("select set_config('TimeZone', %s, true)", (zone,))
            for view in views(connection):
                found = rows_of(connection, f"select to_jsonb(r) from api.{view} as r")
                yield f"{view} as {who}", sorted(map(instants, found), key=str)
            for name, (_, arguments) in functions(connection).items():
                if name not in EXAMPLES or EXAMPLES[name][0] != who:
                    continue
                given = EXAMPLES[name][1]
                times = {a: f"'{t}Z'" for a, t in TIMES.items() if a in arguments}
                for sent in (given, given | times):
                    yield f"{name}({sent})", [instants(a) for a in rows_of(connection, call(name, sent))]


def test_no_answer_depends_on_the_sessions_zone(edition: Edition) -> None:
    build(edition, "Europe/Berlin")
    with edition.connect() as connection:
        known = functions(connection)
        # One moment for all of them, or the defaults that mean now would differ.
        with connection.transaction(force_rollback=True):
            expected = dict(answers(connection, "UTC"))
            assert all(expected[f"{view} as admin"] for view in ("readings_15m", "tariffs", "data_quality"))
            for zone in ("Europe/Berlin", "America/St_Johns"):
                for name, found in answers(connection, zone):
                    assert found == expected[name], f"{name} in {zone}"
    reading = {name for name, (volatility, _) in known.items() if volatility != "v"}
    assert reading <= EXAMPLES.keys(), "an example of each function that reads"


def test_an_event_reads_alike_in_any_zone(edition: Edition) -> None:
    build(edition, STEADY)
    with edition.connect() as connection:
        with connection.transaction():
            sign_in(connection, "alice")
            connection.execute(
                "select api.resolve_alert(alert_id) from api.open_alerts order by alert_id limit 1"
            ).fetchall()
        told = connection.execute("select payload from event.log").fetchall()
    times = [text for (payload,) in told for text in payload.values() if INSTANT.fullmatch(str(text))]
    assert times
    assert [text for text in times if not text.endswith("+00:00")] == []
