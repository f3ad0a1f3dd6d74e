"""``segs up``: brings the platform up, shows it live, and takes it down again on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from deploy.deployer.database import DeployError
from segs.screen import Screen, plain_screen, rich_screen
from stack import keys, runtime, state
from stack import plan as plans
from stack.paths import DataDir
from stack.process import LogFiles, ServerError
from stack.progress import SetupError, say
from stack.supervisor import Supervisor
from stack.users import NoSuchUser, find_user

TRIAL_TOKEN_TTL = 12 * 3600
RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class UpOptions:
    """What the command line asked for."""

    data: DataDir
    port: int
    simulation: list[str] | None
    plain: bool


def run(options: UpOptions) -> int:
    """Run a stack in the foreground until Ctrl-C or SIGTERM; returns the exit status."""
    external = bool(os.environ.get("SEGS_DATABASE_URL"))
    with state.claim(options.data):
        programs = runtime.ensure(need_root=not external)
        plan = plans.make_plan(options.data, programs, options.port)
        return asyncio.run(_run(plan, options))


def detach(options: UpOptions, arguments: list[str]) -> int:
    """Start the same command in the background; return once it is healthy, or failed."""
    if state.is_running(options.data):
        raise SetupError(f"a stack already runs in {options.data.path}: see `segs status`, or `segs down`")
    options.data.create()
    runtime.ensure(need_root=not os.environ.get("SEGS_DATABASE_URL"))
    log = options.data.logs / "segs.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "segs", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    shown = 0
    while process.poll() is None:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines[shown:]:
            print(line, flush=True)
        shown = len(lines)
        with contextlib.suppress(state.NotRunning):
            if state.read(options.data).get("healthy"):
                print(
                    f"Runs in the background; its log: {log}\n"
                    f"Stop it with: {segs_command()} down{_at(options.data)}"
                )
                return 0
        time.sleep(0.3)
    print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[shown:]), file=sys.stderr)
    return process.returncode or 1


async def _run(plan: plans.Plan, options: UpOptions) -> int:
    screen: Screen = plain_screen() if options.plain or not sys.stdout.isatty() else rich_screen()
    logs = LogFiles(plan.data.logs, also=screen.log)
    published = _Published(plan, screen)
    supervisor = Supervisor(plans.make_stages(plan, logs, options.simulation), logs, published.services)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.request_stop)
    say(f"starting in {plan.data.path} ...")
    status = 0
    try:
        await supervisor.start()
        if not supervisor.stopping:
            screen.announce(greeting(plan, secrets=sys.stdout.isatty()))
            published.healthy()
            await _show(plan, screen, published, supervisor.run)
    except (ServerError, psycopg.Error, DeployError) as error:
        say(f"could not start: {error}. Logs are in {plan.data.logs}")
        status = 1
    finally:
        screen.close()
        say("stopping ...")
        await supervisor.stop()
        logs.close()
        say("stopped; the data is kept in " + str(plan.data.path))
    return status


async def _show(plan: plans.Plan, screen: Screen, published: _Published, until: Callable[[], Any]) -> None:
    tasks = [
        asyncio.create_task(published.keep()),
        asyncio.create_task(screen.run(plan.admin_url)),
        asyncio.create_task(keys.retire_in_time(plan.secrets.directory, plan.admin_url)),
    ]
    try:
        await until()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Published:
    """Keeps the state file and the screen in step with the supervisor."""

    def __init__(self, plan: plans.Plan, screen: Screen) -> None:
        self._plan = plan
        self._screen = screen
        self._unwritten = False
        self._state: dict[str, Any] = {
            "healthy": False,
            "data": str(plan.data.path),
            "edge_url": plan.edge_url,
            "database_url": plan.admin_url,
            "services": [],
        }

    def services(self, services: list[dict[str, Any]]) -> None:
        self._state["services"] = services
        self._screen.services(services)
        self.write()

    def healthy(self) -> None:
        found = describe_database(self._plan.admin_url)
        found["versions"] |= self._plan.runtime.versions()
        self._state |= {"healthy": True, **found}
        self.write()

    def write(self) -> None:
        """Publish the state. What there is no room for is published by :meth:`keep` when there is."""
        try:
            state.write(self._plan.data, self._state)
        except OSError as error:
            if not self._unwritten:
                say(f"the state cannot be written, `segs status` tells old news: {error}")
            self._unwritten = True
        else:
            self._unwritten = False

    async def keep(self) -> None:
        """Write again what could not be written, until it can."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._unwritten:
                self.write()


