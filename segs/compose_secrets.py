"""Writes the secret files that compose.yaml mounts: ``segs secrets [DIRECTORY]``.

The folder is private to its owner; the files in it that containers read are readable by every user, because a
container's user is not the host's, and compose mounts a file as it is. Who cannot enter the folder cannot
reach them, and a container sees only those mounted into it (the signing key: the auth worker's alone).
What no container needs (passwords.json) stays 0600.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from stack import redis_users, secrets
from stack.paths import CHECKOUT

DIRECTORY = CHECKOUT / "deploy" / "secrets"
DATABASE_HOST = "postgres:5432"
REDIS_HOST = "redis:6379"
DATABASE = "segs"


def contents(passwords: dict[str, str]) -> dict[str, str]:
    """What each file says, by file name."""

    def database(role: str) -> str:
        password = quote(passwords[role], safe="")
        return f"postgresql://{role}:{password}@{DATABASE_HOST}/{DATABASE}?sslmode=disable"

    users = secrets.redis_passwords(passwords)

    def redis(user: str) -> str:
        return f"redis://{user}:{quote(users[user], safe='')}@{REDIS_HOST}/0"

    return {
        "postgres_password": passwords["postgres"],
        "redis_users": redis_users.access_list(users),
        "segs_database_url": database("postgres"),
        "segs_ingest_database_url": database("segs_ingest"),
        "segs_relay_database_url": database("segs_relay"),
        "segs_auth_database_url": database("segs_auth"),
        "segs_notifier_database_url": database("segs_notifier"),
        "segs_auth_code_key": passwords["auth_code_key"],
        "postgrest_database_url": database("authenticator"),
        **{f"segs_{worker}_redis_url": redis(f"segs_{worker}") for worker in redis_users.WORKERS},
    }


def write(directory: Path = DIRECTORY) -> list[Path]:
    """Make the secrets that are not there yet and write every file; returns what containers will read.

    Running it again keeps passwords and keys: the files are only written again.
    """
    made = secrets.load_or_create(directory)
    paths = [made.jwks_file, made.private_key_file]
    for name, text in contents(made.passwords).items():
        path = directory / name
        secrets.write_private(path, text)
        paths.append(path)
    for path in paths:
        path.chmod(0o444)
    return paths
