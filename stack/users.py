"""Finds the people a development token may speak for."""

from __future__ import annotations

import psycopg

_FIND = """
select u.user_id::text
from auth.user_account as u
join grid.tenant as t using (tenant_id)
where t.code = %(tenant)s and u.disabled_at is null
  and (u.email = %(email)s or %(email)s::text is null)
  and (u.role = %(role)s or %(role)s::text is null)
order by u.email
limit 1
"""


class NoSuchUser(Exception):
    """No account of that description; the message says which."""


def find_user(admin_url: str, tenant: str, *, email: str | None = None, role: str | None = None) -> str:
    """The id of the user with this email, or of the tenant's first user with this role."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        row = connection.execute(_FIND, {"tenant": tenant, "email": email, "role": role}).fetchone()
    if row is None:
        wanted = f"user {email}" if email else f"user with the role {role}"
        raise NoSuchUser(f"tenant {tenant} has no {wanted}")
    return str(row[0])
