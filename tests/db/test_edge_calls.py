"""What the edge says about functions of the API is what the database has."""

from __future__ import annotations

import re

from stack.edge import TEMPLATE
from tests.conftest import Edition

TEXT = TEMPLATE.read_text(encoding="utf-8")
LISTED = dict(re.findall(r"^    /api/v1/rpc/(\w+) ([\w,]+);$", TEXT, re.MULTILINE))
"""Functions whose bodies PostgREST does not read, with the arguments that nginx names in their place."""

ARGUMENTS = """
    select
        p.proname::text,
        a.name,
        format_type(a.type, null),
        a.number > p.pronargs - p.pronargdefaults as optional,
        pg_get_function_arg_default(p.oid, a.number::integer) as if_absent
    from pg_proc as p,
        unnest(p.proargtypes::oid[], p.proargnames[1:p.pronargs]) with ordinality as a (type, name, number)
    where p.pronamespace = 'api'::regnamespace
"""


def test_long_calls_are_listed_with_all_their_arguments(edition: Edition) -> None:
    with edition.connect() as connection:
        rows = connection.execute(ARGUMENTS).fetchall()
    assert LISTED
    for name, listed in LISTED.items():
        own = [row for row in rows if row[0] == name]
        assert listed.split(",") == [row[1] for row in own], name
        for _, argument, _, optional, if_absent in own:
            assert not optional or str(if_absent).startswith("NULL"), (
                f"{name}: {argument} would be null instead of its default"
            )


def test_every_function_that_takes_a_list_is_listed(edition: Edition) -> None:
    with edition.connect() as connection:
        rows = connection.execute(ARGUMENTS).fetchall()
    takes_a_list = {row[0] for row in rows if row[2].endswith("[]") or row[2] in ("json", "jsonb")}
    assert takes_a_list == set(LISTED)


def test_the_location_of_long_calls_names_the_same_functions() -> None:
    found = re.search(r"location ~ \^/api/v1/rpc/\(([\w|]+)\)\$", TEXT)
    assert found is not None
    assert set(found[1].split("|")) == set(LISTED)
