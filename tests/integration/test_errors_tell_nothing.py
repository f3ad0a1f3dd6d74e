"""Whatever is asked of the REST API, an error has a documented code and says nothing of the inside.

A sweep: every function of schema api with every argument bad in every way of its type, and every view
filtered by every column with such values. A new function, argument or type fails until it is known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from stack.paths import CHECKOUT
from tests.support.cluster import Database
from tests.support.keys import Keys
from tests.support.rest import Answer, RestClient

ERRORS = (CHECKOUT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"`(\w+)`", ERRORS[ERRORS.index("## REST") : ERRORS.index("## nginx")]))
# What only PostgreSQL, speaking of our tables, would say.
INSIDE = re.compile(
    r"failing row|violates|constraint|relation|duplicate key|\bkey \(|pl/pgsql|sqlstate|precision \d"
    r"|plan_id|tenant_id|region_id|rule_id|_key\b|_check\b|_fkey\b"
    r"|\b(grid|alert|auth|tariff|event|ingest|rollup|closing|notify)\.\w",
    re.IGNORECASE,
)

LONG = "x" * 100_000
HEADER = "a\r\nX-Evil: 1\r\n\r\nb"
UUID = "00000000-0000-4000-8000-0000000000"
BAD: dict[str, list[object]] = {
    "text": [
        "", " ", LONG, "a\u0000b", "\u0001", HEADER, "Zähler-1", "\U0001f50c", "null", 5, True, [], {},
    ],
    "numeric": [
        "NaN", "Infinity", "-Infinity", -1, 0, 1e-30, 10**30, "1e400", "1e-400", "x", "", True, [], {},
    ],
    "integer": [-(2**31), -1, 0, 2**31 - 1, 2**31, 2**64, 1.5, "x", "", True, [], {}],
    "bigint": [-(2**63), -1, 0, 2**63 - 1, 2**63, 1.5, "x", "", True, [], {}],
    "boolean": ["x", "", 5, [], {}],
    "uuid": ["x", "", 5, HEADER, "00000000-0000-0000-0000-000000000000", [], {}],
    "timestamp with time zone": [
        "infinity", "-infinity", "", "x", HEADER, "294276-12-31T23:00:00Z", "4713-01-01 BC", "2026-02-30",
        5, [], {},
    ],
    "text[]": [
        "x", "{", {}, 5, [], [None], [""], ["x", "x"], [["x"], ["y"]], ["a\u0000b"], [HEADER], [LONG],
        ["x"] * 20_000,
    ],
    "bigint[]": ["x", {}, 5, [], [None], ["x"], [2**70], [[1], [2]], [1, 1], [0] * 20_000],
    "jsonb": [
        5, "x", True, [], {}, [None], [5], [[]], [{}], {"a": "\u0000"}, {"a": {"b": None}}, {"": ""},
        {"a": LONG}, [{HEADER: 1}], [{LONG: 1}], [{"meter_id": "A"}] * 2,
        [{"meter_id": "A", "region": HEADER}], [{"meter_id": LONG, "region": LONG}],
    ],
}  # fmt: skip
FILTERS = (
    "eq.", "eq.x", "eq.\x00", "eq.infinity", "gt.-1e999", "eq.99999999999999999999", "is.x", "cs.{",
    "in.(", "x",
)  # fmt: skip

GOOD: dict[str, tuple[str, dict[str, object]]] = {
    "acknowledge_alert": ("operator", {"alert_id": 1}),
    "alert_summary": ("consumer", {}),
    "assign_meter": ("admin", {"meter_id": "SIM-00009", "owner": "bob@demo.example"}),
    "change_role": ("admin", {"user_id": UUID + "ff", "role": "operator"}),
    "create_device_token": ("admin", {"name": "gateway"}),
    "create_tariff_plan": ("operator", {"name": "Plan", "base_price": 0.1, "region": "north"}),
    "create_tenant": (
        "platform_admin",
        {"code": "sweep", "name": "Sweep", "admin_email": "a@b.example", "admin_name": "A"},
    ),
    "deactivate_user": ("admin", {"user_id": UUID + "ff"}),
    "delete_user": ("admin", {"user_id": UUID + "fe"}),
    "end_tariff_plan": ("operator", {"region": "north"}),
    "estimate_bill": ("consumer", {"kwh": 1}),
    "estimate_running_bill": ("operator", {"meter_id": "SIM-00001"}),
    "events_after": ("operator", {}),
    "publish_prices": ("operator", {"region": "north", "prices": [{"since": "tomorrow", "price": 0.1}]}),
    "reactivate_user": ("admin", {"user_id": UUID + "ff"}),
    "reading_statistics": ("operator", {"meter_id": "SIM-00001"}),
    "register_meters": ("operator", {"meters": [{"meter_id": "SWEEP-1", "region": "north"}]}),
    "replay_quarantined": ("operator", {"ids": [1]}),
    "resolve_alert": ("operator", {"alert_id": 1}),
    "revoke_device_token": ("admin", {"device_id": UUID + "ff"}),
    "set_preferences": ("consumer", {"preferences": {"language": "de"}}),
    "set_threshold": ("consumer", {"meter_id": "SIM-00001", "kwh": 5}),
    "unassign_meter": ("admin", {"meter_id": "SIM-00009"}),
    "update_meter": ("operator", {"meter_id": "SIM-00010", "kind": "two_way"}),
    "update_tenant_settings": ("admin", {"name": "Demo"}),
}
"""Each function with a role that may call it, and arguments that are of the right kind."""

FUNCTIONS = """
select p.proname, p.proargnames[i.place], format_type(t.type, null)
from pg_proc as p
cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes)) with ordinality as t (type, place)
cross join lateral (select t.place) as i
where p.pronamespace = 'api'::regnamespace
  and coalesce(p.proargmodes[i.place], 'i') in ('i', 'b', 'v')
