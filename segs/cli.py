"""The ``segs`` command."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from deploy.deployer import database
from segs import compose_secrets, doctor, keys_cli, listen, up
from stack import runtime, secrets, state
from stack.paths import DataDir, default_data_dir
from stack.plan import DEFAULT_SIMULATION, SIMULATOR_TOKEN_TTL, TENANT, with_login
from stack.process import ServerError
from stack.progress import SetupError
from stack.users import InvitationRefusedError, NoSuchUser, find_user, invite

EXPECTED = (
    SetupError,
    ServerError,
    state.NotRunning,
    NoSuchUser,
    InvitationRefusedError,
    database.DeployError,
    psycopg.Error,
    OSError,
)

LISTENER_TOKEN_TTL = 12 * 3600
PLATFORM_ROLE, PLATFORM_TENANT = "platform_admin", "platform"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = make_parser()
    options, rest = parser.parse_known_args(words)
    if rest and not getattr(options, "takes_rest", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    options.words = words
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except EXPECTED as error:
        print(f"segs: {str(error).strip()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def make_parser() -> argparse.ArgumentParser:
    """Every command and option."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data",
        metavar="DIR",
        help=f"the stack's data folder (default: $SEGS_DATA, else {os.path.relpath(default_data_dir())})",
    )
    parser = argparse.ArgumentParser(
        prog="segs", description="Runs and speaks to a SEGS platform on this machine."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, command: Callable[[argparse.Namespace], int], summary: str, more: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, parents=[common], help=summary, description=f"{summary}. {more}".strip()
        )
        sub.set_defaults(command=command)
        return sub

    _add_up(add)
    add("down", _down, "Stop the stack that runs in the data folder", "The data is kept.")
    status = add("status", _status, "Tell what runs: services, addresses, versions")
    status.add_argument("--json", action="store_true", help="as JSON, with the database URL and its password")
    examined = add(
        "doctor",
        _doctor,
        "Tell what is missing, wrong, full or late, and what to do about it",
        "Looks at the data folder, the running stack, and its database or SEGS_DATABASE_URL's. "
        "Exit status 1 if anything has failed.",
    )
    examined.add_argument("--json", action="store_true", help="as JSON: part, state, says, advice")
    psql = add("psql", _psql, "Open psql on the database", "Everything after -- goes to psql.")
    psql.add_argument("--role", choices=secrets.LOGIN_ROLES, help="log in as this role")
    psql.set_defaults(takes_rest=True)
    _add_token(add)
    _add_invite(add)
    _add_listen(add)
    _add_db(commands, common)
    keys_cli.add(commands, common)
    made = commands.add_parser(
        "secrets",
        help="Write the secret files that compose.yaml mounts",
        description="Write the secret files that compose.yaml mounts, but none twice. See deploy/README.md.",
    )
    made.add_argument(
        "directory", nargs="?", type=Path, default=compose_secrets.DIRECTORY, help="default: deploy/secrets"
    )
    made.set_defaults(command=_secrets)
    simulate = commands.add_parser(
        "simulate",
        add_help=False,
        allow_abbrev=False,
        help="Play a grid of meters against a platform (see segs simulate --help)",
    )
    simulate.add_argument("--data", metavar="DIR")
    simulate.set_defaults(command=_simulate, takes_rest=True)
    return parser


AddCommand = Callable[..., argparse.ArgumentParser]


def _add_listen(add: AddCommand) -> None:
    heard = add(
        "listen",
        _listen,
        "Print live events, one a line",
        "Speaks to the stack of the data folder unless --url and --token name another.",
    )
    heard.add_argument(
        "--role",
        choices=("consumer", "operator", "admin"),
        default="operator",
        help="listen as (%(default)s)",
    )
    heard.add_argument(
        "--user", metavar="EMAIL", help="listen as this person (default: the first with that role)"
    )
    listen.add_arguments(heard)


def _add_up(add: AddCommand) -> None:
    sub = add(
        "up",
        _up,
        "Start the whole platform in the foreground",
        "Prints addresses, tokens and commands to try once healthy. Ctrl-C stops it; the data is kept. "
        "With SEGS_DATABASE_URL set, that server is used and no PostgreSQL is started.",
    )
    sub.add_argument(
        "--port", type=int, default=int(os.environ.get("SEGS_PORT", "8080")), help="edge port (8080)"
    )
    sub.add_argument(
        "--detach", action="store_true", help="run in the background; return once all is healthy"
    )
    sub.add_argument("--no-simulator", action="store_true", help="start without the simulated grid")
    sub.add_argument(
        "--simulate",
        metavar="OPTIONS",
        default=shlex.join(DEFAULT_SIMULATION),
        help="options of the simulated grid (default: %(default)s; see segs simulate --help)",
    )
    sub.add_argument("--plain", action="store_true", help="plain lines, even on a terminal")


