"""The command line: wrong usage is told in a sentence, the summary is for people and for programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from simulator.cli import main
from tests.support.ingest_stand_in import StandIn, error, serving


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with serving(StandIn()) as server:
        yield server


async def run(stand_in: StandIn, *options: str, tokens: bool = True) -> tuple[int, str, str]:
    """Run the command as a process; its exit code and what it printed."""
    process = await start(stand_in, *options, tokens=tokens)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def start(stand_in: StandIn, *options: str, tokens: bool = True) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGS_")}
    if tokens:
        environment |= {"SEGS_TOKEN": "device", "SEGS_OPERATOR_TOKEN": "operator"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--target", stand_in.url, *options,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip


async def test_a_run_registers_plays_and_sums_up(stand_in: StandIn) -> None:
    code, out, err = await run(stand_in, "--meters", "30", "--history", "1h", "--iterations", "0")
    assert (code, err) == (0, "")
    assert len(stand_in.registered) == 30
    assert "30 meters registered, 30 of them new" in out
    assert "up to date: " in out
    assert f"accepted{len(stand_in.stored):>16,}" in out


async def test_json_is_alone_on_standard_output(stand_in: StandIn) -> None:
    code, out, err = await run(stand_in, "--meters", "5", "--interval", "1", "--iterations", "1", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["accepted"] == facts["sent"] == 5
    assert facts["unanswered"] == facts["retries"] == 0
    assert "5 meters every 1 s" in err


async def test_a_second_run_goes_on_where_the_first_ended(stand_in: StandIn) -> None:
    options = ("--meters", "10", "--history", "6h", "--iterations", "0")
    await run(stand_in, *options)
    stored, batches = set(stand_in.stored), len(stand_in.sizes)
    code, out, _ = await run(stand_in, *options)
    assert code == 0
    assert "going on from" in out
    assert sum(stand_in.sizes[batches:]) <= 10 * 32
    assert stored <= set(stand_in.stored)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_run_with_a_summary(stand_in: StandIn, number: signal.Signals) -> None:
    process = await start(stand_in, "--meters", "100", "--interval", "5")
    while not stand_in.sizes:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    process.send_signal(number)
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert f"accepted{len(stand_in.stored):>16,}" in out.decode()


async def test_a_refused_token_is_exit_code_3(stand_in: StandIn) -> None:
    stand_in.trouble = lambda _: error(401, "unauthorized")
    code, _, err = await run(stand_in, "--meters", "5", "--iterations", "1", "--interval", "1")
    assert code == 3
    assert "does not accept the device token: 401 unauthorized" in err
    assert "Traceback" not in err


async def test_a_wrong_address_is_exit_code_4(stand_in: StandIn) -> None:
    code, _, err = await run(stand_in, "--target", stand_in.url + "/nowhere", "--iterations", "1")
    assert code == 4
    assert "404" in err


async def test_a_missing_token_is_wrong_usage(stand_in: StandIn) -> None:
    code, _, err = await run(stand_in, "--iterations", "1", tokens=False)
    assert code == 2
    assert "--token (or SEGS_TOKEN) is missing" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--interval", "7"], "does not divide a day"),
        (["--meters", "0"], "at least 1"),
        (["--history", "1y"], "not a duration"),
        (["--history", "90d"], "at most 34d"),
        (["--faults", "late=2"], "from 0 to 1"),
        (["--time-zone", "Mars/Base"], "unknown time zone"),
        (["--speed", "0"], "not a number above 0"),
        (["--tenant", 'x","'], "not the code of a tenant"),
    ],
)
def test_wrong_options_are_told(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speed", "2", "--token", "x"], "--speed needs a past"),
        (["--mode", "queue"], "--mode queue needs --database-url"),
        (["--replay", "uci", "--interval", "45", "--token", "x"], "divides a minute"),
    ],
)
def test_options_that_do_not_fit_together_are_told(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEGS_TOKEN", "SEGS_DATABASE_URL", "SEGS_OPERATOR_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(options) == 2
    assert message in capsys.readouterr().err


def test_help_names_the_exit_codes_and_gives_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "exit codes:" in text
    assert "segs simulate --meters 100 --replay uci" in text
    assert max(len(line) for line in text.splitlines()) <= 100