order by 1, i.place
"""
COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, null)
from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'api'::regnamespace and c.relkind = 'v'
order by 1, a.attnum
"""


def fault(answer: Answer) -> str | None:
    """What an answer says that it should not."""
    if answer.status < 400:
        return None
    if "x-evil" in answer.headers:
        return "a header of the caller's"
    body = json.loads(answer.text)
    if set(body) != {"code", "message", "details", "hint"}:
        return f"another shape: {answer.text[:300]}"
    if body["code"] not in DOCUMENTED:
        return f"not documented: {answer.text[:300]}"
    if answer.status >= 500:
        return f"our fault: {answer.text[:300]}"
    said = " ".join(str(body[part]) for part in ("message", "details", "hint"))
    return f"tells: {answer.text[:300]}" if INSIDE.search(said) else None


WORLD = """
with person as (
    insert into auth.user_account (user_id, tenant_id, email, name)
    select ('00000000-0000-4000-8000-0000000000' || n)::uuid, t.tenant_id, n || '@demo.example', n
    from grid.tenant as t cross join unnest('{ff,fe}'::text[]) as n
    where t.code = 'demo'
), root as (
    insert into auth.user_account (user_id, tenant_id, email, name, role)
    select '00000000-0000-4000-8000-0000000000fd', t.tenant_id, 'root@platform.example', 'Root',
        'platform_admin'
    from grid.tenant as t where t.code = 'platform'
), device as (
    insert into auth.device_token (device_id, tenant_id, name, token_hash, created_by)
    select '00000000-0000-4000-8000-0000000000ff', u.tenant_id, 'sweep', sha256('sweep'), u.user_id
    from auth.user_account as u where u.email = 'bob@demo.example'
)
insert into alert.alert (
    alert_id, tenant_id, region_id, meter_id, meter_code, kind, severity, raised_at, quiet_period,
    last_seen_at
)
overriding system value
select 1, m.tenant_id, m.region_id, m.meter_id, m.code, 'high', 'warning', now(),
    tstzrange(now(), now() + interval '1 hour'), now()
from grid.meter as m where m.code = 'SIM-00001'
"""


@pytest.fixture
def headers(database: Database, keys: Keys) -> Callable[[str], dict[str, str]]:
    """The header of someone who may call what is called, in a world where all that is named exists."""
    database.rows(WORLD)
    root = keys.headers("platform_admin", tenant="platform", sub="00000000-0000-4000-8000-0000000000fd")
    return lambda role: root if role == "platform_admin" else keys.headers(role)


def bad_calls(database: Database) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Role, function and arguments of which one is bad."""
    found = database.rows(FUNCTIONS)
    assert {row[0] for row in found} == set(GOOD), "every function has arguments here"
    for function, argument, kind in found:
        role, good = GOOD[function]
        for value in [None, *BAD[kind]]:
            yield role, function, {**good, argument: value}
    for function, (role, good) in GOOD.items():
        yield role, function, {**good, "no_such_argument": 1}


def test_no_call_is_answered_from_the_inside(
    database: Database, postgrest: str, headers: Callable[[str], dict[str, str]]
) -> None:
    api = RestClient(postgrest)
    for function, (role, good) in GOOD.items():
        answer = api.post(f"/rpc/{function}", good, headers(role))
        assert answer.status in (200, 204), f"{function}: {answer.text}"
    faults = []
    for role, function, arguments in bad_calls(database):
        answer = api.post(f"/rpc/{function}", arguments, headers(role))
        if found := fault(answer):
            faults.append(f"{function} {str(arguments)[:160]}: {answer.status} {found}")
    assert not faults, "\n".join(faults)


def test_no_filter_is_answered_from_the_inside(
    database: Database, postgrest: str, headers: Callable[[str], dict[str, str]]
) -> None:
    api = RestClient(postgrest)
    faults = []
    for view, column, _ in database.rows(COLUMNS):
        role = "platform_admin" if view == "tenants" else "admin"
        for value in FILTERS:
            answer = api.get(f"/{view}?{urlencode({column: value, 'limit': 1})}", headers(role))
            if found := fault(answer):
                faults.append(f"{view} {column}={value!r}: {answer.status} {found}")
    assert not faults, "\n".join(faults)
