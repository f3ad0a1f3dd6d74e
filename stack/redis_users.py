"""Who may do what in Redis: one user a worker, with its keys and its commands alone.

Redis is told by an access control list, which holds hashes of the passwords. The local runtime and compose
(through ``segs secrets``) use the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

ADMIN = "segs_admin"
RIGHTS = {
    # anyone who connects without a password may see that Redis answers
    "default": "nopass +ping",
    # newest times of meters: kept in one hash a database, told on one channel
    "segs_ingest": (
        "~segs:ingest:* &segs:ingest:* +hset +hgetall +expire +publish +subscribe +unsubscribe +ping"
    ),
    # tickets: redeemed by the relay, which also issues them; the auth worker issues them and can read none
    "segs_relay": "~segs:ws-ticket:* +set +getdel +ping",
    "segs_auth": (
        "~segs:attempts:* +incr +decr +expire +ttl +del +multi +exec +discard +ping"
        " (%W~segs:ws-ticket:* +set)"
    ),
    # a person's, and the tests'
    ADMIN: "~* &* +@all",
}
WORKERS = tuple(user.removeprefix("segs_") for user in RIGHTS if user not in ("default", ADMIN))
_OF_EVERY_CLIENT = "+client|setinfo +client|setname"


def access_list(passwords: Mapping[str, str]) -> str:
    """The text of an ACL file; ``passwords`` by user."""
    return "".join(f"user {user} on {_rule(user, passwords)}\n" for user in RIGHTS)


def _rule(user: str, passwords: Mapping[str, str]) -> str:
    rights = f"resetkeys resetchannels -@all {RIGHTS[user]}"
    if user == "default":
        return rights
    login = f"#{hashlib.sha256(passwords[user].encode()).hexdigest()}"
    return f"resetpass {login} {rights}" + ("" if user == ADMIN else f" {_OF_EVERY_CLIENT}")