def _add_token(add: AddCommand) -> None:
    sub = add("token", _token, "Print a development token", "Signed with the key in the data folder.")
    sub.add_argument(
        "--role", required=True, choices=("consumer", "operator", "admin", PLATFORM_ROLE, "device")
    )
    sub.add_argument("--tenant", metavar="CODE", default=TENANT, help="tenant code (default: %(default)s)")
    sub.add_argument(
        "--user",
        metavar="EMAIL",
        help="whose token (default: the tenant's first user with that role); for a device its name",
    )
    sub.add_argument(
        "--ttl", metavar="SECONDS", type=int, default=3600, help="valid for (default: %(default)s)"
    )


def _add_invite(add: AddCommand) -> None:
    sub = add(
        "invite",
        _invite,
        "Make an account for someone and mail them how to begin",
        "The first administrator of the platform: --role platform_admin, which is of the tenant platform.",
    )
    sub.add_argument("email", metavar="EMAIL")
    sub.add_argument("name", metavar="NAME")
    sub.add_argument("--role", required=True, choices=("consumer", "operator", "admin", PLATFORM_ROLE))
    sub.add_argument("--tenant", metavar="CODE", default=TENANT, help="tenant code (default: %(default)s)")


def _add_db(commands: Any, common: argparse.ArgumentParser) -> None:
    group = commands.add_parser(
        "db", help="Deploy and repair the database: migrate, rollback, apply, status, repair-rollups"
    )
    parts = group.add_subparsers(metavar="ACTION", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = parts.add_parser(
            name, parents=[common], help=summary, description=summary + "."
        )
        sub.set_defaults(command=command)
        return sub

    add("migrate", _db_migrate, "Run the migrations that have not run, then apply functions and jobs")
    rollback = add("rollback", _db_rollback, "Undo the newest migrations")
    rollback.add_argument("steps", nargs="?", type=int, default=1, metavar="N", help="how many (default: 1)")
    add("apply", _db_apply, "Apply every function and job again, in one transaction")
    add("status", _db_status, "Tell which migrations have run")
    add(
        "begin-epoch",
        _db_begin_epoch,
        "Begin the event log again, after a restore or a failover that may have lost transactions",
    )
    repair = add(
        "repair-rollups", _db_repair_rollups, "Sum the rollups again from what is kept, then the days"
    )
    repair.add_argument("--since", default="-infinity", metavar="TIME", help="from then on (default: all)")
    repair.add_argument(
        "--until", default="infinity", metavar="TIME", help="what is before that (default: all)"
    )
    repair.add_argument(
        "--even-if-fewer",
        action="store_true",
        help="where a rollup has more readings than what it is summed from, too",
    )


def _up(options: argparse.Namespace) -> int:
    simulation = None if options.no_simulator else shlex.split(options.simulate)
    wanted = up.UpOptions(DataDir.at(options.data), options.port, simulation, options.plain)
    if options.detach:
        return up.detach(wanted, [word for word in options.words if word != "--detach"])
    return up.run(wanted)


def _down(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    if not state.is_running(data):
        print(f"No stack runs in {data.path}.")
        return 0
    os.kill(int(state.read(data)["supervisor"]), signal.SIGTERM)
    deadline = time.monotonic() + 120
    while state.is_running(data):
        if time.monotonic() > deadline:
            raise SetupError(f"the stack did not stop within 2 minutes: see {data.logs}")
        time.sleep(0.1)
    print("Stopped; the data is kept.")
    return 0


def _status(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    try:
        found = state.read(data)
    except state.NotRunning as reason:
        if options.json:
            print(json.dumps({"running": False, "data": str(data.path), "services": []}))
        else:
            print(reason)
        return 3
    if options.json:
        print(json.dumps({"running": True, **found}, indent=2))
        return 0
    for service in found["services"]:
        restarts = f"  restarted {service['restarts']}x" if service["restarts"] else ""
        pid = service["pid"] or "-"
        print(f"{service['name']:<11} {service['state']:<10} pid {pid:<8} {service['url']}{restarts}")
    print(f"\nedge        {found['edge_url']}\ndatabase    {_without_password(found['database_url'])}")
    if "versions" in found:
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        print(f"edition     {found['edition']}\nversions    {versions}")
    print(f"data        {found['data']}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    external = None if state.is_running(data) else os.environ.get("SEGS_DATABASE_URL")
    return doctor.report(doctor.examine(data, external), options.json)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":***@", 1)


def _psql(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    url = _admin_url(data)
    if options.role:
        url = with_login(url, options.role, secrets.load_or_create(data.secrets).passwords[options.role])
    programs = runtime.ensure(need_root=False)
    rest = [word for word in options.rest if word != "--"]
    command = programs.command(
        f"{runtime.PG_BIN}/psql" if programs.root else "psql", *rest, binds=[data.path], tty=True, here=True
    )
    environment = {**os.environ, **_libpq_environment(url), "PSQL_HISTORY": str(data.path / "psql_history")}
    environment.setdefault("PAGER", "more")
    return subprocess.run(command, env=environment, check=False).returncode


def _libpq_environment(url: str) -> dict[str, str]:
    """The address in variables, so that the password does not stand on a command line."""
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    known = psycopg.conninfo.conninfo_to_dict(url)
    return {names[key]: str(value) for key, value in known.items() if key in names and value is not None}


def _token(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    if options.role == "device":
        key = secrets.load_or_create(data.secrets).private_key_file
        print(_device_token(key, options.tenant, options.user or "device", options.ttl))
    else:
        print(_person_token(data, options.tenant, options.role, options.user, options.ttl))
    return 0


def _invite(options: argparse.Namespace) -> int:
    tenant = PLATFORM_TENANT if options.role == PLATFORM_ROLE else options.tenant
    invite(_admin_url(DataDir.at(options.data)), tenant, options.email, options.name, options.role)
    return _tell([f"{options.email} is invited: the mail says to ask for a password"])


def _device_token(key: Path, tenant: str, name: str, ttl: int) -> str:
    return secrets.mint_token(key, role="device", tenant=tenant, sub=name, ttl=ttl)


def _listen(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)
    if options.url is None:
        options.url = state.read(data)["edge_url"]
    if options.token is None and "SEGS_TOKEN" not in os.environ:
        options.token = _person_token(data, TENANT, options.role, options.user, LISTENER_TOKEN_TTL)
    return listen.run(options)


def _person_token(data: DataDir, tenant: str, role: str, email: str | None, ttl: int) -> str:
    key = secrets.load_or_create(data.secrets).private_key_file
    tenant = PLATFORM_TENANT if role == PLATFORM_ROLE else tenant
    sub = find_user(_admin_url(data), tenant, email=email, role=None if email else role)
    return secrets.mint_token(key, role=role, tenant=tenant, sub=sub, ttl=ttl)


def _secrets(options: argparse.Namespace) -> int:
    return _tell([str(path) for path in compose_secrets.write(options.directory)])


def _simulate(options: argparse.Namespace) -> int:
    from simulator.cli import main as simulate  # not needed, and slow to load, for the other commands

    data = DataDir.at(options.data)
    if state.is_running(data):
        found = state.read(data)
        key = secrets.load_or_create(data.secrets).private_key_file
        known = {
            "SEGS_TARGET": found["edge_url"],
            "SEGS_DATABASE_URL": found["database_url"],
            "SEGS_TOKEN": _device_token(key, TENANT, "simulator", SIMULATOR_TOKEN_TTL),
            "SEGS_OPERATOR_TOKEN": _person_token(data, TENANT, "operator", None, SIMULATOR_TOKEN_TTL),
        }
        for name, value in known.items():
            os.environ.setdefault(name, value)
    return simulate(options.rest)


def _admin_url(data: DataDir) -> str:
    """The administrator's URL of the running stack, or of SEGS_DATABASE_URL."""
    external = os.environ.get("SEGS_DATABASE_URL")
    if external and not state.is_running(data):
        return external
    return str(state.read(data)["database_url"])


def _db_migrate(options: argparse.Namespace) -> int:
    url = _admin_url(DataDir.at(options.data))
    return _tell(database.deploy(url, runtime.ensure(need_root=False).dbmate))


def _db_rollback(options: argparse.Namespace) -> int:
    url = _admin_url(DataDir.at(options.data))
    return _tell(
        database.rollback(url, runtime.ensure(need_root=False).dbmate, options.steps) or ["nothing to undo"]
    )


def _db_apply(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    done = database.apply(_admin_url(DataDir.at(options.data)))
    return _tell([*done, f"applied in {time.monotonic() - begun:.1f} s"])


def _db_status(options: argparse.Namespace) -> int:
    url = _admin_url(DataDir.at(options.data))
    database.check_unedited(url)
    applied = set(database.applied_migrations(url))
    for path in database.migration_files():
        print(f"{'applied' if path.name.split('_')[0] in applied else 'pending':<8} {path.name}")
    return 0


def _db_begin_epoch(options: argparse.Namespace) -> int:
    return _tell([database.begin_epoch(_admin_url(DataDir.at(options.data)))])


def _db_repair_rollups(options: argparse.Namespace) -> int:
    url = _admin_url(DataDir.at(options.data))
    return _tell(database.repair_rollups(url, options.since, options.until, options.even_if_fewer))


def _tell(done: list[str]) -> int:
    for line in done:
        print(line)
    return 0