def describe_database(admin_url: str) -> dict[str, Any]:
    """The edition and the versions of what runs."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        rows = connection.execute("select extname, extversion from pg_extension order by 1").fetchall()
        license_row = connection.execute("select current_setting('timescaledb.license', true)").fetchone()
        server = connection.execute("show server_version").fetchone()
    versions = {
        "postgresql": str(server[0]).split()[0] if server else "?",
        **{str(n): str(v) for n, v in rows},
    }
    versions.pop("plpgsql", None)
    return {"edition": str(license_row[0]) if license_row else "?", "versions": versions}


def greeting(plan: plans.Plan, *, secrets: bool) -> str:
    """What a newcomer can do now: addresses, tokens, and three commands that work when pasted.

    Without ``secrets`` (what is printed may end up in a log): how to get tokens and the password instead.
    """
    segs, at, url = segs_command(), _at(plan.data), plan.edge_url
    lines = ["", "SEGS is up.", ""]
    lines += [
        f"  Edge        {url}/",
        f"  REST        {url}/api/v1/",
        f"  Accounts    {url}/api/v1/user/   (mails: {_mails(plan)})",
        f"  Readings    {url}/telemetry/batch",
        f"  Events      {url.replace('http', 'ws', 1)}/ws",
        f"  Reference   {url}/docs/",
        f"  Health      {url}/health",
        "",
    ]
    bearer = f'-H "Authorization: Bearer $({segs} token{at} --role'
    more = f"{segs} token{at} --role ROLE"
    password = f'"demo" in {plan.secrets.directory / "passwords.json"}'
    if secrets:
        password = plan.secrets.passwords["demo"]
        lines += [f"Tokens to try (for {TRIAL_TOKEN_TTL // 3600} hours; more with `{more}`):", ""]
        for role, sub in _trial_users(plan):
            lines.append(f"  {role:<9} {plan.token(role, sub, TRIAL_TOKEN_TTL)}")
    else:
        lines.append(f"Tokens to try: {more} (device, consumer, operator, admin)")
    lines += [
        "",
        "Sign in as alice@demo.example (consumer), operator@demo.example, admin@demo.example or"
        f" platform@segs.example: password {password}",
        "",
        "Post a reading:",
        f'  curl -sS {url}/telemetry/batch {bearer} device)"'
        " -H 'Content-Type: application/json'"
        ' -d \'{"readings":[{"meter_id":"SIM-00001","timestamp":"\'$(date -u +%FT%TZ)\'","kwh":0.25}]}\'',
        "Read the current tariffs:",
        f'  curl -sS {url}/api/v1/current_tariffs {bearer} operator)"',
        "Hear events as they happen:",
        f"  {segs} listen{at}",
        "",
    ]
    return "\n".join(lines)


def _mails(plan: plans.Plan) -> str:
    host = os.environ.get("SEGS_NOTIFIER_SMTP_HOST")
    return f"to the mail server {host}" if host else f"files in {plan.data.mail}"


def _trial_users(plan: plans.Plan) -> list[tuple[str, str]]:
    found = [("device", "trial-device")]
    for role in ("consumer", "operator", "admin"):
        with contextlib.suppress(NoSuchUser):
            found.append((role, find_user(plan.admin_url, plans.TENANT, role=role)))
    return found


def segs_command() -> str:
    """How to call this command from where the user is."""
    command = os.path.join(sys.prefix, "bin", "segs")
    if shutil.which("segs") == command:
        return "segs"
    relative = os.path.relpath(command)
    return shlex.quote(relative if not relative.startswith("..") else command)


def _at(data: DataDir) -> str:
    """The ``--data`` option, where it is needed."""
    return "" if data == DataDir.at(None) else f" --data {shlex.quote(str(data.path))}"
