"""People of a stack: finds those a development token may speak for, lets them in, invites others."""

from __future__ import annotations

import psycopg
from argon2 import PasswordHasher

_FIND = """
select u.user_id::text
from auth.user_account as u
join grid.tenant as t using (tenant_id)
where t.code = %(tenant)s and u.disabled_at is null
  and (u.email = auth.normal_address(%(email)s) or %(email)s::text is null)
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


def set_demo_password(connection: psycopg.Connection[tuple[object, ...]], password: str) -> None:
    """Let the seeded people sign in with ``password``, except who has chosen one of their own."""
    names = connection.execute(
        "select u.user_id from auth.user_account as u join grid.tenant as t using (tenant_id)"
        " where t.code in ('demo', 'platform') and u.password_hash is null"
        " and u.user_id::text like '00000000-0000-4000-8000-%'"
    ).fetchall()
    if names:
        hasher = PasswordHasher(2, 19 * 1024, 1)  # as the auth worker by default
        connection.execute(
            "update auth.user_account set password_hash = %s, verified_at = coalesce(verified_at, now())"
            " where user_id = any (%s)",
            (
                hasher.hash(password),
                [n[0] for n in names],
            ),
        )


class InvitationRefusedError(Exception):
    """The account cannot be made; the message says why."""


def invite(admin_url: str, tenant: str, email: str, name: str, role: str) -> None:
    """Make an account and mail its owner how to begin."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        values = (tenant, email, name, role)
        try:
            row = connection.execute("select auth.invite(%s, %s, %s, %s)", values).fetchone()
        except psycopg.DatabaseError as error:
            if not (error.sqlstate or "").startswith("PT"):
                raise
            raise InvitationRefusedError(error.diag.message_primary) from error
    if row is None or row[0] is None:
        raise NoSuchUser(f"there is no tenant {tenant}")
