"""``segs keys list | rotate | retire``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stack import keys, secrets, state
from stack.paths import DataDir

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Put the commands under ``segs``."""
    group = commands.add_parser("keys", help="Signing keys of tokens: list, rotate, retire")
    parts = group.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], int], help_: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = parts.add_parser(
            name, parents=[common], help=help_, description=help_ + "."
        )
        sub.set_defaults(command=run)
        return sub

    action("list", _list, "Tell which keys are believed, and which of them signs")
    rotate = action(
        "rotate", _rotate, "Sign with a new key; tokens of the old one stay good until they expire"
    )
    rotate.add_argument(
        "--keep",
        metavar="TIME",
        type=duration,
        default=keys.DEFAULT_KEEP,
        help="believe the replaced key for so long: as long as its tokens live, such as 1h (default: 31d)",
    )
    retire = action(
        "retire", _retire, "Stop believing replaced keys: those whose time is over, or KEY at once"
    )
    retire.add_argument("key", metavar="KEY", nargs="?", help="a key of `segs keys list`")


def duration(text: str) -> float:
    """``90s``, ``15m``, ``1h``, ``31d`` in seconds."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 15m, 1h or 31d")
    return float(int(number) * UNITS[unit])


def _list(options: argparse.Namespace) -> int:
    for key in keys.known(_directory(options)):
        if key.signs:
            does = "signs"
        elif key.believed_until is None:
            does = "believed"
        else:
            does = f"believed until {_moment(key.believed_until)}"
        print(f"{key.kid}  made {_moment(key.made_at)}  {does}")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    data = DataDir.at(options.data)

    def nobody(private_key: str) -> None:
        """No stack runs here: anyone who starts later reads the files as they are then."""

    publish: Callable[[str], None] = nobody
    if state.is_running(data):
        found = state.read(data)
        publish = keys.publish_to(found["database_url"], found["edge_url"])
    keys.rotate(_directory(options), publish, keep=options.keep)
    return _list(options)


def _retire(options: argparse.Namespace) -> int:
    gone = keys.retire(_directory(options), options.key)
    data = DataDir.at(options.data)
    if gone and state.is_running(data):
        keys.tell_postgrest(state.read(data)["database_url"])
    for kid in gone:
        print(f"{kid}  is believed no more")
    if not gone:
        print("nothing to retire")
    return 0


def _directory(options: argparse.Namespace) -> Path:
    return secrets.load_or_create(DataDir.at(options.data).secrets).directory


def _moment(at: float | None) -> str:
    return "?" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
