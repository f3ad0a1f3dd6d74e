"""Options of the load test, and the credentials of its users."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

log = logging.getLogger("segs")

DEFAULT_HOST = "http://127.0.0.1:8080"
DEMO, DEMO_CONSUMER = "demo", "alice@demo.example"
TOKEN_TTL = "86400"
HOW_TO_GET = """missing: {missing}
  For a stack on this machine nothing is needed but --host (and --data, if its data folder is not .segs):
  is it running there? `segs status` knows. Elsewhere, on the machine with the data folder:
    export SEGS_GATEWAY_TOKEN=$(segs token --role device --ttl 86400)
    export SEGS_OPERATOR_TOKEN=$(segs token --role operator --ttl 86400)
    export SEGS_CONSUMER_TOKEN=$(segs token --role consumer --ttl 86400)
  In production an admin makes the gateways' token (POST /api/v1/rpc/create_device_token), and people sign in:
    export SEGS_OPERATOR_LOGIN=operator@power.example:PASSWORD SEGS_CONSUMER_LOGIN=...
  Or name the users that should be there at the end of the command line. With what is given: {usable}"""

_minted: dict[str, dict[str, str]] = {}
"""By host: credentials of the stack on this machine. One named later, on the web page, is sent none."""


def add_options(parser: LocustArgumentParser) -> None:
    """The load test's own; and loopback as what is loaded, and as where the web page is."""
    parser.set_defaults(host=DEFAULT_HOST, web_host="127.0.0.1")
    group = parser.add_argument_group(
        "Credentials", "In the environment rather than here: others see options."
    )

    def secret(name: str, text: str) -> None:
        variable = f"SEGS_{name.upper().replace('-', '_')}"
        group.add_argument(f"--{name}", env_var=variable, default="", help=text)  # not on the web page

    secret("gateway-token", "device tokens of the gateways, separated by commas")
    secret("operator-token", "an operator's token: dashboards, alerts, registering the gateways' meters")
    secret("consumer-token", "tokens of consumers, separated by commas")
    secret(
        "operator-login", "EMAIL:PASSWORD of an operator, instead of a token; visitors sign in with it too"
    )
    secret("consumer-login", "EMAIL:PASSWORD of a consumer, likewise")
    group.add_argument(
        "--data", metavar="DIR", default="", help="data folder of the stack at --host, if here"
    )
    add = parser.add_argument
    add("--tenant", default=DEMO, help="tenant of sign-ins, and of tokens of a stack here (%(default)s)")
    add("--prefix", default="LOAD", help="how the codes of the gateways' meters begin (%(default)s)")
    add("--meters", type=_number(1, 10_000), default=100, help="meters of a gateway (%(default)s)")
    add(
        "--interval",
        type=_number(1, 86_400),
        default=10,
        help="seconds that a reading measures (%(default)s)",
    )
    add(
        "--repeat-every",
        type=_number(1, 2**31),
        default=20,
        help="of so many batches one is sent twice (%(default)s)",
    )
    add("--spikes", type=float, default=0.0001, help="share of readings that raise an alert (%(default)s)")
    add(
        "--alerts",
        choices=("own", "all"),
        default="own",
        help="what operators handle: alerts of the gateways' meters, or of all meters (%(default)s)",
    )


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return number


def option(environment: Environment, name: str) -> Any:
    """An option by its name."""
    return getattr(environment.parsed_options, name)


def credential(environment: Environment, name: str) -> str:
    """What was given, or what the stack on this machine gave; empty if neither."""
    return str(option(environment, name) or _minted.get(environment.host or "", {}).get(name, ""))


def find_credentials(environment: Environment) -> None:
    """See that every user has what they need; else say how to get it, and end."""
    options = environment.parsed_options
    assert options is not None
    users = [user.__name__ for user in environment.user_classes]
    if any(_missing(environment, user) for user in users):
        _minted[environment.host or ""] = _of_stack_here(options)
    lacking = {lack for user in users for lack in _missing(environment, user)}
    if lacking and not options.worker:  # a worker's come from the master, with the task
        usable = " ".join(user for user in users if not _missing(environment, user)) or "nobody"
        log.error(HOW_TO_GET.format(missing=", ".join(sorted(lacking)), usable=usable))
        sys.exit(2)


def _missing(environment: Environment, user: str) -> list[str]:
    operator = ("operator_token", "operator_login")
    needed = {
        "Gateway": (("gateway_token",), operator),
        "Consumer": (("consumer_token", "consumer_login"),),
        "Visitor": (("consumer_login", "operator_login"),),
    }
    lacking = [
        names
        for names in needed.get(user, (operator,))
        if not any(credential(environment, name) for name in names)
    ]
    return [" or ".join(f"--{name.replace('_', '-')}" for name in names) for names in lacking]


def _of_stack_here(options: Namespace) -> dict[str, str]:
    """Tokens and a password of the stack that runs on this machine at ``--host``, if one does."""
    program = Path(sys.executable).with_name("segs")
    folder = ("--data", options.data) if options.data else ()

    def segs(*words: str) -> str:
        done = subprocess.run([program, *words, *folder], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    if not program.exists() or not (status := json.loads(segs("status", "--json") or "{}")).get("running"):
        return {}
    if status["edge_url"] != (options.host or "").rstrip("/").replace("//localhost", "//127.0.0.1"):
        return {}
    found = {
        f"{name}_token": segs("token", "--role", role, "--tenant", options.tenant, "--ttl", TOKEN_TTL)
        for name, role in {"gateway": "device", "operator": "operator", "consumer": "consumer"}.items()
    }
    passwords = Path(status["data"]) / "secrets" / "passwords.json"
    if options.tenant == DEMO and passwords.exists():
        found["consumer_login"] = f"{DEMO_CONSUMER}:{json.loads(passwords.read_text())['demo']}"
    return {name: text for name, text in found.items() if text}
