"""The migrate service: brings the database to this image's version and sets the passwords of the login roles.

Reads every secret from a file. ``segs_database_url`` is the administrator's; each other ``*_database_url``
is what one service will connect with, so its user gets the password that stands in it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from deploy.deployer import database

ADMINISTRATOR = "segs_database_url"


def role_passwords(secrets: Path) -> dict[str, str]:
    """The password of each login role, as the services' own connection URLs have it."""
    passwords: dict[str, str] = {}
    for path in sorted(secrets.glob("*_database_url")):
        if path.name == ADMINISTRATOR:
            continue
        parts = conninfo_to_dict(path.read_text(encoding="utf-8").strip())
        passwords[str(parts["user"])] = str(parts["password"])
    return passwords


def require_sessions(url: str) -> None:
    """In production a person's token must come from a sign-in, which can be ended at once."""
    required = os.environ.get("SEGS_ENVIRONMENT", "production") != "development"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update auth.policy set require_session = %s", (required,))


def main() -> int:
    """Deploy, set the passwords, say what was done."""
    secrets = Path(os.environ.get("SEGS_SECRETS_DIR", "/run/secrets"))
    dbmate = shutil.which("dbmate")
    if dbmate is None:
        print("dbmate is not on PATH", file=sys.stderr)
        return 1
    url = (secrets / ADMINISTRATOR).read_text(encoding="utf-8").strip()
    try:
        for line in database.deploy(url, Path(dbmate)):
            print(line)
        require_sessions(url)
        passwords = role_passwords(secrets)
        database.set_passwords(url, passwords)
    except (database.DeployError, psycopg.Error) as error:
        print(str(error).strip(), file=sys.stderr)
        return 1
    print("passwords of " + ", ".join(sorted(passwords)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
